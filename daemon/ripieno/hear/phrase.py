"""When a phrase is over, by its own rhythm instead of a fixed silence.

A listener takes a silence for the end if it is clearly longer than those within the
phrase. So the wait is a multiple of the longest recent gap between onsets, or of the
median gap if that is longer, within two bounds. While a key is held, the phrase is not
over. Onsets closer than `CHORD_NS` count as one.

The reply starts on the human's own pulse: on the first pulse after the last onset that
is not before the end of the phrase. The pulse is the median gap, halved or doubled
until it is a walking tempo.
"""

import statistics
from collections import deque
from typing import Final

CHORD_NS: Final = 50_000_000
"""A pianist's chord spreads over 10–50 ms (Goebl 2001)."""
RECENT: Final = 12
"""How many gaps are kept."""
LONGEST_GAP_RATIO: Final = 1.35
MEDIAN_GAP_RATIO: Final = 2.2
SHORTEST_WAIT_NS: Final = 320_000_000
LONGEST_WAIT_NS: Final = 2_400_000_000
WAIT_FOR_A_FIRST_NOTE_NS: Final = 900_000_000
"""The wait after a single onset, which has no rhythm yet."""
AFTER_RELEASE_NS: Final = 120_000_000
"""The shortest wait after a key-up: another key is likely to follow."""
PULSE_NS: Final = (300_000_000, 700_000_000)
"""A walking tempo, 85 to 200 bpm: where people tap (Parncutt 1994)."""
FEWEST_GAPS: Final = 4
FINEST_GRID_NS: Final = 90_000_000
"""Sixteenths at 166 bpm. A finer grid would fit any player's unevenness."""
GRID_MISS: Final = 0.11


class Phrase:
    """The phrase that the human is playing. Times are arrival stamps, in nanoseconds.

    Cost: O(1) a note; the median is over at most `RECENT` gaps.
    """

    def __init__(self) -> None:
        self._gaps: deque[int] = deque(maxlen=RECENT)
        self._held: set[int] = set()
        self.clear()

    def clear(self) -> None:
        """Begin a new phrase. Keys that are held belong to it."""
        self._gaps.clear()
        self._first_ns: int | None = None
        self._onset_ns = 0
        self._release_ns = 0
        self.onsets = 0

    def down(self, at_ns: int, pitch: int) -> None:
        """Add a key that went down."""
        self._held.add(pitch)
        if self._first_ns is None:
            self._first_ns = at_ns
        elif at_ns - self._onset_ns < CHORD_NS:
            return
        else:
            self._gaps.append(at_ns - self._onset_ns)
        self._onset_ns = at_ns
        self.onsets += 1

    def up(self, at_ns: int, pitch: int) -> None:
        """Note that a key came up."""
        self._held.discard(pitch)
        self._release_ns = max(self._release_ns, at_ns)

    def lift_all(self) -> None:
        """Take all keys for lifted."""
        self._held.clear()

    @property
    def is_empty(self) -> bool:
        """Whether nothing has been played since `clear`."""
        return self._first_ns is None

    @property
    def pulse_ns(self) -> int:
        """The felt beat of the phrase, within `PULSE_NS`."""
        low, high = PULSE_NS
        pulse = int(statistics.median(self._gaps)) if self._gaps else 500_000_000
        while pulse < low:
            pulse *= 2
        while pulse > high:
            pulse //= 2
        return max(pulse, low)

    @property
    def grid_ns(self) -> int:
        """The widest even grid that the onsets lie on; 0 where they are free.

        Each gap is taken for a whole number of grid steps; a grid fits when the gaps
        miss it by less than `GRID_MISS` of a step on average. Random gaps miss any
        grid by a quarter of a step.
        """
        if len(self._gaps) < FEWEST_GAPS:
            return 0
        shortest = min(self._gaps)
        for parts in (1, 2, 3, 4):
            counts = [max(1, round(gap * parts / shortest)) for gap in self._gaps]
            step = sum(self._gaps) / sum(counts)
            if step < FINEST_GRID_NS:
                break
            misses = (
                abs(gap - n * step) for gap, n in zip(self._gaps, counts, strict=True)
            )
            if sum(misses) < GRID_MISS * step * len(self._gaps):
                return int(step)
        return 0

    def wait_ns(self, patience: float = 1.0) -> int:
        """Return how long a silence after an onset ends the phrase."""
        if not self._gaps:
            return int(WAIT_FOR_A_FIRST_NOTE_NS * patience)
        wait = max(
            LONGEST_GAP_RATIO * max(self._gaps),
            MEDIAN_GAP_RATIO * statistics.median(self._gaps),
        )
        return int(min(max(wait, SHORTEST_WAIT_NS), LONGEST_WAIT_NS) * patience)

    def ends_at_ns(self, patience: float = 1.0) -> int | None:
        """Return when it is over if nothing more comes; None while a key is held."""
        if self._first_ns is None or self._held:
            return None
        return max(
            self._onset_ns + self.wait_ns(patience), self._release_ns + AFTER_RELEASE_NS
        )

    def reply_at_ns(self, patience: float = 1.0) -> int | None:
        """Return the first pulse after the last onset that is not before the end."""
        ends = self.ends_at_ns(patience)
        if ends is None:
            return None
        pulses = -((self._onset_ns - ends) // self.pulse_ns)
        return self._onset_ns + pulses * self.pulse_ns

    def length_ns(self) -> int:
        """Return the time from the first onset to the last key-up or pulse."""
        if self._first_ns is None:
            return 0
        end_ns = max(self._release_ns, self._onset_ns + self.pulse_ns)
        return end_ns - self._first_ns
