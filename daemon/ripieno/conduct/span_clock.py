"""The clock of a role that plays on the beat: where the song is, span by span.

A role takes several steps in each span (a felt beat). The first one ends half a frame
before the span: then the span before is over, and later notes belong to this one. The
other steps are the role's; a table says which follows which (`Transitions`). The clock
gives the steps whose time is over, with their span. The role acts on them::

    for step, index in clock.steps(now_ns):
        ...

When the song stops or jumps, the role drops its plans, and the clock keeps what is
known of the human. A place of the song that was played before is played at once, from
its first beat on, so that a DAW's loop sounds in every pass. Elsewhere the role goes on
listening. The clock does not know what is played.
"""

import enum
from collections import deque
from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple, Protocol

from ripieno.conduct.presence import LONG_AGO, Kept, Presence
from ripieno.conduct.spans import Places, Spans
from ripieno.music.spans import FRAME_TICKS
from ripieno.music.timeline import TICKS_PER_BEAT
from ripieno.play.seat import Seat
from ripieno.protocol import Played

HALF_FRAME: Final = FRAME_TICKS // 2
"""A note belongs to a span from so long before its start."""
BREAK_NS: Final = 2_000_000_000
"""A song that stood still for longer was stopped by a person. A DAW's loop takes one
audio period, or one beat."""
PASS_NS: Final = 100_000_000
"""All-notes-off may come so long after a jump and still belong to the stop before it:
a few of a DAW's audio periods."""
RECENT: Final = 32
"""How many of the human's last events are kept, to be heard again after a jump."""


class Step(enum.Enum):
    """What a role is waiting for within a span."""

    AWAY = "the song to move"
    AHEAD = "the first notes that belong to the span"
    LISTENING = "a note on the beat, or the end of the time for one"
    STRUCK = "the decision, after a note on the beat"
    READY = "the beat"
    BEGUN = "the time to look at what the human played on the beat"


class Cause(enum.Enum):
    """What ends a step."""

    ENTER = "the song moves"
    TIME = "its time is over"
    STRIKE = "a note on the beat"


Transitions = Mapping[tuple[Step, Cause], Step]
"""Step and cause → next step. From a step other than `AWAY`, `AHEAD` means the next
span. `SpanClock.leave` leads from every step to `AWAY`."""


class Key(NamedTuple):
    """A key that went down, on the grid of the song; `source` says whose."""

    at_ns: int
    ticks: int
    frame: int
    pitch: int
    velocity: int
    source: int


class Stepping(Protocol):
    """A role that follows the clock."""

    def due_ns(self, step: Step, index: int) -> int:
        """Return when a step of a span is over, for the steps after `AHEAD`."""

    def on_note(self, key: Key) -> None:
        """Handle a key that went down, or one heard again at the place after a jump."""

    def clear_plans(self, at_ns: int) -> None:
        """Drop every plan, and call `SpanClock.leave`: the song has stopped."""


