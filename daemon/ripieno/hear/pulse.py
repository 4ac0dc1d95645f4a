"""The even pulse behind MIDI clocks that come late by up to an audio period.

A Kalman filter on the time of the latest clock and the interval. Clocks bear no number:
once the pulse is sure of itself, one counts for as many as time says, two where one was
lost, none where it came twice. It does not know where in the song it is, nor what is
played to it.
"""

import math
from collections import deque
from typing import Final

INTERVAL_NS: Final = (6_250_000.0, 125_000_000.0)
"""Between two clocks, at 400 and at 20 bpm."""

DRIFT: Final = 5e-4
"""How much of itself the interval may wander in a clock (standard deviation).

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

Foretold a beat ahead, at 10.67 ms, gain 0.2 and the short line miss 12 and 11 ms, this
4. With 1e-3 drift costs 0.8, but a beat ahead at 2.67 ms 2.9, not 2.1."""
UNKNOWN: Final = 0.3
KNOWN: Final = 0.02
"""The doubt in the tempo, as a share of it, where clocks begin, and where they jump."""
FIRST_JITTER_NS: Final = 2e6
"""Between the 0.8 ms of 128 frames and the 3.1 ms of 512; learned from there."""
JITTER_NS: Final = (1e5, 6e6)
JITTER_MEMORY: Final = 32
"""Clocks. Learned from the size of the misses; their differences take the slow ramp
of a quantised clock for none, and then a step of it for a new tempo."""
MOST_MISS: Final = 4.0
"""A miss counts for at most so many standard deviations: one stall is not a tempo."""
RUN: Final = 4
RUN_MISS: Final = 2.0
RUN_DOUBT: Final = 0.05
"""So many misses on one side, of so many standard deviations on average (uniform
delays reach 1.7), put the tempo in so much doubt. With runs of 3 the slow ramp of
clocks quantised to 512 frames costs 5.2 ms, not 1.4."""
GAPS: Final = 3
GAPS_OFF: Final = 0.08
GAPS_SURE: Final = 4.0
"""Three gaps that agree on another tempo, off by more than 8 % and than jitter
explains, restart the pulse. It catches steps of 2:1 too, which look like lost clocks:
what was counted by time is then taken back. Where 6 stood, one step in four went
unseen."""
SURE: Final = 8.0
CLOSE: Final = 0.25
"""Clocks are counted by time where half an interval is four standard deviations (not
at 512 frames and 120 bpm) and time says a whole number to a quarter: the third clock
after a step from 120 to 144 comes half a clock early."""
MOST_GUESSES: Final = 3
"""The third guess since clocks began is one too many: all are taken back, and no more
are made. So 239 bpm at 512 frames, where clocks are even but for two that coincide in
every two beats, does not pass for 234 bpm with doubled clocks."""


