"""The spans (felt beats) of a song: where they lie, and what was heard in them.

Spans are counted from 0 at the beginning of the song.
"""

from collections.abc import Callable
from typing import Final

from ripieno.conduct.guide import landing_at
from ripieno.hear.beats import Beats
from ripieno.music.spans import FRAME_TICKS, Phase, Span
from ripieno.play.seat import Seat


class Spans:
    """The spans of a song, by index.

    Attributes:
        beats: the human's notes on the grid.
        held: the chord that the left hand holds; None where it holds none.
        cadence: returns the chord of a cadence that closes the music in a span, or
            None.
    """

    def __init__(self, seat: Seat) -> None:
        self._seat = seat
        self.beats = Beats()
        self.held: int | None = None
        self.cadence: Callable[[int], int | None] = lambda _: None

    def frames(self, index: int) -> int:
        """How many frames (sixteenths) a span has."""
        return self._seat.meter.ticks_of(index) // FRAME_TICKS

    def first_frame(self, index: int) -> int:
        """The frame of the song with which a span begins."""
        return self.start_ticks(index) // FRAME_TICKS

    def start_ticks(self, index: int) -> int:
        """When a span begins, in ticks."""
        return self._seat.meter.start_of(index)

    def at(self, ticks: int) -> int:
        """The span in which a tick lies."""
        return self._seat.meter.index_at(ticks)

    @property
    def in_bar(self) -> int:
        """How many spans a bar has."""
        return self._seat.meter.spans_in_bar

    def phase(self, index: int) -> Phase:
        """Where a span lies in its bar."""
        bar, place = divmod(index, self.in_bar)
        return Phase(place, self.in_bar, bar)

    def start_ns(self, index: int, ticks: int = 0) -> int:
        """When a span begins at the tempo of now, or some ticks after that."""
        return self._seat.timeline.ns_at(self.start_ticks(index) + ticks)

    def heard(self, index: int) -> Span:
        """The human's part over a span, as far as it was heard."""
        return self.beats.span(self.first_frame(index), self.frames(index))

    def written(self, index: int) -> int | None:
        """The chord that ending, left hand or chart prescribes for a span, or None.

        What comes first in this order counts.
        """
        if (closing := self.cadence(index)) is not None:
            return closing
        if self.held is not None:
            return self.held
        parsed = self._seat.parsed
        if parsed.chart is None:
            return landing_at(parsed.guidance, self.phase(index))
        return parsed.chart.chord_at(self.start_ticks(index))

    def next_after(self, ticks: int) -> int:
        """The first span that begins at or after a tick."""
        return self.at(ticks - 1) + 1

    def name(self, index: int) -> str:
        """Bar and beat, counted from 1: ``2.1``."""
        phase = self.phase(index)
        return f"{phase.bar + 1}.{phase.span + 1}"


MOST_PLACES: Final = 64
"""How many stretches are kept. A song that is played through is one stretch."""


class Places:
    """The stretches of the song that were played, in ticks. Cost: O(stretches)."""

    def __init__(self) -> None:
        self._stretches: list[tuple[int, int]] = []

    def has(self, ticks: int, beyond: int = 0) -> bool:
        """Whether a tick lies in a stretch, or at most `beyond` ticks after its end."""
        return any(first <= ticks <= end + beyond for first, end in self._stretches)

    def add(self, first: int, end: int) -> None:
        """Add a stretch. The oldest one may be forgotten."""
        apart = []
        for begin, until in self._stretches:
            if until < first or begin > end:
                apart.append((begin, until))
            else:
                first, end = min(first, begin), max(end, until)
        self._stretches = [*apart, (first, end)][-MOST_PLACES:]
