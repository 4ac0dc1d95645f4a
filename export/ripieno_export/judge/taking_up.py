"""How a reply takes up its call: figures of two lists of notes, in seconds.

The *line* of polyphonic notes is the highest note of each onset. Intervals are compared
in semitones, so a transposed motif is the same motif.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np

from ripieno_export.judge.calls import Call, onsets
from ripieno_export.tokenize import Floats, Notes

FEWEST_OF_A_LINE: Final = 3
"""Notes from which on figures of a whole reply are computed."""
GRAM: Final = 3
"""Intervals of a trigram: four notes."""
ON_BEAT_S: Final = 0.03
"""An ensemble notices an asynchrony of 20 to 30 ms (Schuett 2002)."""
CONSONANT: Final = (frozenset({0, 4, 7, 9}), frozenset({0, 3, 7, 8}))
"""Degrees 1, 3, 5 and 6 of a major and of a minor key, in semitones."""
BIN_OCTAVES: Final = 0.5
"""The width of a class of durations, as a power of two. So an eighth, a dotted eighth
and a quarter are in different classes."""


@dataclass(frozen=True, slots=True, eq=False)
class Exchange:
    """A call and one reply to it; seconds from the call's first onset."""

    call: Call
    reply: Notes

    @property
    def is_empty(self) -> bool:
        """Whether there was no reply."""
        return not len(self.reply)


def line(notes: Notes) -> Notes:
    """The highest note of each onset, by onset."""
    ordered = notes[np.lexsort((-notes["pitch"].astype(np.int64), notes["start"]))]
    at_s = onsets(ordered)
    place = np.searchsorted(at_s, ordered["start"].astype(np.float64) + 1e-6) - 1
    best: dict[int, int] = {}
    for number, group in enumerate(place.tolist()):
        known = best.get(group)
        if known is None or ordered["pitch"][number] > ordered["pitch"][known]:
            best[group] = number
    return ordered[[best[group] for group in sorted(best)]]


def grams(notes: Notes) -> list[tuple[int, ...]]:
    """The interval trigrams of a line, in order."""
    steps = np.diff(line(notes)["pitch"].astype(np.int64)).tolist()
    return [tuple(steps[n : n + GRAM]) for n in range(len(steps) - GRAM + 1)]


def shared(exchange: Exchange) -> float:
    """The share of the reply's trigrams that occur in the call."""
    known, own = set(grams(exchange.call.notes)), grams(exchange.reply)
    return float(np.mean([gram in known for gram in own])) if own else np.nan


def copied(exchange: Exchange) -> float:
    """The longest run of intervals that the call has too, as a share of the reply."""
    theirs = np.diff(line(exchange.call.notes)["pitch"].astype(np.int64))
    own = np.diff(line(exchange.reply)["pitch"].astype(np.int64))
    if not len(own):
        return np.nan
    runs, longest = np.zeros(len(theirs) + 1, np.int64), 0
    for step in own.tolist():
        runs[1:] = np.where(theirs == step, runs[:-1] + 1, 0)
        longest = max(longest, int(runs.max()))
    return longest / len(own)


def is_no_copy(exchange: Exchange) -> float:
    """Whether that run is at most half of the reply."""
    share = copied(exchange)
    return float(share <= 0.5) if np.isfinite(share) else np.nan


def rhythm(exchange: Exchange) -> float:
    """How alike the intervals between onsets are: the histograms' overlap, 0 … 1."""
    theirs, own = (_intervals(n) for n in (exchange.call.notes, exchange.reply))
    if not len(theirs) or not len(own):
        return np.nan
    edges = np.arange(-8, 4, BIN_OCTAVES)
    # Bins are centred on halvings and doublings of the call's median.
    usual = np.median(theirs)
    one, other = (
        np.histogram(np.log2(values / usual) + BIN_OCTAVES / 2, edges)[0] / len(values)
        for values in (theirs, own)
    )
    return float(np.minimum(one, other).sum())