class SpanClock:
    """Where the song is. Thread: the engine's.

    Attributes:
        step: what the role waits for.
        index: the span that it concerns; meaningless while the step is `AWAY`.
        resumed: the span at which the song goes on after a jump to a known place; None
            at any other span.
        spans: of the song.
        presence: whether the human plays.
    """

    def __init__(
        self,
        seat: Seat,
        transitions: Transitions,
        role: Stepping,
        *,
        notice_ticks: int = 0,
        waits: bool = True,
    ) -> None:
        """Begin away from the song.

        Args:
            seat: of the role.
            transitions: the role's steps.
            role: what follows the clock. It is not called before `hear` or `steps`.
            notice_ticks: how long before a span the song has to move for the role to
                begin with that span, and not with the next one.
            waits: whether after a stop, or a jump to a new place, the role waits for
                the human's next note. Such a role listens for the whole of `listen`;
                another one for half a frame less, as a note may begin so much late.
        """
        self._seat, self.spans = seat, Spans(seat)
        self._transitions, self._role = transitions, role
        self._notice_ticks, self._waits = notice_ticks, waits
        self.presence = Presence(seat, self.spans, 0 if waits else HALF_FRAME)
        self.step, self.index = Step.AWAY, 0
        self.resumed: int | None = None
        self._places, self._since_ticks, self._since_ns = Places(), 0, 0
        self._kept: Kept | None = None
        self._jumps, _ = seat.jumps
        self._jumped: tuple[int, int] | None = None  # where the song is now: ns, ticks
        self._recent: deque[Played] = deque(maxlen=RECENT)

    def hear(self, event: Played) -> None:
        """Put a key that went down or up on the grid."""
        self._recent.append(event)
        self._hear(event, self._seat.timeline.ticks_at(event.at_ns))

    def strike(self) -> bool:
        """Note that the human struck the beat; return whether it is time for that."""
        is_time = (self.step, Cause.STRIKE) in self._transitions
        if is_time:
            self.step = self._transitions[self.step, Cause.STRIKE]
        return is_time

    def stop(self, at_ns: int) -> None:
        """Wait for the human's next note: the DAW sent all-notes-off.

        A DAW may do so at each pass of a loop too, even shortly after the jump. Then
        the role goes on with the next span.
        """
        if self.step is Step.AWAY or at_ns - self._since_ns > PASS_NS:
            self._keep(at_ns, is_stop=True)
            self.presence.entered_ticks = None
        if not self._seat.holds_keys:
            self.spans.beats.clear()

    def leave(self, at_ns: int) -> None:
        """Leave the song: it stopped or jumped, or the plans are to be dropped."""
        self._keep(at_ns)
        self.spans.beats.clear()
        self.presence.clear()
        self.step, self.resumed = Step.AWAY, None

    def steps(self, now_ns: int) -> Iterator[tuple[Step, int]]:
        """Enter or leave the song; yield each step that is over, and its span."""
        if self._seat.is_running and self.step is Step.AWAY:
            self._enter(now_ns)
            self._seat.mark_acted()
            self._hear_again()
        elif not self._seat.is_running and self.step is not Step.AWAY:
            self._role.clear_plans(now_ns)
            self._seat.mark_acted()
        while (at_ns := self.next_ns()) is not None and at_ns <= now_ns:
            step, index = self.step, self.index
            self.step = self._transitions[step, Cause.TIME]
            if self.step is Step.AHEAD:
                self._turn_to(index + 1)
            self._seat.mark_acted()
            yield step, index

    def next_ns(self) -> int | None:
        """When the step is over; None while the song does not move."""
        if self.step is Step.AWAY or not self._seat.is_running:
            return None
        if self.step is Step.AHEAD:
            return self.spans.start_ns(self.index, -HALF_FRAME)
        return self._role.due_ns(self.step, self.index)

    def _hear(self, event: Played, ticks: int) -> None:
        if event.velocity:
            frame = self.spans.beats.down(ticks, event.pitch)
            self._role.on_note(
                Key(
                    event.at_ns,
                    ticks,
                    frame,
                    event.pitch,
                    event.velocity,
                    event.source,
                )
            )
        else:
            self.spans.beats.up(ticks, event.pitch)

    def _hear_again(self) -> None:
        """Hear again what was played just before a jump: it belongs to this place."""
        if self._jumped is None:
            return
        (jumped_ns, place), self._jumped = self._jumped, None
        timeline = self._seat.timeline
        half_ns = HALF_FRAME * timeline.beat_ns // TICKS_PER_BEAT
        for event in self._recent:
            if event.at_ns > jumped_ns - half_ns:
                self._hear(event, max(place, timeline.ticks_at(event.at_ns)))

    def _turn_to(self, index: int) -> None:
        """Go on to a span; the song up to there has been played."""
        if self.presence.entered_ticks is not None:
            self._places.add(self._since_ticks, self.spans.start_ticks(index))
        self.index, self.resumed = index, None

    def _keep(self, at_ns: int, *, is_stop: bool = False) -> None:
        """Keep what is known of the human.

        Unless the song stopped or jumped (so after a panic), the role is to wait for
        the human's next note, if it is one that waits.
        """
        jumps, left_ticks = self._seat.jumps
        is_jump, self._jumps = jumps != self._jumps, jumps
        place = self._seat.timeline.ticks_at(at_ns)
        self._jumped = (at_ns, place) if is_jump else None
        if self.step is Step.AWAY:
            return
        here = left_ticks if is_jump else place
        is_moved = is_stop or is_jump or not self._seat.is_running
        index = self.spans.next_after(here - HALF_FRAME)
        waits = self._waits and not is_moved
        kept, before = self.presence.keep(at_ns, here, index, waits=waits), self._kept
        is_again = before is not None and at_ns - before.at_ns < BREAK_NS
        if before is None or not is_again or not before.is_in or kept.is_in:
            self._kept = kept

    def _enter(self, now_ns: int) -> None:
        """The song moves: go on in it, or begin to listen."""
        at_ns, place = now_ns, self._seat.timeline.ticks_at(now_ns)
        first = place + self._notice_ticks
        is_known = False
        if self._jumped is not None:
            at_ns, place = self._jumped
            is_known = self._places.has(place, self._seat.meter.bar_ticks)
        kept, self._kept = self._kept, None
        if kept is not None:
            is_pass = is_known and at_ns - kept.at_ns < BREAK_NS
            is_silence_known = is_pass or not self._waits
            self.presence.resume(kept, place, is_silence_known=is_silence_known)
        if is_known:
            first, self.presence.entered_ticks = place, LONG_AGO
            self.resumed = self.spans.next_after(place)
        self._since_ns, self._since_ticks = at_ns, place
        self.index = self.spans.next_after(first)
        self.step = self._transitions[Step.AWAY, Cause.ENTER]
