"""What a listener hears: the band beside a human, for a kind of music.

::

    python -m ripieno_export.judge.listening --data DIR --kind pop --pieces 8 --part dev

The band gets melody, tempo and metre, in simulated time with its real models. The
human is the piece's own accompaniment or chords. A table has a row for each figure:
band, human (means over pieces ± standard errors), target.
"""

import argparse
import json
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from ripieno.errors import RipienoError, SettingsError
from ripieno.settings.output import say
from ripieno.settings.params import Params
from ripieno_export.judge import fit, harmonic, kinds, playing
from ripieno_export.judge.figure import Figure, mean_of
from ripieno_export.judge.heard import Heard, band, human, prepared
from ripieno_export.judge.pieces import Floats, TestPiece, line
from ripieno_export.judge.report import shown
from ripieno_export.judge.simulated import Players, players

ONE: Final[dict[str, Callable[[Heard], float]]] = {
    "one-beat chords": harmonic.one_beat,
    "changes on beat 1": harmonic.on_beat_one,
    "changes per bar": harmonic.changes_per_bar,
    "root agreement": harmonic.root_agreement,
    "phrase ends V-I": harmonic.authentic,
    "descending fifths": harmonic.descending_fifths,
    "last note on I or vi": harmonic.last_on_tonic,
    "sevenths and suspensions": harmonic.coloured,
    "bass: root on beat 1": playing.bass_on_root,
    "bass: reference's root": playing.bass_on_reference,
    "bass: off the beat": playing.bass_off_beat,
    "bass: shorter than 1/2 beat": playing.bass_short,
    "bass: stepwise": playing.bass_stepwise,
    "beats after the last note": playing.beats_after,
    "stops within 2 bars": lambda heard: playing.stops_within(heard, 2),
    "stops within 4 bars": lambda heard: playing.stops_within(heard, 4),
    "closes with a cadence": playing.closes,
    "both, within 4 bars": playing.ends,
    "long rests played through": playing.plays_through_rests,
    "filling": playing.filling,
    "memory: returning bars": lambda heard: playing.memory(heard)[0],
    "memory: random bars": lambda heard: playing.memory(heard)[1],
    "velocity: deviation": playing.velocity_spread,
    "velocity: with soloist": playing.follows_soloist,
    "velocity: arc": playing.arc,
    "texture notes per bar": playing.notes_per_bar,
    "pad doubled by texture": playing.doubling,
}
"""Figures of one accompaniment of one piece, by name."""
GUARDS: Final = ("NIC", "LG")
HUMAN, BAND = "human", "band"
BOTH: Final = ("root agreement", "bass: reference's root")
"""Figures that compare with the human: the human's own are left out."""


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """The figures of a kind of music.

    Attributes:
        kind, part: which pieces.
        pieces: their names.
        values: figures of each piece: accompanist → figure → shape (pieces,).
    """

    kind: str
    part: str
    pieces: tuple[str, ...]
    values: Mapping[str, Mapping[str, Floats]]

    def figure(self, who: str, name: str) -> Figure:
        """The mean over pieces."""
        return mean_of(self.values[who][name])


def judged(pieces: Sequence[TestPiece], heard: Sequence[Heard]) -> dict[str, Floats]:
    """All figures of one accompanist, each of shape (pieces,)."""
    found = {
        name: np.array([figure(each) for each in heard]) for name, figure in ONE.items()
    }
    melodies = [line(piece.melody, piece.frames) for piece in pieces]
    chords = [each.chords for each in heard]
    pairs = zip(chords, melodies, strict=True)
    found["NIC"] = np.array([fit.note_in_chord(c, m) for c, m in pairs])
    found["LG"] = fit.listening_gains(pieces, chords)
    return found


def table_of(
    kind: str, part: str, pieces: Sequence[TestPiece], who: Players, **own: object
) -> Table:
    """Have the band play to every piece, and compute all figures.

    Args:
        kind: what the table calls them.
        part: likewise.
        pieces: of `ripieno_export.judge.heard.prepared`.
        who: who thinks.
        own: parameters other than the defaults.
    """
    bands, humans = [], []
    for number, piece in enumerate(pieces, 1):
        bands.append(band(piece, who, **own))
        humans.append(human(piece, bands[-1].window[0]))
        say(f"{number}/{len(pieces)} {piece.name}", is_error=True)
    values = {BAND: judged(pieces, bands), HUMAN: judged(pieces, humans)}
    for name in BOTH:
        values[HUMAN][name] = np.full(len(pieces), np.nan)
    return Table(kind, part, tuple(piece.name for piece in pieces), values)


