"""Pieces from the shared data: which files of a source, and in which part each is.

Nottingham is in a copyleft group: it is used for judging and never for training.
The test parts of POP909 and of the lead sheets are those of `ripieno_export.parts`, by
which training leaves them out. What cannot be read is listed with its reason, and is
never fatal.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from ripieno_export.archives import Archive, Entry, opened
from ripieno_export.corpus import UNREADABLE, family_of, grid_of
from ripieno_export.judge.harmony import chords_at
from ripieno_export.judge.leak import apart
from ripieno_export.judge.pieces import (
    FRAMES_PER_BEAT,
    Notes,
    Reading,
    TestPiece,
    notes_of,
)
from ripieno_export.parts import part_of
from ripieno_export.sources import Origin

TICKS: Final = 480
"""Exact onsets are kept to a 480th of a beat."""
TAIL: Final = 16
"""Frames after what the index calls the end: last notes ring on."""


@dataclass(frozen=True, slots=True)
class Corpus:
    """How a source is read.

    Attributes:
        label: what tables call it.
        only, skip: see `ripieno_export.sources.Selection`.
        every: how many of its files one is read of.
    """

    label: str
    only: str = ""
    skip: tuple[str, ...] = ()
    every: int = 1


CORPORA: Final = {
    # 518 and 620: misaligned hands, says the README of POP909-CL.
    "2_mit_ccby/pop909": Corpus("POP909", "aligned/", ("518", "620")),
    # Every eighth tune, for speed: 106. All 845 have NIC .788, these .793.
    "4_copyleft/nottingham": Corpus("Nottingham", every=8),
    "1_pd_cc0/openewld_clean": Corpus("OpenEWLD"),
    "1_pd_cc0/neonscribe_jazz_pd": Corpus("Jazz"),
}
TESTED: Final = ("POP909", "Nottingham")
"""The corpora of `read_test`. The other kinds of music are judged by
`ripieno_export.judge.kinds`."""
TRAINED_ON: Final = (
    "2_mit_ccby/pop909",
    "1_pd_cc0/openewld_clean",
    "1_pd_cc0/neonscribe_jazz_pd",
)


def read_corpus(data: Path, source: str, *, every: int | None = None) -> Reading:
    """Read the pieces of a source under a data folder, of all parts.

    Args:
        data: holds `1_pd_cc0`, `2_mit_ccby` and so on.
        source: one of `CORPORA`.
        every: one file of so many, instead of the corpus's own.

    Raises:
        FileError: the source is not there.
    """
    how, reading = CORPORA[source], Reading()
    with opened(data / source) as archive:
        chosen = list(archive.entries(how.only, how.skip))
        for entry in chosen[:: every or how.every]:
            read_entry(archive, entry, how.label, reading)
    return reading


def read_entry(
    archive: Archive, entry: Entry, label: str, reading: Reading, also: str = ""
) -> None:
    """Read a file into a reading, as a piece or as a refusal with its reason.

    Args:
        archive: holds it.
        entry: its line of the index.
        label: what tables call its corpus.
        reading: grows.
        also: a track that accompanies besides the piano.
    """
    name, origin = str(entry["file"]), archive.origin
    try:
        piece = _piece(archive.read(name), entry, label, origin, also)
    except (*UNREADABLE, KeyError) as error:
        reading.refused.append((f"{origin.name}/{name}", str(error)))
        return
    reading.pieces.append(piece)


def _piece(
    midi: bytes, entry: Entry, label: str, origin: Origin, also: str
) -> TestPiece:
    parts = [(name, _notes(grid)) for name, grid in grid_of(midi, TICKS)]
    names = [name for name, _ in parts]
    melody = parts[names.index("MELODY") if "MELODY" in names else 0][1]
    others = [i for i, name in enumerate(names) if name in ("PIANO", "CHORDS")]
    others = others[:1] or list(range(1, len(parts)))
    others += [names.index(also)] if also in names else []
    accompaniment = np.concatenate([melody[:0], *(parts[i][1] for i in others)])
    accompaniment = accompaniment[
        np.lexsort((accompaniment["pitch"], accompaniment["start"]))
    ]
    family, chords = family_of(entry, origin), entry.get("chords") or ()
    split = str(entry.get("split", "train"))
    frames = round(entry["quarters"] * FRAMES_PER_BEAT) + TAIL
    frames = max([frames] + [int(n["end"].max()) for _, n in parts])
    numerator, denominator = entry["ts"][0] if entry["ts"] else (4, 4)
    is_unseen = label == "Nottingham"
    return TestPiece(
        name=str(entry.get("id") or entry.get("title") or Path(entry["file"]).stem),
        corpus=label,
        family=family,
        bpm=float(entry.get("bpm") or 100.0),
        meter=(int(numerator), int(denominator)),
        frames=frames,
        melody=melody,
        accompaniment=accompaniment,
        chords=chords_at(((at, at + long, text) for at, long, text in chords), frames),
        chords_from="markers" if chords else "none",
        pickup=round(float(entry.get("partial") or 0) * FRAMES_PER_BEAT),
        part="test" if is_unseen else part_of(origin.name, family, split),
    )


def _notes(grid: np.ndarray[Any, np.dtype[np.int64]]) -> Notes:
    beats, ends = grid[:, 0] / TICKS, grid[:, 1] / TICKS
    return notes_of(beats, ends, grid[:, 2], grid[:, 3])


def read_test(data: Path) -> Reading:
    """What is judged on: POP909's test part, and Nottingham, which nobody trained on.

    Test songs whose tune training knows are dropped; the reasons say so.

    Raises:
        FileError: a source is not there.
    """
    trained = [read_corpus(data, source) for source in TRAINED_ON]
    unseen = read_corpus(data, "4_copyleft/nottingham")
    whole = Reading()
    for reading in (*trained, unseen):
        whole.pieces += reading.pieces
        whole.refused += reading.refused
    kept, dropped = apart(whole.pieces)
    whole.pieces = [
        piece for piece in kept if piece.part == "test" and piece.corpus in TESTED
    ]
    whole.refused += dropped
    return whole
