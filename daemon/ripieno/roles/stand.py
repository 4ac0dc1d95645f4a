"""The stand that a role plays from: the time, the knobs, the schedule, the thinker.

A role decides *what* and *when*; everything that goes out or that the thinker is told
passes here, so that every note goes through the ledger, into the history and into the
counts, whoever played it.

Knows no clock: every call that acts is given the instant.
"""

from collections.abc import Callable
from typing import Final, Protocol

import msgspec

from ripieno.hear.history import History
from ripieno.hear.listener import Listener
from ripieno.music import messages
from ripieno.music.meter import Meter
from ripieno.music.sources import MACHINE
from ripieno.music.timeline import Timeline
from ripieno.play.ledger import Ledger, is_planned
from ripieno.play.scheduler import Due, Scheduler
from ripieno.protocol import CLICK, Played, Ready, ToPlayer, ToThinker
from ripieno.rules.harmony import Tables
from ripieno.settings.beginning import Beginning
from ripieno.settings.params import Params, parse
from ripieno.settings.roles import ROLES, Role
from ripieno.settings.status import Lateness, Status, Turn
from ripieno.sync.transport import Transport

PERCUSSION: Final = 9
"""Channel 10, counted from 0: where General MIDI keeps its wood blocks."""


class Send(msgspec.Struct, frozen=True):
    """Bytes to hand to the port now; `due_ns` is when they are to leave it."""

    due_ns: int
    data: bytes


class Tell(msgspec.Struct, frozen=True):
    """A message for the thinker."""

    message: ToThinker


Effect = Send | Tell


class Player(Protocol):
    """What plays a role. Thread: the engine's."""

    @property
    def turn(self) -> Turn:
        """Who plays now."""
        ...

    def heard(self, event: Played) -> None:
        """The human did something; it is not in the history yet."""
        ...

    def thought(self, at_ns: int, message: ToPlayer) -> bool:
        """The thinker answered; False where that is not wanted any more."""
        ...

    def met(self, ready: Ready) -> None:
        """A thinker is there, perhaps a new one, that knows nothing yet."""
        ...

    def silenced(self, at_ns: int) -> None:
        """The DAW stopped."""
        ...

    def forget(self, at_ns: int) -> None:
        """Drop every plan: panic, another role, the song has jumped."""
        ...

    def advance(self, now_ns: int) -> None:
        """Ask, decide, schedule: whatever is to be done by now."""
        ...

    def started(self, due: Due, late_ns: int) -> None:
        """A planned note was just sent."""
        ...

    def ended(self) -> None:
        """Everything due has been sent."""
        ...

    def next_ns(self) -> int | None:
        """When `advance` next has something to do, or None."""
        ...

    def told(self, status: Status) -> Status:
        """The status, with what only the role knows of it."""
        ...


