"""`ripieno-export evaluate --role accompany`: the protocol as a command.

::

    ripieno-export evaluate --role accompany --data DIR         the shared sources
    ripieno-export evaluate --role accompany --pieces FOLDER    any folder of MIDI files

Ten minutes on two cores; `--quick` plays one minute's worth and proves only that all
tiers work.
"""

import argparse
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ripieno.errors import FileError, RipienoError, SettingsError
from ripieno_export.judge import corpora, protocol, summary
from ripieno_export.judge.folder import read_folder
from ripieno_export.judge.human import Human
from ripieno_export.judge.originality import Index, words
from ripieno_export.judge.pieces import Reading, TestPiece
from ripieno_export.judge.results import FULL, QUICK, Say, Task

SHORTEST_BEATS: Final = 24
"""A shorter piece has little left after eight beats of listening."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What was asked for.

    Attributes:
        data: the folder of sources; or
        pieces: a folder of MIDI files.
        model: a name or a folder; the first one that plays the role if empty.
        out: where the report goes.
        is_quick: whether a minute must do.
        is_live: whether real ports are played through.
    """

    data: Path | None
    pieces: Path | None
    model: str
    out: Path
    is_quick: bool = False
    is_live: bool = True


def wish_of(options: argparse.Namespace) -> Wish:
    """What the flags ask for.

    Raises:
        SettingsError: not exactly one of --pieces and --data was given.
    """
    if (options.pieces is None) == (options.data is None):
        raise SettingsError("Give either --pieces FOLDER or --data DIR to judge on.")
    return Wish(
        data=options.data,
        pieces=options.pieces,
        model=options.model,
        out=options.output,
        is_quick=options.quick,
        is_live=not options.no_live,
    )


def evaluate(wish: Wish, say: Say) -> None:
    """Judge, and write the report.

    Raises:
        FileError: the pieces cannot be read, or the report cannot be written.
        ModelError: no model plays the role.
        PortError: JACK cannot be reached.
        RipienoError: an invariant does not hold.
    """
    reading = _read(wish)
    pieces = [piece for piece in reading.pieces if _is_playable(piece)]
    if not pieces:
        raise FileError("No piece is long enough to be judged: 24 beats are needed.")
    say(f"{len(pieces)} pieces to judge on; {len(reading.refused)} refused.")
    with tempfile.TemporaryDirectory(prefix="ripieno-judge-") as folder:
        task = Task(
            pieces=pieces,
            model=wish.model,
            size=QUICK if wish.is_quick else FULL,
            human=Human(),
            is_live=wish.is_live,
            trained=_trained(wish),
            folder=Path(folder),
        )
        results = protocol.judge(task, say)
    results.notes += [f"Refused: {name} ({why})." for name, why in reading.refused]
    summary.write(results, wish.out)
    say(f"The report is in {wish.out}: figures.md, figures.html, figures.json, takes/.")
    broken = [finding for finding in results.findings if not finding.holds]
    if broken:
        claims = "; ".join(f"{f.claim} ({f.detail})" for f in broken)
        raise RipienoError(f"An invariant does not hold: {claims}.")


def _read(wish: Wish) -> Reading:
    if wish.data is not None:
        return corpora.read_test(wish.data)
    assert wish.pieces is not None
    return read_folder(wish.pieces)


def _is_playable(piece: TestPiece) -> bool:
    """Long enough, with a melody, in a meter that the daemon has."""
    numerator, denominator = piece.meter
    return (
        len(piece.melody) > 0
        and piece.frames >= SHORTEST_BEATS * 4
        and 1 <= numerator <= 16
        and denominator in (2, 4, 8, 16)
        and 20 <= piece.bpm <= 400
    )


def _trained(wish: Wish) -> Index | None:
    """The runs of the music that was trained on, where it is at hand."""
    if wish.data is None or wish.is_quick:
        return None
    lines = []
    for source in corpora.TRAINED_ON:
        for piece in corpora.read_corpus(wish.data, source).pieces:
            if piece.part == "train":
                lines += [words(piece.melody), words(piece.accompaniment)]
    return Index(lines)
