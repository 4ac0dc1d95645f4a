"""A role that goes with the song from felt beat to felt beat.

A span (a felt beat) has a first moment, half a frame ahead of it: the span before is
over then, and what is struck later belongs to this one. Which moments come next, and
what is done in each, is the role's; it says too when the span is done with, and the
next one's turn comes. The song stands still: all of it is forgotten, and where it goes
on, so do we.
"""

from abc import ABC, abstractmethod
from typing import ClassVar, Final

from ripieno.music.duet import FRAME_TICKS
from ripieno.music.plan import Played
from ripieno.roles.spans import Spans
from ripieno.roles.stand import Stand

HALF_FRAME: Final = FRAME_TICKS // 2
"""What is struck later than so long before a span belongs to it."""
RESTS_AFTER_BARS: Final = 8
"""After so many bars without a human note it rests, unless it leads."""
LEADS: Final = 0.5
LONG_AGO: Final = -(1 << 32)
"""When the human entered, in ticks or in spans, once the song has jumped."""


class Moments(ABC):
    """What such roles share; see the module and `ripieno.roles.stand.Role`.

    Attributes:
        notice_ticks: how long before a span the song has to be under way for us to come
            in with that span, and not with the next one.
    """

    notice_ticks: ClassVar[int] = 0

    def __init__(self, stand: Stand) -> None:
        self._stand, self._spans = stand, Spans(stand)

    def _restart(self) -> None:
        """Forget where we are, and that the human has entered."""
        self._index: int | None = None
        self._is_prepared = False
        self._entered: int | None = None

    def heard(self, event: Played) -> None:
        """A key went down or up: onto the grid."""
        if event.pitch > 127:
            return
        ticks = self._stand.timeline.ticks_at(event.at_ns)
        if event.velocity:
            self._down(event, ticks, self._spans.beats.down(ticks, event.pitch))
        else:
            self._spans.beats.up(ticks, event.pitch)

    def silenced(self, at_ns: int) -> None:
        """The DAW stopped: so do we, until something is played again."""
        self._rest(at_ns)
        self._entered = None
        if not self._stand.listener.holds_keys:
            self._spans.beats.clear()

    @abstractmethod
    def forget(self, at_ns: int) -> None:
        """The song is elsewhere: what it taught us stays, plans do not."""

    def advance(self, now_ns: int) -> None:
        """Go through the moments that have come."""
        stand = self._stand
        if not stand.transport.running:
            if self._index is not None:
                self.forget(now_ns)
                stand.acted = True
            return
        if self._index is None:
            ticks = stand.timeline.ticks_at(now_ns) + self.notice_ticks
            self._index = self._spans.next_after(ticks)
            stand.acted = True
        while self._step(now_ns):
            stand.acted = True

    def ended(self) -> None:  # noqa: B027  (a role may have something that ends)
        """Nothing ends by itself here."""

    def next_ns(self) -> int | None:
        """The next moment."""
        if self._index is None or not self._stand.transport.running:
            return None
        if not self._is_prepared:
            return self._spans.ns_at(self._index, -HALF_FRAME)
        return self._moment_ns(self._index)

    def _step(self, now_ns: int) -> bool:
        """One moment, if it has come."""
        index, at_ns = self._index, self.next_ns()
        if index is None or at_ns is None or now_ns < at_ns:
            return False
        if self._is_prepared:
            self._moment(index, now_ns)
        else:
            self._is_prepared = True
            self._prepare(index)
        return True

    def _turn_to(self, index: int) -> None:
        """That span is next."""
        self._index, self._is_prepared = index, False

    def _is_left_alone(self, silent_ticks: int) -> bool:
        """Whether the human, silent for so long, is to be waited for."""
        longest_ticks = RESTS_AFTER_BARS * self._stand.meter.bar_ticks
        return silent_ticks > longest_ticks and self._stand.params.lead < LEADS

    @abstractmethod
    def _down(self, event: Played, ticks: int, frame: int) -> None:
        """A key went down: at that tick, which counts as in that frame."""

    @abstractmethod
    def _rest(self, at_ns: int) -> None:
        """Stop playing; what sounds ends."""

    @abstractmethod
    def _prepare(self, index: int) -> None:
        """The span before is over."""

    @abstractmethod
    def _moment_ns(self, index: int) -> int:
        """When the next moment of a span is, once it is prepared."""

    @abstractmethod
    def _moment(self, index: int, now_ns: int) -> None:
        """That moment has come."""
