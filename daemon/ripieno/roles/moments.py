"""A role that goes with the song from felt beat to felt beat.

A span (a felt beat) has a first moment, half a frame ahead of it: the span before is
over then, and what is struck later belongs to this one. Which moments come next, and
what is done in each, is the role's; it says too when the span is done with, and the
next one's turn comes.

Where the song stops or jumps, what was planned is forgotten, and what was listened to
is not. A position that was heard before is played at once, from its first beat on: so
a DAW's loop sounds in every pass. Elsewhere the listening goes on where it was.
"""

from abc import ABC, abstractmethod
from collections import deque
from typing import ClassVar, Final, NamedTuple

from ripieno.music.spans import FRAME_TICKS
from ripieno.music.timeline import TICKS_PER_BEAT
from ripieno.protocol import Played
from ripieno.roles.spans import Places, Spans
from ripieno.roles.stand import Stand

HALF_FRAME: Final = FRAME_TICKS // 2
"""What is struck later than so long before a span belongs to it."""
RESTS_AFTER_BARS: Final = 8
"""After so many bars without a human note it rests, unless it leads."""
LEADS: Final = 0.5
LONG_AGO: Final = -(1 << 32)
"""When the human entered, in ticks, where we need not listen any more."""
BREAK_NS: Final = 2_000_000_000
"""A song that stood still for longer was stopped by somebody; a DAW's loop takes a
period, or a beat."""
PASS_NS: Final = 100_000_000
"""So long after a jump all notes off may still belong to the stop before it: some of a
DAW's periods."""
RECENT: Final = 32
"""So many of the human's last events are kept, to be heard again after a jump."""


class Left(NamedTuple):
    """How it stood with the human where the song stopped or jumped.

    Attributes:
        at_ns: when that was.
        is_in: whether we had listened for long enough.
        listened_ticks: for how long; None where the human had not entered.
        silent_ticks: how long ago the human played last; None: waits for the human.
    """

    at_ns: int
    is_in: bool
    listened_ticks: int | None
    silent_ticks: int | None


class Moments(ABC):
    """What such roles share; see the module and `ripieno.roles.stand.Player`.

    Attributes:
        notice_ticks: how long before a span the song has to be under way for us to come
            in with that span, and not with the next one.
        waits: whether, after a jump to where we have not been or after a real stop, the
            human has to play first.
    """

    notice_ticks: ClassVar[int] = 0
    waits: ClassVar[bool] = True

    def __init__(self, stand: Stand) -> None:
        self._stand, self._spans = stand, Spans(stand)
        self._places = Places()
        self._left: Left | None = None
        self._jumps = 0
        self._begins: tuple[int, int] | None = None  # where the song jumped: ns, ticks
        self._since = self._since_ns = 0  # from where on we have been with the song
        self._recent: deque[Played] = deque(maxlen=RECENT)

    def _restart(self) -> None:
        """Forget where we are, and that the human has entered."""
        self._index: int | None = None
        self._is_prepared = False
        self._entered: int | None = None
        self._heard_ticks: int | None = None
        self._resumes: int | None = None

    def heard(self, event: Played) -> None:
        """A key went down or up: onto the grid."""
        if event.pitch > 127:
            return
        self._recent.append(event)
        self._hear(event, self._stand.timeline.ticks_at(event.at_ns))

    def _hear(self, event: Played, ticks: int) -> None:
        if event.velocity:
            self._down(event, ticks, self._spans.beats.down(ticks, event.pitch))
        else:
            self._spans.beats.up(ticks, event.pitch)

    def silenced(self, at_ns: int) -> None:
        """The DAW stopped: so do we, until something is played again.

        A DAW may say so at every pass of a loop, too, even shortly after the jump: then
        what sounds ends, and we play on with the next span.
        """
        self._rest(at_ns)
        if self._index is None or at_ns - self._since_ns > PASS_NS:
            self._leave(at_ns, is_stop=True)
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
            self._enter(now_ns)
            stand.acted = True
        while self._step(now_ns):
            stand.acted = True

    def _leave(self, at_ns: int, *, is_stop: bool = False) -> None:
        """The song stops, or is elsewhere: keep what is known of the human.

        After anything else, a panic above all, we wait for the human.
        """
        transport = self._stand.transport
        is_jump, self._jumps = transport.jumps != self._jumps, transport.jumps
        place = self._stand.timeline.ticks_at(at_ns)
        self._begins = (at_ns, place) if is_jump else None
        if self._index is None:
            return
        here = transport.left_ticks if is_jump else place
        is_stop |= is_jump or not (transport.running and self.waits)
        left = self._left_at(at_ns, here, waits=not is_stop)
        before = self._left
        is_again = before is not None and at_ns - before.at_ns < BREAK_NS
        if before is None or not is_again or not before.is_in or left.is_in:
            self._left = left

    def _left_at(self, at_ns: int, here: int, *, waits: bool) -> Left:
        """How it stands, at a tick of the song."""
        entered, heard = self._entered, self._heard_ticks
        return Left(
            at_ns,
            is_in=not self._listens(self._spans.next_after(here - HALF_FRAME)),
            listened_ticks=None if entered is None else here - entered,
            silent_ticks=None if heard is None or waits else here - heard,
        )

    def _enter(self, now_ns: int) -> None:
        """The song is under way: go on in it, or begin to listen."""
        place, at_ns = self._stand.timeline.ticks_at(now_ns), now_ns
        first, begins, left = place + self.notice_ticks, self._begins, self._left
        self._left = self._begins = None
        if begins is not None:
            at_ns, place = begins
        is_known = begins is not None and self._places.has(place, self._bar_ticks)
        if left is not None:
            self._go_on(left, place, is_soon=is_known and at_ns - left.at_ns < BREAK_NS)
        if is_known:
            first, self._entered = place, LONG_AGO
            self._resumes = self._spans.next_after(place)
        self._since_ns, self._since = at_ns, place
        self._index = self._spans.next_after(first)
        if begins is not None:
            self._hear_again(at_ns, place)

    def _go_on(self, left: Left, place: int, *, is_soon: bool) -> None:
        """What was known of the human holds here."""
        if left.is_in:
            self._entered = LONG_AGO
        elif left.listened_ticks is not None:
            self._entered = place - left.listened_ticks
        if left.silent_ticks is not None and (is_soon or not self.waits):
            self._heard_ticks = place - left.silent_ticks

    @property
    def _bar_ticks(self) -> int:
        return self._stand.meter.bar_ticks

    def _hear_again(self, at_ns: int, ticks: int) -> None:
        """What was struck just before the song jumped belongs to where it is now."""
        half_ns = HALF_FRAME * self._stand.timeline.beat_ns // TICKS_PER_BEAT
        for event in self._recent:
            if event.at_ns > at_ns - half_ns:
                self._hear(
                    event, max(ticks, self._stand.timeline.ticks_at(event.at_ns))
                )

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
        if self._entered is not None:
            self._places.add(self._since, index * self._spans.ticks)
        self._index, self._is_prepared = index, False
        self._resumes = None

    def _listens(self, index: int) -> bool:
        """Whether the human has not played for long enough yet."""
        if self._entered is None:
            return True
        since_ticks = index * self._spans.ticks - self._entered
        is_new = not self._stand.is_resumed
        return is_new and since_ticks < self._listen_ticks

    @property
    def _listen_ticks(self) -> int:
        """For how long we listen."""
        return int(self._stand.params.listen * TICKS_PER_BEAT)

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
