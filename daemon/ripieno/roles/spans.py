"""Spans in the song: which one, where in the bar, when."""

from ripieno.hear.beats import Beats
from ripieno.music.duet import FRAME_TICKS, Phase, Span
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
