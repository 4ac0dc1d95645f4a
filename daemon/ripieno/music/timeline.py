"""The exact conversion between musical time and real time.

Musical time is an integer number of ticks, 480 a beat; a beat is a quarter note. Real
time is integer nanoseconds. A `Timeline` is a value: a change of tempo makes a new one
that shares one point with the old one. In free time a beat lasts a second.

Source: Ableton Link's Timeline.hpp, for the idea of a timeline as a value.
"""

from typing import Final

import msgspec

TICKS_PER_BEAT: Final = 480
FREE_BEAT_NS: Final = 1_000_000_000


class Timeline(msgspec.Struct, frozen=True):
    """A bijection between ticks and nanoseconds.

    Attributes:
        beat_ns: the length of a beat; at least 480 ns, so that ticks differ.
        origin_ns, origin_ticks: one point that both scales share.
    """

    beat_ns: int = FREE_BEAT_NS
    origin_ns: int = 0
    origin_ticks: int = 0

    def ns_at(self, ticks: int) -> int:
        """Return the first nanosecond that belongs to a tick."""
        span = (ticks - self.origin_ticks) * self.beat_ns
        return self.origin_ns - (-span // TICKS_PER_BEAT)

    def ticks_at(self, ns: int) -> int:
        """Return the tick that a nanosecond belongs to; ``ticks_at(ns_at(t)) == t``."""
        since = (ns - self.origin_ns) * TICKS_PER_BEAT // self.beat_ns
        return self.origin_ticks + since

    def ticks_for(self, seconds: float) -> int:
        """Return a duration in ticks, rounded."""
        return round(seconds * 1e9 * TICKS_PER_BEAT / self.beat_ns)

    def seconds_for(self, ticks: int) -> float:
        """Return a duration in seconds."""
        return ticks * self.beat_ns / TICKS_PER_BEAT / 1e9
