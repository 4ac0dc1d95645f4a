"""Where the phrases of a melody end, and how likely the next one ends on a felt beat.

A phrase has ended when the melody rests for nearly a felt beat, or holds a note for
more than two. Its end is the felt beat of its last note. Ends return after four and
eight bars. So the share of ends is counted for each place in eight bars; the place four
bars away counts as well, with less weight. Besides, an end is expected in the last bar
of every four, and more so of every eight: in dances the melody does not rest between
phrases. These eight bars begin where most of the phrases that were heard begin.

This module does not know chords.
"""

from typing import Final

from ripieno.music.spans import Phase, Span

REST: Final = 0.9
"""A melody that rests for so many felt beats has ended a phrase."""
LONG: Final = 2.4
"""A note of so many felt beats ends a phrase."""
HALF: Final = 4
"""The bars of a phrase."""
PAIR: Final = 8
"""The bars of a pair of phrases (a period)."""
EXPECTED: Final = {HALF - 1: 0.4, PAIR - 1: 0.8}
"""How likely an end is in a bar of the pair, on its first or its middle beat."""
FADE: Final = 0.8
"""What remains of a count when its place comes again."""
FIRM: Final = 1.5
"""The weight of what is known beforehand, in rounds of eight bars."""
PATIENCE: Final = 1.5
"""The pair begins elsewhere when so many times as many phrases began there."""
STARTS_FADE: Final = 0.95
"""What remains of the count of starts when another phrase begins."""

Place = tuple[int, int]
"""The bar of eight, and the felt beat in it."""


class Phrases:
    """The phrases of a melody. Thread: one. Cost: O(1) a felt beat."""

    def __init__(self) -> None:
        self._rounds: dict[Place, float] = {}
        self._ends: dict[Place, float] = {}
        self._starts = [0.0] * PAIR
        self._origin: int | None = None
        self._last: Place = 0, 0
        self._is_over = True
        self._silent = self._held = 0.0

    def hear(self, span: Span, phase: Phase) -> None:
        """Take in a felt beat that is over."""
        place = phase.bar % PAIR, phase.span
        self._ends[place] = self._ends.get(place, 0.0) * FADE
        self._rounds[place] = self._rounds.get(place, 0.0) * FADE + 1.0
        frame_beats = 1.0 / len(span.struck)
        frames = zip(span.struck, span.sounding, strict=True)
        for number, (struck, sounding) in enumerate(frames):
            if struck:
                if self._is_over:
                    self._begin(phase, number * frame_beats)
                self._last, self._is_over = place, False
                self._silent = self._held = 0.0
            self._held += frame_beats if sounding else 0.0
            self._silent += 0.0 if sounding else frame_beats
            if not self._is_over and (self._silent >= REST or self._held >= LONG):
                self._is_over = True
                self._ends[self._last] = self._ends.get(self._last, 0.0) + 1.0

    def ending(self, phase: Phase) -> float:
        """Return how likely the last note of a phrase begins on a felt beat, 0 … 1."""
        bar, span = phase.bar % PAIR, phase.span
        here, there = (bar, span), ((bar + HALF) % PAIR, span)
        rounds, ends = self._rounds.get(here, 0.0), self._ends.get(here, 0.0)
        both_rounds = rounds + self._rounds.get(there, 0.0)
        both = (ends + self._ends.get(there, 0.0)) / (both_rounds + FIRM)
        return max((ends + FIRM * both) / (rounds + FIRM), self._expected(phase))

    def is_half(self, phase: Phase) -> bool:
        """Whether a bar is the last one of the first phrase of a pair."""
        return self._bar_of_pair(phase) == HALF - 1

    def _bar_of_pair(self, phase: Phase) -> int:
        return (phase.bar - (self._origin or 0)) % PAIR

    def _expected(self, phase: Phase) -> float:
        if self._origin is None or phase.span not in (0, phase.spans // 2):
            return 0.0
        return EXPECTED.get(self._bar_of_pair(phase), 0.0)

    def _begin(self, phase: Phase, into_beats: float) -> None:
        """Count the start of a phrase; a pickup belongs to the bar after it."""
        is_pickup = phase.span + into_beats >= phase.spans / 2
        bar = (phase.bar + is_pickup) % PAIR
        starts = self._starts = [count * STARTS_FADE for count in self._starts]
        starts[bar] += 1.0
        if self._origin is None:
            self._origin = bar
            starts[bar] += 1.0
        halves = [starts[i] + starts[i + HALF] for i in range(HALF)]
        best = max(range(HALF), key=halves.__getitem__)
        if halves[best] > PATIENCE * halves[self._origin % HALF]:
            self._origin = max(best, best + HALF, key=starts.__getitem__)
