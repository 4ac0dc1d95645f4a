"""The band beside a human: a table of what a listener hears, for a kind of music.

The band gets melody, tempo and metre, in simulated time with its real models. The
human is the piece's own accompaniment or chords. A row for each figure: band, human
(means over pieces ± standard errors), aim.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from ripieno.settings.output import say
from ripieno_export.judge import fit, harmonic, playing
from ripieno_export.judge.aims import aims_of
from ripieno_export.judge.figure import Figure, mean_of
from ripieno_export.judge.heard import Heard, band, human
from ripieno_export.judge.pieces import Floats, TestPiece, line
from ripieno_export.judge.report import shown
from ripieno_export.judge.simulated import Players

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
    "memory: returning bars": playing.returning,
    "memory: random bars": playing.random_bars,
    "memory: returning - random": playing.memory,
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


def judged(heard: Sequence[Heard]) -> dict[str, Floats]:
    """All figures of one accompanist, each of shape (pieces,)."""
    pieces = [each.piece for each in heard]
    found = {
        name: np.array([figure(each) for each in heard]) for name, figure in ONE.items()
    }
    melodies = [line(piece.melody, piece.frames) for piece in pieces]
    chords = [each.chords for each in heard]
    pairs = zip(chords, melodies, strict=True)
    found["NIC"] = np.array([fit.note_in_chord(c, m) for c, m in pairs])
    found["LG"] = fit.listening_gains(pieces, chords)
    return found


def played(
    pieces: Sequence[TestPiece], who: Players, **own: object
) -> tuple[list[Heard], list[Heard]]:
    """What the band and what the human plays to every piece.

    Args:
        pieces: of `ripieno_export.judge.heard.prepared`.
        who: who thinks for the band.
        own: parameters other than the defaults.
    """
    bands, humans = [], []
    for number, piece in enumerate(pieces, 1):
        bands.append(band(piece, who, **own))
        humans.append(human(piece, bands[-1].window[0]))
        say(f"{number}/{len(pieces)} {piece.name}", is_error=True)
    return bands, humans


def table_of(
    kind: str, part: str, bands: Sequence[Heard], humans: Sequence[Heard]
) -> Table:
    """All figures of both, of the pieces of a part of a kind."""
    values = {BAND: judged(bands), HUMAN: judged(humans)}
    for name in BOTH:
        values[HUMAN][name] = np.full(len(humans), np.nan)
    return Table(kind, part, tuple(each.piece.name for each in bands), values)


def order_of(table: Table) -> list[int]:
    """The places of the pieces, from the best to the worst.

    By changes on beat 1, minus one-beat chords, plus root agreement where it is known.
    """
    values = table.values[BAND]
    score = values["changes on beat 1"] - values["one-beat chords"]
    score = np.nan_to_num(score) + np.nan_to_num(values["root agreement"])
    return [int(place) for place in np.argsort(-score, kind="stable")]


def chosen(table: Table) -> dict[str, int]:
    """The places of the best, the median and the worst piece."""
    order = order_of(table)
    return {"best": order[0], "median": order[len(order) // 2], "worst": order[-1]}


def as_rows(table: Table, before: Mapping[str, Any] | None = None) -> list[list[str]]:
    """The table for people: a heading, and a row for each figure.

    Args:
        table: the figures.
        before: an earlier `as_json` of the same pieces; a column shows what changed,
            with the standard error of the differences by piece.
    """
    heading = [f"{table.kind}, {table.part} part, {len(table.pieces)} pieces"]
    rows = [[*heading, BAND, HUMAN, "aim", "", *(["change"] if before else [])]]
    for name in (*ONE, *GUARDS):
        ours, theirs = (table.figure(who, name) for who in (BAND, HUMAN))
        aims = list(aims_of(table.kind, name))
        is_known = np.isfinite(ours.mean) and bool(aims)
        mark = "met" if all(aim.is_met(ours, theirs) for aim in aims) else "missed"
        row = [name, shown(ours), shown(theirs), ", ".join(map(str, aims))]
        row.append(mark if is_known else "")
        if before:
            row.append(shown(_change(table, before, name)))
        rows.append(row)
    return rows


def _change(table: Table, before: Mapping[str, Any], name: str) -> Figure:
    earlier = before["figures"].get(name, {}).get(BAND, {}).get("pieces", ())
    known = dict(zip(before["pieces"], earlier, strict=False))
    old = [known.get(piece) for piece in table.pieces]
    return mean_of(table.values[BAND][name] - np.array(old, np.float64))


def as_markdown(rows: Sequence[Sequence[str]]) -> str:
    """Rows as a Markdown table."""
    lines = [f"| {' | '.join(row)} |" for row in rows]
    return "\n".join([lines[0], "|---" * len(rows[0]) + "|", *lines[1:], ""])


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
