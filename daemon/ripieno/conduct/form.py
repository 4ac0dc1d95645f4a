"""The sections of a performance: A, B, A' … from phrases and from what returns.

A section has at least four bars. One begins where the melody returns to an earlier
place: it takes the letter of the section there. It also begins where such a return
breaks off, and eight bars after the last one if a phrase ends there, at the latest
after sixteen. If its first two bars match nothing before them, it gets a new letter.

A prime says that a section returns in another key, or that its melody goes another way
in between.

A return is recognized after some two bars. So a section is named later than it begins,
and its name may still change: `Form.found` holds what is known at the end.
"""

from collections import deque
from dataclasses import dataclass
from typing import Final

from ripieno.conduct.memory import Memory, Return
from ripieno.music.spans import Phase, Span

LEAST: Final = 4
"""The bars of the shortest section."""
ROUND: Final = 8
"""After so many bars, or twice as many, a section is over, if nothing else ends it."""
PATIENCE: Final = 2
"""For so many bars it is not said whether something returns."""
GAP: Final = 1.5
"""A phrase has ended where the melody strikes nothing for so many felt beats."""
MOST: Final = 64
"""How many sections are kept."""
LETTERS: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


@dataclass(slots=True)
class FormSection:
    """A section.

    Attributes:
        start: its first bar, by the memory's count.
        index: its first felt beat, in the song.
        letter: which one, from 0 on.
        bars_ago: how long ago it was heard; 0 where it is new.
        is_varied: whether it returns in another key, or with another melody in between.
    """

    start: int
    index: int
    letter: int
    bars_ago: int = 0
    is_varied: bool = False

    @property
    def name(self) -> str:
        """Its letter, with a prime if it is varied."""
        turns, letter = divmod(self.letter, len(LETTERS))
        return LETTERS[letter] * (turns + 1) + "'" * self.is_varied


class Form:
    """Names the sections. Thread: one. Cost: O(`MOST`) a bar.

    Attributes:
        found: so far, by time.
    """

    def __init__(self) -> None:
        self.found: deque[FormSection] = deque(maxlen=MOST)
        self._letters = 0
        self._bar = self._missed = 0
        self._sung = 0  # the last bar in which the melody struck something
        self._gap = 0.0
        self._ended: deque[int] = deque(maxlen=MOST)  # bars in which a phrase ended

    @property
    def name(self) -> str:
        """The name of the section of now; empty before the first."""
        return self.found[-1].name if self.found else ""

    def hear(self, index: int, span: Span, phase: Phase, memory: Memory) -> None:
        """Take in a felt beat that is over, and that the memory has heard."""
        if memory.bar < self._bar:  # it begins anew, in another metre
            for section in self.found:
                section.start -= self._bar + 1
            self._sung = 0
        self._bar = memory.bar
        self._sung = self._bar if span.onsets else self._sung
        self._follow(span, phase)
        if not self.found:
            if span.onsets:
                is_pickup = 2 * phase.span >= phase.spans > 1
                first = index + (phase.spans if is_pickup else 0) - phase.span
                self.found.append(FormSection(self._bar + is_pickup, first, 0))
                self._letters = 1
        elif phase.span == phase.spans - 1:
            self._end_bar(index + 1, phase.spans, memory.now())

    def _follow(self, span: Span, phase: Phase) -> None:
        """Note where the melody pauses; what begins on a beat ends the one before."""
        for struck in span.struck:
            before = self._gap
            self._gap = 0.0 if struck else self._gap + 1.0 / len(span.struck)
            if before < GAP <= self._gap:
                self._ended.append(self._bar - (phase.span == 0))

    def _end_bar(self, until: int, spans: int, back: Return | None) -> None:
        """Judge a bar that is over; the next one begins with felt beat `until`."""
        now = self.found[-1]
        self._missed = 0 if back else self._missed + 1

        def begin(
            start: int, letter: int, ago: int = 0, *, varied: bool = False
        ) -> None:
            index = until - (self._bar + 1 - start) * spans
            self.found.append(FormSection(start, index, letter, ago, varied))

        if back is None:
            start = self._break(now)
            if start is None or start > self._sung:
                now.is_varied |= now.bars_ago > 0 and self._missed == PATIENCE
            else:
                begin(start, self._letters)
                self._letters += 1
            return
        start = self._entry(now, back, spans)
        source = self._at(start - back.bars)
        is_early = self._bar - start + 1 < PATIENCE or start > self._sung
        if source is None or is_early:
            return
        varied = source.is_varied or back.shift != 0
        if start - now.start >= LEAST:
            begin(start, source.letter, back.bars, varied=varied)
        elif not now.bars_ago and now is not source and abs(start - now.start) <= 1:
            if now.letter == self._letters - 1:
                self._letters -= 1
            now.letter, now.bars_ago, now.is_varied = source.letter, back.bars, varied
        elif now.bars_ago and source.letter != now.letter:
            now.is_varied = True

    def _entry(self, now: FormSection, back: Return, spans: int) -> int:
        """Return with which bar a return began, or its last section did."""
        if back.bars == now.bars_ago:
            starts = [section.start + back.bars for section in self.found]
            inside = (start for start in starts if start < self._bar)
            return max(inside, default=now.start)
        begun = (self._bar + 1) * spans - 1 - back.since
        is_pickup = 2 * (begun % spans) >= spans > 1
        start = begun // spans + is_pickup
        near = (section.start + back.bars for section in self.found)
        return next((each for each in near if abs(each - start) <= 1), start)

    def _break(self, now: FormSection) -> int | None:
        """Return with which bar a section begins that nothing announced, or None."""
        if self._missed < PATIENCE:
            return None
        age = self._bar + 1 - now.start
        if now.bars_ago:
            starts = [section.start + now.bars_ago for section in self.found]
            recent = (s for s in starts if 0 < self._bar + 1 - s <= LEAST)
            start = max(recent, default=now.start)
            if start - now.start >= LEAST:
                return start
        rounds, over = divmod(age, ROUND)
        start = now.start + ROUND * rounds
        if not rounds or not PATIENCE <= over < LEAST:
            return None
        return start if rounds > 1 or start - 1 in self._ended else None

    def _at(self, bar: int) -> FormSection | None:
        """Return the section in which a bar lies, or None."""
        return next((s for s in reversed(self.found) if s.start <= bar), None)
