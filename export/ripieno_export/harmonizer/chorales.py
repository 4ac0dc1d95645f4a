"""Four-part music as the harmonizer hears it: one row per onset of the soprano.

A row is the melody's pitch, the time since its onset before, and the three voices that
sound at that instant; what the lower voices do before the next onset is left out, since
an answer to a key-down cannot wait for it. Lower voices are sorted, so that they never
cross; a voice that rests, or lies above the melody, is `NOBODY`: nothing is learned
from it, and the next chord is led from what is left.

Times are scaled so that each piece's median onset lasts one: sources differ by a factor
of eight in what they call a beat. Training draws a tempo of its own.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from ripieno.layouts.voices import DEPTHS, NOBODY, STYLES
from ripieno_export.archives import opened, readable
from ripieno_export.corpus import UNREADABLE, parts_of
from ripieno_export.sources import Origin, Parts, read_origin
from ripieno_export.tokenize import Floats, Ints, Notes

FEWEST: Final = 16
"""A piece with fewer onsets is a fragment."""
MOST_SILENT: Final = 0.3
"""A piece whose lower voices rest more than this is polyphony of another kind."""
NEAR_S: Final = 0.02
"""Onsets nearer than this are one; scores are exact but for rounding."""
MERGED: Final = "Jsb16thSeparated.train_valid.json"


@dataclass(frozen=True, slots=True)
class Chorale:
    """One piece.

    Attributes:
        origin: where it comes from.
        file: its name there.
        style: index into `STYLES`.
        melody: shape (N,), the soprano's pitches.
        gaps: shape (N,), onset to onset, in medians; the first is infinite.
        voices: shape (N, 3), bass, tenor, alto; `NOBODY` where there is none.
    """

    origin: Origin
    file: str
    style: int
    melody: Ints
    gaps: Floats
    voices: Ints


def read(data: Path) -> list[Chorale]:
    """All four-part pieces under a data folder, those of one source together.

    Raises:
        FileError: a source is not there.
    """
    found: list[Chorale] = []
    for path, style, reader in SOURCES:
        folder = data / path
        with readable(folder):
            origin = read_origin(folder)
            for name, melody, starts, voices in reader(folder):
                piece = _piece(origin, name, style, melody, starts, voices)
                if piece is not None:
                    found.append(piece)
    return found


Rows = Iterator[tuple[str, Ints, Floats, Ints]]
"""Name, melody, its onsets, and the other voices, unsorted."""


def _piece(
    origin: Origin, name: str, style: str, melody: Ints, starts: Floats, voices: Ints
) -> Chorale | None:
    """The piece in order, or None if it is not four-part music."""
    if len(melody) < FEWEST:
        return None
    voices = np.where(voices > melody[:, None], NOBODY, voices)
    voices = np.where(melody[:, None] - voices >= DEPTHS, NOBODY, voices)
    if (voices == NOBODY).mean() > MOST_SILENT:
        return None
    gaps = np.diff(starts)
    gaps = np.concatenate([[np.inf], gaps / np.median(gaps)])
    whole = (voices != NOBODY).all(1)
    voices = np.where(whole[:, None], np.sort(voices, 1), voices)
    return Chorale(origin, name, STYLES.index(style), melody, gaps, voices)


def _midi_rows(folder: Path) -> Rows:
    """Every file with four tracks, sorted from soprano to bass by their mean pitch."""
    with opened(folder) as archive:
        for entry in archive.entries():
            name = str(entry["file"])
            try:
                parts = parts_of(archive.read(name))
            except (*UNREADABLE, KeyError):
                continue
            if len(parts) == 4:
                yield name, *_sampled(parts)


def _sampled(parts: Parts) -> tuple[Ints, Floats, Ints]:
    """The soprano's onsets, and what the others sound at each."""
    voices = [notes[np.argsort(notes["start"], kind="stable")] for _, notes in parts]
    voices = [notes[notes["pitch"] < 128] for notes in voices]
    voices.sort(key=lambda notes: -float(np.median(notes["pitch"])))
    soprano, *others = voices
    is_first = np.diff(soprano["start"], prepend=-1.0) > NEAR_S
    top = soprano[is_first]
    others.reverse()
    sounding = [_at(notes, top["start"] + NEAR_S) for notes in others]
    melody = top["pitch"].astype(np.int64)
    return melody, top["start"].astype(np.float64), np.stack(sounding, 1)


def _at(notes: Notes, times: npt.NDArray[np.floating[Any]]) -> Ints:
    """What a voice sounds at each time: its last onset, if it has not ended."""
    place = np.searchsorted(notes["start"], times, side="right") - 1
    is_there = (place >= 0) & (notes["end"][place] > times)
    return np.where(is_there, notes["pitch"][place].astype(np.int64), NOBODY)


def _grid_rows(folder: Path) -> Rows:
    """The piano rolls, for chorales of which no edition with true onsets is here.

    They do not tell a repeated note from a held one: a repeat is no onset.
    """
    rolls = json.loads((folder / MERGED).read_text(encoding="utf-8"))
    known = _known(folder.parent / "bach_chorales_music21")
    for split, pieces in rolls.items():
        for number, steps in enumerate(pieces):
            if (split, number) in known:
                continue
            roll = np.array(steps, np.int64)  # [T, SATB], -1 where silent
            is_onset = np.diff(roll[:, 0], prepend=-1) != 0
            rows = roll[is_onset & (roll[:, 0] >= 0)]
            starts = np.flatnonzero(is_onset & (roll[:, 0] >= 0)).astype(np.float64)
            yield f"{split} {number}", rows[:, 0], starts, rows[:, :0:-1].copy()


def _known(folder: Path) -> set[tuple[str, int]]:
    lines = (folder / "INDEX.jsonl").read_text(encoding="utf-8").splitlines()
    matches: list[Any] = [json.loads(line).get("jsb_match") for line in lines if line]
    return {(str(match[0]), int(match[1])) for match in matches if match}


SOURCES: Final[tuple[tuple[str, str, Callable[[Path], Rows]], ...]] = (
    ("3_pd_works_no_encoding_licence/bach_chorales_music21", "chorale", _midi_rows),
    ("3_pd_works_no_encoding_licence/jsb_chorales", "chorale", _grid_rows),
    ("1_pd_cc0/openhymnal", "hymn", _midi_rows),
    ("2_mit_ccby/polish_satb", "motet", _midi_rows),
)
"""Folder, style and reader of each source; all in the groups 1 to 3."""