class Stand:
    """Shared by the engine and its role; see the module.

    Attributes:
        params, parsed: how to play, and what the texts among it say.
        is_resumed: whether another player played before, and died.
        now_ns: the instant that the engine was last given.
        reach_ns: how long before its time a planned note is handed to the port.
        answer_ns: how long after a key an answer that takes thought is due.
        decided_ns: when it was last decided what to play on the beat, or when that is
            to sound: what is due in the same tick is due then.
        acted: whether a role has changed what it will do, though nothing went out:
            then the instant has to be written down.
        replies: how many were decided on, by this player and those before it.
        transport, ledger, listener, history, scheduler, lateness, counts: the stages.
        waits: from when a reply was decided on to when there was something to play.
        out: what is to go out.
    """

    def __init__(
        self,
        begins: Beginning,
        ledger: Ledger,
        tables: Tables | None,
    ) -> None:
        """Set it up.

        Args:
            begins: how the performance begins.
            ledger: what sounds already.
            tables: what the harmony engine knows; plain ones if None.
        """
        params = begins.params
        self.seed = begins.seed if params.seed is None else params.seed
        self.tables, self.acted = tables, False
        self.now_ns = begins.start_ns
        self.reach_ns, self.answer_ns = begins.reach_ns, begins.answer_ns
        self.params, self.parsed = params, parse(params)
        kept = begins.timeline
        self.transport = Transport(kept or Timeline(origin_ns=begins.start_ns))
        self.decided_ns = self.transport.timeline.origin_ns
        self.ledger, self.listener, self.history = ledger, Listener(), History()
        self.scheduler, self.lateness, self.waits = Scheduler(), Lateness(), Lateness()
        self.out: list[Effect] = []
        self.counts = dict.fromkeys(
            (
                "heard", "sent", "turns", "ready", "on_time", "fallbacks", "stale",
                "malformed", "shed", "climbed",
            ),
            0,
        )  # fmt: skip
        self._revision = self.replies = begins.epoch << 32
        self.is_resumed = bool(begins.epoch)

    def turn(self, params: Params) -> None:
        """Other parameters hold from now on; their texts are read once, here."""
        self.params, self.parsed = params, parse(params)

    @property
    def role(self) -> Role:
        """The row of the role that is played."""
        return ROLES[self.params.role]

    @property
    def meter(self) -> Meter:
        """The meter that is played in."""
        return self.parsed.meter

    def written(self, ticks: int) -> int | None:
        """The chord that the chart has at a tick; None where it has none."""
        chart = self.parsed.chart
        return None if chart is None else chart.chord_at(ticks)

    @property
    def timeline(self) -> Timeline:
        """How ticks and nanoseconds meet now."""
        return self.transport.timeline

    def next_revision(self) -> int:
        """A number that no plan had before, not even of a player before this one."""
        self._revision += 1
        return self._revision

    def tell(self, message: ToThinker) -> None:
        """Something for the thinker."""
        self.out.append(Tell(message))

    def send(
        self, due_ns: int, now_ns: int, data: bytes, *, thru: bool = False
    ) -> None:
        """Out it goes; what the machine played becomes part of what was played."""
        self.out.append(Send(due_ns, data))
        if thru:
            return
        velocity = data[2] if messages.is_note_on(data) else 0
        if velocity:
            self.listener.sent(max(due_ns, now_ns), data)
        if messages.channel_of(data) != PERCUSSION:
            self.remember(Played(now_ns, MACHINE, data[1], velocity))

    def remember(self, event: Played) -> None:
        """Something was really played, by whomever."""
        self.history.add(event)
        if not self.role.is_on_the_beat:  # these hear whole spans
            self.tell(event)

    def play(self, due: Due, now_ns: int) -> int:
        """Send what is due; how late it was, in nanoseconds."""
        channel = self.channel_of(due.part)
        due_ns = self.timeline.ns_at(due.ticks)
        if due.ticks == self.timeline.ticks_at(self.decided_ns):
            due_ns = max(due_ns, self.decided_ns)  # decided within this very tick
        if not due.velocity:
            messages_out = self.ledger.off(channel, due.pitch, due.note_id)
        else:
            messages_out = self.ledger.on(channel, due.pitch, due.velocity, due.note_id)
            self.lateness.add(max(0, now_ns - due_ns))
            self.counts["sent"] += due.part != CLICK
        for data in messages_out:
            self.send(due_ns, now_ns, data)
        return max(0, now_ns - due_ns)

    def release(
        self,
        at_ns: int,
        which: Callable[[int], bool] = is_planned,
        due_ns: int | None = None,
    ) -> None:
        """End sounding notes, by their ids; all that were planned where none are.

        What was handed over and has yet to begin is taken back, unless `due_ns` says
        that it is to begin first.
        """
        for data in self.ledger.release(which):
            self.send(at_ns if due_ns is None else due_ns, at_ns, data)

    def channel_of(self, part: int) -> int:
        """The MIDI channel of a part, counted from 0."""
        return channel_of(self.params.channel, part)


def channel_of(channel: int, part: int) -> int:
    """The same, for a player on a channel that is counted from 1.

    Parts step over the drums' channel, unless the first is meant to be there.
    """
    if part == CLICK:
        return PERCUSSION
    first = channel - 1
    return (first + part + (first < PERCUSSION <= first + part)) % 16
