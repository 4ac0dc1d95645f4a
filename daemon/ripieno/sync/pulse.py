"""The even pulse behind MIDI clocks that come up to an audio period late.

It is a Kalman filter of the time of the latest clock and of the interval. Each clock
counts for one: by the times of clocks alone, a master that paused looks the same as
clocks that were lost.

A clock far from its expected time is not given to the filter. The pulse then goes on as
it was until the next clocks show what happened:

* they come on time, or in a burst until they are on time: clocks were delivered late,
  and the pulse stays as it is;
* three in a row are off by the same time: the master paused, or clocks were lost or
  doubled, and the phase moves by that time;
* three gaps agree on another tempo: the pulse begins again from them.

It does not know where the song is.
"""

import math
import statistics
from collections import deque
from typing import Final

INTERVAL_NS: Final = (6_250_000.0, 125_000_000.0)
"""Between two clocks, at 400 and at 20 bpm."""

DRIFT: Final = 5e-4
"""By what share of itself the interval may change in a clock (standard deviation).

When a beat sounds, against the true beat plus the mean delay: ms at p95. Delays are
uniform to 2.67 ms (128 frames), in brackets to 10.67 (512). Simulated at 120 bpm; the
drift is ±1.5 % in 8 s; the step, to 144, is judged at its third beat:

    method                        steady      drift       step
    PLL, gain 0.1                 0.45 (1.8)  1.6 (2.6)    6.8  (7.8)
    PLL, gain 0.2                 0.58 (2.4)  0.8 (2.5)    1.0  (3.1)
    line fit, 24 clocks           0.62 (2.5)  1.0 (2.7)    0.6  (2.2)
    line fit, 48 clocks           0.48 (1.9)  1.8 (2.8)    4.4  (5.2)
    Kalman, fixed, no restart     0.51 (2.2)  1.1 (2.6)   98    (104)
    this                          0.51 (1.5)  1.0 (3.1)    0.6  (6.2)

Predicted a beat ahead, at 10.67 ms, the errors are 12 ms (gain 0.2), 11 (short line)
and 4 (this). With 1e-3 the drift column is 0.8, but the error a beat ahead at 2.67 ms
is 2.9 instead of 2.1."""
UNKNOWN: Final = 0.3
KNOWN: Final = 0.02
"""The uncertainty of the tempo, as a share of it: at the first clock, at a jump."""
FIRST_JITTER_NS: Final = 2e6
"""The jitter to begin with: between 0.8 ms (128 frames) and 3.1 ms (512)."""
JITTER_NS: Final = (1e5, 6e6)
JITTER_MEMORY: Final = 32
"""Over how many clocks jitter is averaged, from the size of the misses. Differences of
misses would hide the slow ramp of a quantised clock, and its step would look like a new
tempo."""
MOST_MISS: Final = 4.0
"""A miss counts for at most so many standard deviations: a stall is no new tempo."""
RUN: Final = 4
RUN_MISS: Final = 2.0
RUN_DOUBT: Final = 0.05
"""After a run of so many misses on one side, of so many standard deviations on average
(uniform delays reach 1.7), the tempo is so uncertain. With runs of 3, the slow ramp of
clocks quantised to 512 frames costs 5.2 ms instead of 1.4."""
GAPS: Final = 3
GAPS_OFF: Final = 0.08
GAPS_SURE: Final = 4.0
"""Three gaps that agree on another tempo restart the pulse, if it differs by more than
8 % and by more than jitter explains. With 6 gaps, one step in four was not seen."""
FAR: Final = 4.0
FAR_SHARE: Final = 0.15
"""A clock is off if it misses by more than so many standard deviations (uniform delays
reach 1.7) and by more than this share of an interval. The filter follows smaller
misses: a slow change of tempo is no pause."""
AGREEING: Final = 3
AGREE: Final = 4.0
"""So many clocks that are off by the same time, within so many standard deviations,
give the new phase (uniform delays span 3.5)."""
MOST_OFF: Final = 6
"""After so many clocks that are off and do not agree the pulse begins again."""
BURST: Final = 0.5
"""A clock that follows within this share of an interval is one of a burst."""


def bounded(interval_ns: float) -> float:
    """Return the nearest interval within `INTERVAL_NS`."""
    shortest_ns, longest_ns = INTERVAL_NS
    return min(max(interval_ns, shortest_ns), longest_ns)


