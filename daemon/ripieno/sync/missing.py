"""How many MIDI clocks may have been lost, and the evidence for and against it.

The port reports that messages may have been lost. If the clocks' phase moves about that
time, there are two explanations. Either the master paused, and the count of clocks is
right; or clocks were lost, and the time is right. The count is used until something
decides: a song position, a start, or the human's notes on the beat, which are on the
beat of one explanation only.
"""

import math
import statistics
from collections import deque
from typing import Final

CLOCKS_PER_BEAT: Final = 24
REPORT_NS: Final = 500_000_000
"""The largest time between a report and a move of the phase that belong together."""
NEAR_CLOCKS: Final = 3.0
"""A note at most so far from a beat, half a sixteenth, counts as on the beat."""
CHORD_NS: Final = 40_000_000
"""Notes within this time are one chord, and count once."""
NOTES: Final = 8
"""How many notes on the beat are needed to decide."""
MOST_NOTES: Final = 32
"""How many notes are kept if they contradict each other."""
HABIT_NOTES: Final = 16
"""How many notes tell how early or late this human usually plays: their mean.

With the median, whose error is a quarter larger, 4 of 6000 losses were still undecided
after 48 beats; with the mean none, and one took 42 notes. (1, 23, 25 or 47 clocks, 100
to 180 bpm, notes uneven by 5 ms.)"""
SURE: Final = 3.0
"""The notes decide if their mean is so many standard errors from the middle."""
LEAST_SPREAD_CLOCKS: Final = 0.1
"""The smallest standard deviation that is assumed. The notes of a sequencer are spread
only as much as its clocks jitter."""


class Missing:
    """Both explanations and the evidence. Thread: engine. Cost: O(notes kept) a note.

    Attributes:
        clocks: how many clocks may have been lost; 0 if there is nothing to decide.
    """

    def __init__(self) -> None:
        self.clocks = 0
        self._reported_ns: int | None = None
        self._moved: tuple[int, int] | None = None
        self._habit: deque[float] = deque(maxlen=HABIT_NOTES)
        self._notes: deque[float] = deque(maxlen=MOST_NOTES)
        self._noted_ns = -math.inf

    def report(self, at_ns: int) -> None:
        """Note that messages may have been lost at about this time."""
        self._reported_ns = at_ns
        if self._moved is not None and at_ns - self._moved[0] <= REPORT_NS:
            self._open(self._moved[1])

    def move(self, at_ns: int, clocks: float) -> None:
        """Note that the clocks' phase moved by so many intervals; later is positive."""
        self._moved = at_ns, round(clocks)
        if self._reported_ns is not None and at_ns - self._reported_ns <= REPORT_NS:
            self._open(self._moved[1])

    def decide(self) -> None:
        """Note that it is known where the song is: there is nothing to decide."""
        self.clocks = 0
        self._moved = self._reported_ns = None
        self._notes.clear()

    def note(self, at_ns: int, clocks: float) -> int:
        """Take a note of the human's as evidence.

        Args:
            at_ns: when.
            clocks: the song's position then, in clocks, as it is counted.

        Returns:
            How many clocks were lost, if this note decides it; else 0.
        """
        if at_ns - self._noted_ns < CHORD_NS:
            return 0
        self._noted_ns = at_ns
        apart = _from_beat(self.clocks)
        if not apart:  # nothing to decide, or they differ by whole beats
            offset = _from_beat(clocks)
            if not self.clocks and abs(offset) <= NEAR_CLOCKS:
                self._habit.append(offset)
            return 0
        clocks -= statistics.fmean(self._habit) if self._habit else 0.0
        counted = _from_beat(clocks)
        by_time = _from_beat(clocks + self.clocks)
        if min(abs(counted), abs(by_time)) > NEAR_CLOCKS:
            return 0
        on_count = abs(counted) <= abs(by_time)
        # 0 on the beat of the count, 1 on the beat of the time.
        self._notes.append(-counted / apart if on_count else 1 - by_time / apart)
        return self._decided(abs(apart))

    def _open(self, clocks: int) -> None:
        self._moved = None
        if clocks > 0:
            self.clocks += clocks
            self._notes.clear()

    def _decided(self, apart: float) -> int:
        notes = self._notes
        if len(notes) < NOTES:
            return 0
        mean = statistics.fmean(notes)
        spread = max(statistics.stdev(notes), LEAST_SPREAD_CLOCKS / apart)
        if abs(mean - 0.5) < SURE * spread / math.sqrt(len(notes)):
            return 0
        lost = self.clocks if mean > 0.5 else 0
        self.decide()
        return lost


def _from_beat(clocks: float) -> float:
    """Return the distance from the nearest beat, −12 … 12 clocks; later is positive."""
    half = CLOCKS_PER_BEAT / 2
    return (clocks + half) % CLOCKS_PER_BEAT - half