def bounded(interval_ns: float) -> float:
    """The interval nearest to one, of those that are heard as a tempo."""
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
        self.begin(0, UNKNOWN)

    def begin(self, at_ns: int, doubt: float) -> None:
        """A clock came that tells nothing of the tempo; `doubt`: `UNKNOWN` or `KNOWN`.

        The tempo stays as it is; the phase is that of this clock.
        """
        self.at_ns = float(at_ns)
        self._last_ns = at_ns
        # Variances: of the phase, of both together, of the interval.
        self._phase, self._both = self._jitter, 0.0
        self._tempo = (doubt * self.interval_ns) ** 2
        self._misses.clear()
        self._gaps.clear()
        self._guessed = self._guesses = 0  # clocks counted by time; how often

    def hear(self, at_ns: int) -> int:
        """A clock came.

        Returns:
            How many clocks it stands for: 1, more where some were lost, 0 where it is
            one too many, less where earlier guesses are taken back.
        """
        self._gaps.append(at_ns - self._last_ns)
        self._last_ns = at_ns
        if self._is_other_tempo():
            passed = 1 - self._guessed
            self._restart(at_ns)
            return passed
        passed = self._count(at_ns)
        if passed != 1 and self._guesses == MOST_GUESSES:
            passed -= self._guessed
            self.begin(at_ns, KNOWN)
            self._guesses = MOST_GUESSES
        elif passed:
            self._correct(at_ns, passed)
        return passed

    def _is_other_tempo(self) -> bool:
        """Whether the last gaps agree with each other, but not with us."""
        jitter_ns = math.sqrt(self._jitter)
        interval_ns = sum(self._gaps) / GAPS
        if len(self._gaps) < GAPS or interval_ns != bounded(interval_ns):
            return False  # the latter: late clocks that arrive all at once
        off_ns = abs(interval_ns - self.interval_ns)
        jitter_off_ns = GAPS_SURE * math.sqrt(2) / GAPS * jitter_ns
        least_ns = max(GAPS_OFF * self.interval_ns, jitter_off_ns)
        unlike_ns = max(self._gaps) - min(self._gaps)
        return off_ns > least_ns and unlike_ns <= off_ns / 2 + GAPS_SURE * jitter_ns

    def _restart(self, at_ns: int) -> None:
        """Take phase and tempo from the last gaps alone."""
        self.interval_ns = sum(self._gaps) / GAPS
        self.begin(at_ns, KNOWN)
        self._both = self._jitter / GAPS
        self._tempo = 2 * self._jitter / GAPS**2

    def _count(self, at_ns: int) -> int:
        """How many clocks have passed, by time where that is sure."""
        intervals = (at_ns - self.at_ns) / self.interval_ns
        passed = max(0, round(intervals))
        spread = self._phase + 2 * passed * self._both + passed**2 * self._tempo
        is_sure = SURE * math.sqrt(spread + self._jitter) < self.interval_ns
        is_sure &= abs(intervals - passed) < CLOSE and self._guesses < MOST_GUESSES
        if passed == 1 or not is_sure:
            return 1
        before, self._guessed = self._guessed, self._guessed + passed - 1
        self._guesses += abs(self._guessed) > abs(before)
        self._guesses = self._guesses if self._guessed else 0
        return passed

    def _correct(self, at_ns: int, passed: int) -> None:
        """One step of the filter, over so many clocks."""
        expected_ns = self.at_ns + passed * self.interval_ns
        miss_ns = at_ns - expected_ns
        self._doubt_after_a_run(miss_ns)
        phase = self._phase + 2 * passed * self._both + passed**2 * self._tempo
        both = self._both + passed * self._tempo
        tempo = self._tempo + passed * (DRIFT * self.interval_ns) ** 2
        spread = phase + self._jitter
        most_ns = MOST_MISS * math.sqrt(spread)
        held_ns = min(max(miss_ns, -most_ns), most_ns)
        self.at_ns = expected_ns + phase / spread * held_ns
        self.interval_ns = bounded(self.interval_ns + both / spread * held_ns)
        self._phase = phase * self._jitter / spread
        self._both = both * self._jitter / spread
        self._tempo = tempo - both * both / spread
        self._learn_jitter(miss_ns)

    def _doubt_after_a_run(self, miss_ns: float) -> None:
        self._misses.append(miss_ns)
        is_run = len(self._misses) == RUN
        is_run &= min(self._misses) > 0 or max(self._misses) < 0
        if is_run and abs(sum(self._misses)) > RUN * RUN_MISS * self._jitter**0.5:
            self._tempo = max(self._tempo, (RUN_DOUBT * self.interval_ns) ** 2)

    def _learn_jitter(self, miss_ns: float) -> None:
        square = min(miss_ns**2, MOST_MISS**2 * self._jitter)
        jitter = self._jitter + (square - self._jitter) / JITTER_MEMORY
        least_ns, most_ns = JITTER_NS
        self._jitter = min(max(jitter, least_ns**2), most_ns**2)