class Pulse:
    """The even pulse behind uneven clocks. Cost: O(1) a clock.

    Attributes:
        at_ns: when the latest clock would have come with the mean delay.
        interval_ns: between two clocks.
    """

    def __init__(self, interval_ns: float) -> None:
        self.interval_ns = bounded(interval_ns)
        self._jitter = FIRST_JITTER_NS**2
        self._misses: deque[float] = deque(maxlen=RUN)
        self._gaps: deque[int] = deque(maxlen=GAPS)
        self._off: deque[float] = deque(maxlen=AGREEING)
        self.begin(0, UNKNOWN)

    @property
    def is_settled(self) -> bool:
        """Whether the latest clock was near its expected time, or is the new phase."""
        return not self._off

    def begin(self, at_ns: float, doubt: float) -> None:
        """Take the phase from a clock, and keep the tempo.

        `doubt` is the uncertainty of the tempo: `UNKNOWN` or `KNOWN`.
        """
        self.at_ns = float(at_ns)
        self._last_ns = round(at_ns)
        # Variances: of the phase, of both together, of the interval.
        self._phase, self._both = self._jitter, 0.0
        self._tempo = (doubt * self.interval_ns) ** 2
        self._misses.clear()
        self._gaps.clear()
        self._settle()

    def hear(self, at_ns: int) -> float:
        """Take the next clock.

        Returns:
            By how many ns the phase was moved, if it was put elsewhere instead of
            following the clocks; else 0. Later is positive.
        """
        gap_ns, self._last_ns = at_ns - self._last_ns, at_ns
        self._gaps.append(gap_ns)
        if self._is_other_tempo():
            return self._restart(at_ns)
        miss_ns = at_ns - (self.at_ns + self.interval_ns)
        if self._is_far(miss_ns):
            self._expect_next()
            self._off.append(miss_ns)
            self._n_off += gap_ns >= BURST * self.interval_ns
            return self._move(at_ns)
        self._settle()
        self._doubt_after_a_run(miss_ns)
        self._expect_next()
        self._correct(miss_ns)
        return 0.0

    def _is_far(self, miss_ns: float) -> bool:
        """Whether the next clock misses its time by more than jitter explains."""
        spread = self._phase + 2 * self._both + self._tempo + self._jitter
        far_ns = max(FAR * math.sqrt(spread), FAR_SHARE * self.interval_ns)
        return abs(miss_ns) > far_ns

    def _move(self, at_ns: int) -> float:
        """Move the phase to the clocks that were far off, if they agree."""
        off, line_ns = self._off, self.at_ns
        agree_ns = AGREE * math.sqrt(self._jitter)
        if len(off) == AGREEING and max(off) - min(off) <= agree_ns:
            self.begin(line_ns + sum(off) / AGREEING, KNOWN)
        elif self._n_off >= MOST_OFF:
            self._set_jitter(max(statistics.variance(off), self._jitter))
            self.begin(at_ns, RUN_DOUBT)
        else:
            return 0.0
        self._last_ns = at_ns
        return self.at_ns - line_ns

    def _settle(self) -> None:
        self._off.clear()
        self._n_off = 0

    def _is_other_tempo(self) -> bool:
        """Whether the last gaps agree with each other, but not with the tempo."""
        jitter_ns = math.sqrt(self._jitter)
        interval_ns = sum(self._gaps) / GAPS
        if len(self._gaps) < GAPS or interval_ns != bounded(interval_ns):
            return False  # not a tempo: late clocks that arrive all at once
        off_ns = abs(interval_ns - self.interval_ns)
        jitter_off_ns = GAPS_SURE * math.sqrt(2) / GAPS * jitter_ns
        least_ns = max(GAPS_OFF * self.interval_ns, jitter_off_ns)
        unlike_ns = max(self._gaps) - min(self._gaps)
        return off_ns > least_ns and unlike_ns <= off_ns / 2 + GAPS_SURE * jitter_ns

    def _restart(self, at_ns: int) -> float:
        """Take phase and tempo from the last gaps alone."""
        line_ns = self.at_ns - (GAPS - 1) * self.interval_ns
        moved_ns = at_ns - sum(self._gaps) - line_ns
        self.interval_ns = sum(self._gaps) / GAPS
        self.begin(at_ns, KNOWN)
        self._both = self._jitter / GAPS
        self._tempo = 2 * self._jitter / GAPS**2
        return moved_ns

    def _expect_next(self) -> None:
        """Go on by one clock at the tempo of now."""
        self.at_ns += self.interval_ns
        self._phase += 2 * self._both + self._tempo
        self._both += self._tempo
        self._tempo += (DRIFT * self.interval_ns) ** 2

    def _correct(self, miss_ns: float) -> None:
        """Take one step of the filter: a clock missed its expected time by so much."""
        phase, both, tempo = self._phase, self._both, self._tempo
        spread = phase + self._jitter
        most_ns = MOST_MISS * math.sqrt(spread)
        held_ns = min(max(miss_ns, -most_ns), most_ns)
        self.at_ns += phase / spread * held_ns
        self.interval_ns = bounded(self.interval_ns + both / spread * held_ns)
        self._phase = phase * self._jitter / spread
        self._both = both * self._jitter / spread
        self._tempo = tempo - both * both / spread
        square = min(miss_ns**2, MOST_MISS**2 * self._jitter)
        self._set_jitter(self._jitter + (square - self._jitter) / JITTER_MEMORY)

    def _doubt_after_a_run(self, miss_ns: float) -> None:
        self._misses.append(miss_ns)
        is_one_sided = min(self._misses) > 0 or max(self._misses) < 0
        is_run = len(self._misses) == RUN and is_one_sided
        if is_run and abs(sum(self._misses)) > RUN * RUN_MISS * self._jitter**0.5:
            self._tempo = max(self._tempo, (RUN_DOUBT * self.interval_ns) ** 2)

    def _set_jitter(self, variance: float) -> None:
        least_ns, most_ns = JITTER_NS
        self._jitter = min(max(variance, least_ns**2), most_ns**2)
