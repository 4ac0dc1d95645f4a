"""Pairs of windows of one piece, each varied in its own way, as training examples.

A view is cut from the piece at a beat or between beats, its time is stretched against
the grid (a tempo that the file does not tell), notes are dropped and shortened, and
it is moved off its centre a little. Transposition needs no augmentation: rolls are
centred. A batch is a function of (seed, step) alone and holds a family only once, since
two views of one song are not different pieces.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from ripieno.layouts.likeness import BEATS, FEWEST, Floats, Ints, Rolls, cut, rolls_of
from ripieno_export.likeness.pieces import Music

Generator = np.random.Generator
APART_BEATS: Final = 96.0
"""Windows further apart than this are often from another movement."""
TRIES: Final = 6


@dataclass(frozen=True, slots=True)
class Variation:
    """How far a window may stray; each happens to some windows only.

    Attributes:
        stretch: the largest factor of time, up or down, against the grid.
        doubled: the share of windows at half or twice the note values.
        away: semitones off the centre, ± this many.
        dropped: the largest share of notes left out.
        shortest: notes keep between this share and all of their length.
    """

    stretch: float = 1.25
    doubled: float = 0.08
    away: int = 3
    dropped: float = 0.1
    shortest: float = 0.5


class Pairs:
    """Pairs of windows of one part of the music."""

    def __init__(self, music: Music, part: int, how: Variation | None = None) -> None:
        self._music, self._how = music, how or Variation()
        mine = np.flatnonzero(music.part == part)
        self._views = [mine[music.family[mine] == f] for f in _distinct(music, mine)]
        last = music.notes[music.bounds[1:] - 1, 0] - music.notes[music.bounds[:-1], 0]
        # A longer piece has more to learn from, but not in proportion: it repeats.
        weights = np.sqrt([min(last[views].max(), 1024.0) for views in self._views])
        self._weights = weights / weights.sum()

    def __len__(self) -> int:
        return len(self._views)

    def batch(self, seed: int, step: int, size: int) -> Rolls:
        """Rolls [2, B, 2, 32, 72], as many pairs as there are families at most."""
        rng = np.random.default_rng([seed, step])
        size = min(size, len(self))
        chosen = rng.choice(len(self), size, replace=False, p=self._weights)
        pieces = [int(rng.choice(self._views[family])) for family in chosen]
        places = np.array([self._places(piece, rng) for piece in pieces]).T
        return np.stack([self._varied(pieces, starts, rng) for starts in places])

    def _places(self, piece: int, rng: Generator) -> tuple[float, float]:
        onsets = self._music.piece(piece)[:, 0]
        first = _place(onsets, onsets[0], onsets[-1], rng)
        low = max(onsets[0], first - APART_BEATS)
        return first, _place(onsets, low, min(onsets[-1], first + APART_BEATS), rng)

    def _varied(self, pieces: list[int], starts: Floats, rng: Generator) -> Rolls:
        how, count = self._how, len(pieces)
        factor = _factors(count, how, rng)
        parts = [
            cut(self._music.piece(piece), starts[n : n + 1], BEATS * factor[n])[1]
            for n, piece in enumerate(pieces)
        ]
        window = np.repeat(np.arange(count), [len(part) for part in parts])
        notes = np.concatenate(parts)
        notes[:, :2] /= factor[window, None]
        share = np.where(
            rng.random(count) < 0.5, rng.uniform(how.shortest, 1, count), 1
        )
        notes[:, 1] = notes[:, 0] + (notes[:, 1] - notes[:, 0]) * share[window]
        dropped = np.where(
            rng.random(count) < 0.5, rng.uniform(0, how.dropped, count), 0
        )
        kept = rng.random(len(window)) >= dropped[window]
        away = rng.integers(-how.away, how.away + 1, count)
        away = np.where(rng.random(count) < 0.5, away, 0)
        return rolls_of(window[kept], notes[kept], count, away)


def _distinct(music: Music, pieces: Ints) -> npt.NDArray[np.int64]:
    return np.unique(music.family[pieces])


def _place(onsets: Floats, low: float, high: float, rng: Generator) -> float:
    """Where a window may begin: on a beat, or on any sixteenth; with notes in it."""
    found = low
    for _ in range(TRIES):
        found = rng.uniform(low, max(high - BEATS / 2, low + 0.01))
        grid = 1.0 if rng.random() < 0.6 else 4.0
        found = np.floor(found * grid) / grid
        first, after = np.searchsorted(onsets, (found, found + BEATS))
        if after - first >= FEWEST:
            break
    return float(found)


def _factors(count: int, how: Variation, rng: Generator) -> Floats:
    """Half of the windows are as they are written."""
    limit = np.log(how.stretch)
    factor = np.exp(rng.uniform(-limit, limit, count))
    factor = np.where(rng.random(count) < 0.5, factor, 1.0)
    twice = rng.choice((0.5, 2.0), count)
    return np.where(rng.random(count) < how.doubled, twice, factor)
