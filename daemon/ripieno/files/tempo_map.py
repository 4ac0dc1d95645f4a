"""Ticks of a MIDI file and nanoseconds, by the file's own tempo changes.

A value with exact integer sums: a time is rounded once, when it is asked for, so an
hour of tempo changes adds up to no error. It knows no file and no message.
"""

from bisect import bisect_right
from collections.abc import Iterable
from typing import Final

import msgspec
import numpy as np
import numpy.typing as npt

DEFAULT_US_PER_BEAT: Final = 500_000
"""120 bpm, which is what a MIDI file without a tempo means."""

BLOCK: Final = 65_536
"""So many ticks are converted at once; the intermediate arrays take 3 MB."""


class TempoMap(msgspec.Struct, frozen=True):
    """Where the tempo changes.

    Args:
        ticks_per_beat: the file's resolution, 1 or more.
        ticks: where each tempo begins, rising, the first at 0.
        us_per_beat: each tempo, in microseconds a beat.
        starts: the time of each change, in microseconds × `ticks_per_beat`.
    """

    ticks_per_beat: int
    ticks: tuple[int, ...]
    us_per_beat: tuple[int, ...]
    starts: tuple[int, ...]

    def ns_at(self, tick: int) -> int:
        """The time of a tick, 0 or later, in nanoseconds, rounded to the nearest."""
        index = bisect_right(self.ticks, tick) - 1
        into = (tick - self.ticks[index]) * self.us_per_beat[index]
        return _rounded((self.starts[index] + into) * 1000, self.ticks_per_beat)

    def all_ns_at(self, ticks: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """The times of many ticks, as `ns_at` gives them one by one, shape (N,).

        Args:
            ticks: 0 or later; at most 559 240 beats, so that 64 bits hold every time.
        """
        per_beat = self.ticks_per_beat
        whole = np.array([start * 1000 // per_beat for start in self.starts], np.int64)
        rest = np.array([start * 1000 % per_beat for start in self.starts], np.int64)
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
        """The nearest tick to a time in nanoseconds, 0 or later."""
        scaled = at_ns * self.ticks_per_beat
        index = bisect_right(self.starts, scaled, key=lambda start: start * 1000) - 1
        into = scaled - self.starts[index] * 1000
        return self.ticks[index] + _rounded(into, self.us_per_beat[index] * 1000)


def tempo_map(ticks_per_beat: int, changes: Iterable[tuple[int, int]]) -> TempoMap:
    """The map of some tempo changes.

    Args:
        ticks_per_beat: the resolution, 1 or more.
        changes: (tick, microseconds a beat) in rising order; of two at one tick the
            last counts, and 120 bpm holds before the first.
    """
    by_tick = {0: DEFAULT_US_PER_BEAT}
    by_tick.update((tick, max(us, 1)) for tick, us in changes)
    ticks, tempos = tuple(by_tick), tuple(by_tick.values())
    starts = [0]
    for index in range(1, len(ticks)):
        step = (ticks[index] - ticks[index - 1]) * tempos[index - 1]
        starts.append(starts[-1] + step)
    return TempoMap(ticks_per_beat, ticks, tempos, tuple(starts))


def _rounded(numerator: int, denominator: int) -> int:
    """A quotient of non-negative integers, rounded half up."""
    return (2 * numerator + denominator) // (2 * denominator)
