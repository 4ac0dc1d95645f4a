"""Converts between ticks of a MIDI file and nanoseconds, by its tempo changes.

Sums are exact integers. A time is rounded only once, so errors do not add up.
"""

from bisect import bisect_right
from collections.abc import Iterable
from itertools import accumulate, pairwise
from typing import Final

import msgspec
import numpy as np
import numpy.typing as npt

DEFAULT_US_PER_BEAT: Final = 500_000
"""120 bpm, the tempo of a MIDI file that states none."""

BLOCK: Final = 65_536
"""How many ticks are converted at once; the intermediate arrays take 3 MB."""


class TempoMap(msgspec.Struct, frozen=True):
    """The tempo changes of a file; made by `tempo_map`.

    Args:
        ticks_per_beat: the file's resolution, at least 1.
        ticks: where each tempo begins, rising, the first at 0.
        us_per_beat: each tempo, in microseconds a beat.
        starts: the time of each change, in microseconds × `ticks_per_beat`.
    """

    ticks_per_beat: int
    ticks: tuple[int, ...]
    us_per_beat: tuple[int, ...]
    starts: tuple[int, ...]

    def ns_at(self, tick: int) -> int:
        """Return the time of a tick (at least 0), in ns, rounded to the nearest."""
        index = bisect_right(self.ticks, tick) - 1
        into = (tick - self.ticks[index]) * self.us_per_beat[index]
        return rounded((self.starts[index] + into) * 1000, self.ticks_per_beat)

    def all_ns_at(self, ticks: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """Return the times of many ticks, each as `ns_at` gives it, shape (N,).

        Args:
            ticks: at least 0; at most 559 240 beats, so that 64 bits hold every time.
        """
        per_beat = self.ticks_per_beat
        starts = [divmod(start * 1000, per_beat) for start in self.starts]
        whole, rest = np.array(starts, np.int64).T
        from_ticks = np.array(self.ticks, np.int64)
        us_per_beat = np.array(self.us_per_beat, np.int64)
        out = np.empty(len(ticks), np.int64)
        for start in range(0, len(ticks), BLOCK):
            block = ticks[start : start + BLOCK]
            index = np.searchsorted(from_ticks, block, side="right") - 1
            beats, into = np.divmod(block - from_ticks[index], per_beat)
            ns_per_beat = us_per_beat[index] * 1000
            fraction = into * ns_per_beat + rest[index]
            rounded = (2 * fraction + per_beat) // (2 * per_beat)
            out[start : start + BLOCK] = whole[index] + beats * ns_per_beat + rounded
        return out

    def tick_at(self, at_ns: int) -> int:
        """Return the tick nearest to a time (at least 0), in ns."""
        scaled = at_ns * self.ticks_per_beat
        index = bisect_right(self.starts, scaled, key=lambda start: start * 1000) - 1
        into = scaled - self.starts[index] * 1000
        return self.ticks[index] + rounded(into, self.us_per_beat[index] * 1000)


def tempo_map(ticks_per_beat: int, changes: Iterable[tuple[int, int]]) -> TempoMap:
    """Return the map of some tempo changes.

    Args:
        ticks_per_beat: the resolution, at least 1.
        changes: (tick, microseconds a beat), rising; of two at one tick the last
            counts. Before the first the tempo is 120 bpm.
    """
    by_tick = {0: DEFAULT_US_PER_BEAT}
    by_tick.update((tick, max(us, 1)) for tick, us in changes)
    ticks, tempos = tuple(by_tick), tuple(by_tick.values())
    steps = [(b - a) * us for (a, b), us in zip(pairwise(ticks), tempos, strict=False)]
    return TempoMap(ticks_per_beat, ticks, tempos, (0, *accumulate(steps)))


def rounded(numerator: int, denominator: int) -> int:
    """Return a quotient of non-negative integers, rounded half up."""
    return (2 * numerator + denominator) // (2 * denominator)
