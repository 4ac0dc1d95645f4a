"""Spans in the song: which one, where in the bar, when; and where we have been."""

from typing import Final

from ripieno.hear.beats import Beats
from ripieno.music.spans import FRAME_TICKS, Phase, Span
from ripieno.roles.stand import Stand


class Spans:
    """The felt beats of a song by number, 0 at its beginning, and what was heard.

    Attributes:
        beats: the human's notes.
    """

    def __init__(self, stand: Stand) -> None:
        self._stand = stand
        self.beats = Beats()

    @property
    def frames(self) -> int:
        """How many sixteenths a span has."""
        return self.ticks // FRAME_TICKS

    @property
    def ticks(self) -> int:
        """How long a span is."""
        return self._stand.meter.span_ticks

    @property
    def in_bar(self) -> int:
        """How many spans a bar has."""
        return self._stand.meter.spans_in_bar

    def phase(self, index: int) -> Phase:
        """Where a span lies."""
        bar, place = divmod(index, self.in_bar)
        return Phase(place, self.in_bar, bar)

    def start_ns(self, index: int) -> int:
        """When it begins, as the tempo is now."""
        return self._stand.timeline.ns_at(index * self.ticks)

    def ns_at(self, index: int, ticks: int) -> int:
        """When a tick of it comes; before it, where negative."""
        return self._stand.timeline.ns_at(index * self.ticks + ticks)

    def heard(self, index: int) -> Span:
        """The human's part over a span, as far as it was heard."""
        return self.beats.span(index * self.frames, self.frames)

    def next_after(self, ticks: int) -> int:
        """The first span that begins at or after a tick."""
        return -(-ticks // self.ticks)

    def name(self, index: int) -> str:
        """As people count: bar and beat from 1."""
        phase = self.phase(index)
        return f"{phase.bar + 1}.{phase.span + 1}"


MOST_PLACES: Final = 64
"""Stretches of a song; a song that is played through is one."""


class Places:
    """Where in the song we have been, in ticks. Cost: O(stretches), bounded."""

    def __init__(self) -> None:
        self._stretches: list[tuple[int, int]] = []

    def has(self, ticks: int, beyond: int = 0) -> bool:
        """Whether we have been at a tick, or so little before it."""
        return any(first <= ticks <= end + beyond for first, end in self._stretches)

    def add(self, first: int, end: int) -> None:
        """We have been from a tick to another; the oldest stretch may be forgotten."""
        apart = []
        for begin, until in self._stretches:
            if until < first or begin > end:
                apart.append((begin, until))
            else:
                first, end = min(first, begin), max(end, until)
        self._stretches = [*apart, (first, end)][-MOST_PLACES:]