def _intervals(notes: Notes) -> Floats:
    return np.diff(onsets(notes))


def lengths(notes: Notes) -> Floats:
    """How long each note sounds, in seconds."""
    return np.asarray(notes["end"] - notes["start"], np.float64)


def relative_length(exchange: Exchange) -> float:
    """The median length of the reply's notes divided by that of the call's."""
    own, theirs = lengths(exchange.reply), lengths(exchange.call.notes)
    return float(np.median(own) / np.median(theirs)) if len(own) else np.nan


def is_of_like_length(exchange: Exchange) -> float:
    """Whether that ratio is between a half and two."""
    ratio = relative_length(exchange)
    return float(0.5 <= ratio <= 2.0) if np.isfinite(ratio) else np.nan


def detached(notes: Notes) -> float:
    """The median share of the interval to the next onset that a line's note fills."""
    top = line(notes)
    if len(top) < FEWEST_OF_A_LINE:
        return np.nan
    share = lengths(top)[:-1] / np.diff(top["start"].astype(np.float64))
    return float(np.median(np.minimum(share, 1.0)))


def relative_legato(exchange: Exchange) -> float:
    """How much of the time to the next onset notes fill, beside the call's."""
    return detached(exchange.reply) - detached(exchange.call.notes)


def last_long(exchange: Exchange) -> float:
    """The last note's length divided by the median length."""
    if len(exchange.reply) < FEWEST_OF_A_LINE:
        return np.nan
    last = line(exchange.reply)[-1]
    return float((last["end"] - last["start"]) / np.median(lengths(exchange.reply)))


def ends_long(exchange: Exchange) -> float:
    """Whether it is at least twice as long."""
    ratio = last_long(exchange)
    return float(ratio >= 1.999) if np.isfinite(ratio) else np.nan


def consonant(exchange: Exchange) -> float:
    """Whether the line ends on degree 1, 3, 5 or 6 of the piece's key."""
    if exchange.is_empty:
        return np.nan
    degree = (int(line(exchange.reply)[-1]["pitch"]) - exchange.call.tonic) % 12
    return float(degree in CONSONANT[exchange.call.is_minor])


def relative_density(exchange: Exchange) -> float:
    """Notes a second, beside the call's; from the first onset to the last end."""
    if len(exchange.reply) < FEWEST_OF_A_LINE:
        return np.nan
    return _density(exchange.reply) / _density(exchange.call.notes)


def _density(notes: Notes) -> float:
    return len(notes) / float(notes["end"].max() - notes["start"].min())


def on_beat(exchange: Exchange) -> float:
    """Whether it begins on a felt beat; NaN where no beat is known."""
    beats = exchange.call.beats
    if exchange.is_empty or not len(beats):
        return np.nan
    first_s = float(exchange.reply["start"].min())
    return float(np.abs(beats - first_s).min() <= ON_BEAT_S)


def waits_s(exchange: Exchange) -> float:
    """Seconds from the call's last onset to the reply's first."""
    if exchange.is_empty:
        return np.nan
    last_s = float(exchange.call.notes["start"].max())
    return float(exchange.reply["start"].min()) - last_s


def answered(exchange: Exchange) -> float:
    """Whether there was a reply of four notes or more."""
    return float(len(exchange.reply) > GRAM)


FIGURES: Final[dict[str, Callable[[Exchange], float]]] = {
    "replies": answered,
    "shared trigrams": shared,
    "longest run copied": copied,
    "run at most half": is_no_copy,
    "rhythm shared": rhythm,
    "last / median length": last_long,
    "last at least 2 x": ends_long,
    "ends on 1, 3, 5, 6": consonant,
    "notes a second": relative_density,
    "note length": relative_length,
    "length within 1/2 .. 2": is_of_like_length,
    "legato, difference": relative_legato,
    "starts on a beat": on_beat,
    "seconds after last onset": waits_s,
}
"""Figures of one exchange. Densities and lengths are relative to the call's."""