def as_text(table: Table, before: Mapping[str, Any] | None = None) -> list[str]:
    """The table for people, line by line.

    Args:
        table: the figures.
        before: an earlier `as_json` of the same pieces; a column shows what changed,
            with the standard error of the differences by piece.
    """
    lines = [
        f"{table.kind}, {table.part} part, {len(table.pieces)} pieces",
        f"{'':28}{'band':>18}{'human':>18}{'change' * bool(before):>18}",
    ]
    for name in (*ONE, *GUARDS):
        figures = [table.figure(who, name) for who in (BAND, HUMAN)]
        if before:
            figures.append(_change(table, before, name))
        lines.append(f"{name:28}" + "".join(f"{shown(f):>18}" for f in figures))
    return lines


def _change(table: Table, before: Mapping[str, Any], name: str) -> Figure:
    earlier = before["figures"].get(name, {}).get(BAND, {}).get("pieces", ())
    known = dict(zip(before["pieces"], earlier, strict=False))
    old = [known.get(piece) for piece in table.pieces]
    return mean_of(table.values[BAND][name] - np.array(old, np.float64))


def as_json(table: Table) -> dict[str, Any]:
    """The table for machines: means, errors and every piece's own figures."""
    return {
        "kind": table.kind,
        "part": table.part,
        "pieces": list(table.pieces),
        "figures": {
            name: {who: _row(table, who, name) for who in (BAND, HUMAN)}
            for name in (*ONE, *GUARDS)
        },
    }


def _row(table: Table, who: str, name: str) -> dict[str, Any]:
    figure = table.figure(who, name)
    own = [_finite(value) for value in table.values[who][name].tolist()]
    return {
        "mean": _finite(figure.mean),
        "error": _finite(figure.error),
        "songs": figure.songs,
        "pieces": own,
    }


def _finite(value: float) -> float | None:
    return round(value, 4) if np.isfinite(value) else None


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; the exit code."""
    options = _parser().parse_args(arguments)
    try:
        _run(options)
    except RipienoError as error:
        say(str(error), is_error=True)
        return error.exit_code
    return 0


def _run(options: argparse.Namespace) -> None:
    reading = kinds.read(options.data, options.kind, options.part, options.pieces)
    pieces = [prepared(piece) for piece in reading.pieces]
    own = dict(_set(text) for text in options.set)
    table = table_of(options.kind, options.part, pieces, players(options.model), **own)
    before = json.loads(options.before.read_text("utf-8")) if options.before else None
    for row in as_text(table, before):
        say(row)
    if options.json:
        text = json.dumps(as_json(table), indent=1, ensure_ascii=False)
        options.json.write_text(text + "\n", encoding="utf-8")


def _set(text: str) -> tuple[str, object]:
    """A parameter and its value, of ``name=value``.

    Raises:
        SettingsError: there is no such parameter.
    """
    name, _, value = text.partition("=")
    if name not in Params.__struct_fields__:
        raise SettingsError(f"There is no parameter {name!r}.")
    try:
        return name, json.loads(value)
    except ValueError:
        return name, value


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="listening", description=__doc__)
    data = Path(os.environ.get("RIPIENO_DATA", "../shared/data"))
    add = parser.add_argument
    add("--data", type=Path, default=data, help="holds 1_pd_cc0 and so on")
    add("--kind", choices=tuple(kinds.KINDS), default="pop")
    add("--part", choices=kinds.PARTS, default=kinds.DEV)
    add("--pieces", type=int, default=8, help="how many")
    add("--model", default="", help="a name or a folder")
    add("--set", action="append", default=[], metavar="NAME=VALUE")
    add("--json", type=Path, help="write every piece's figures")
    add("--before", type=Path, help="an earlier --json: show what changed")
    return parser


if __name__ == "__main__":
    sys.exit(main())
