"""One performance: its stages, and the only way out for what is sent.

Everything that is sent passes here, so every note goes through the ledger, into the
history and into the counts, whichever role played it. The engine owns the performance.
A role sees only its `ripieno.roles.seat.Seat`.
"""

from collections.abc import Callable
from typing import Final

from ripieno.hear.history import History
from ripieno.hear.listener import Listener
from ripieno.music import messages
from ripieno.music.sources import MACHINE
from ripieno.music.timeline import Timeline
from ripieno.play.ledger import Ledger, is_planned
from ripieno.play.scheduler import Due, Scheduler
from ripieno.protocol import CLICK, Played
from ripieno.roles.performer import Effect, Send, Tell
from ripieno.settings.beginning import Beginning
from ripieno.settings.params import Params, parse
from ripieno.settings.roles import ROLES, Role
from ripieno.settings.status import Lateness
from ripieno.sync.transport import Transport

PERCUSSION: Final = 9
"""MIDI channel 10, counted from 0. General MIDI has its wood blocks there."""
COUNTS: Final = (
    "heard", "sent", "turns", "ready", "on_time", "fallbacks", "stale", "malformed",
    "shed", "climbed",
)  # fmt: skip
"""The fields of `Status` that are counted here."""


class Performance:
    """The stages of one performance, for the engine. Thread: the engine's.

    Attributes:
        params, parsed: the parameters, and the values of the texts among them.
        now_ns: the time that the engine was last given.
        reach_ns: how long before it is due a planned note is handed to the port.
        acted: whether a role changed its state although nothing was sent. Then the
            journal has to keep the time.
        transport, ledger, listener, history, scheduler: the stages.
        lateness: of the planned note-ons that were sent.
        waits: from the decision to reply to the first section of the reply.
        counts: one for each of `COUNTS`.
        out: what has yet to be handed to the shell.
    """

    def __init__(self, begins: Beginning, ledger: Ledger) -> None:
        self.params, self.parsed = begins.params, parse(begins.params)
        self.now_ns, self.acted = begins.start_ns, False
        self.reach_ns = begins.reach_ns
        kept = begins.timeline or Timeline(origin_ns=begins.start_ns)
        self.transport, self.ledger = Transport(kept), ledger
        self.listener, self.history = Listener(), History()
        self.scheduler, self.lateness, self.waits = Scheduler(), Lateness(), Lateness()
        self.counts = dict.fromkeys(COUNTS, 0)
        self.out: list[Effect] = []

    def set_params(self, params: Params) -> None:
        """Replace the parameters, and parse the texts among them once."""
        self.params, self.parsed = params, parse(params)

    @property
    def role(self) -> Role:
        """The row of the role that is played."""
        return ROLES[self.params.role]

    @property
    def timeline(self) -> Timeline:
        """The mapping between ticks and nanoseconds as it is now."""
        return self.transport.timeline

    def send(
        self, due_ns: int, now_ns: int, data: bytes, *, thru: bool = False
    ) -> None:
        """Send a message; one of the machine's own notes is also recorded."""
        self.out.append(Send(due_ns, data))
        if thru:
            return
        velocity = data[2] if messages.is_note_on(data) else 0
        if velocity:
            self.listener.sent(max(due_ns, now_ns), data)
        if messages.channel_of(data) != PERCUSSION:
            self.record(Played(now_ns, MACHINE, data[1], velocity))

    def record(self, event: Played) -> None:
        """Add to the history what was really played, by either side."""
        self.history.add(event)
        if not self.role.is_on_the_beat:  # these roles tell the thinker whole spans
            self.out.append(Tell(event))

    def send_due(self, due: Due, now_ns: int) -> int:
        """Send what is due; return how late it was, in nanoseconds."""
        channel = channel_of(self.params.channel, due.part)
        due_ns = self._due_ns(due)
        late_ns = max(0, now_ns - due_ns)
        if not due.velocity:
            messages_out = self.ledger.off(channel, due.pitch, due.note_id)
        else:
            messages_out = self.ledger.on(channel, due.pitch, due.velocity, due.note_id)
            self.lateness.add(late_ns)
            self.counts["sent"] += due.part != CLICK
        for data in messages_out:
            self.send(due_ns, now_ns, data)
        return late_ns

    def release(
        self,
        at_ns: int,
        which: Callable[[int], bool] = is_planned,
        due_ns: int | None = None,
    ) -> None:
        """End the sounding notes whose ids match; by default all planned ones.

        Args:
            at_ns: now.
            which: whether the note with an id is to end.
            due_ns: when the note-offs are due; `at_ns` if None. A note that was handed
                to the port but is due later than that is taken back.
        """
        for data in self.ledger.release(which):
            self.send(at_ns if due_ns is None else due_ns, at_ns, data)

    def _due_ns(self, due: Due) -> int:
        """When a note is due: its exact time, if that lies within its tick."""
        timeline, exact_ns = self.timeline, due.exact_ns
        start_ns = timeline.ns_at(due.ticks)
        if exact_ns is None or timeline.ticks_at(exact_ns) != due.ticks:
            return start_ns
        return max(start_ns, exact_ns)


def channel_of(channel: int, part: int) -> int:
    """The MIDI channel of a part, counted from 0.

    Parts skip the drum channel, unless the first part is on it.

    Args:
        channel: of the first part, counted from 1.
        part: 0 for the first; `CLICK` for the metronome.
    """
    if part == CLICK:
        return PERCUSSION
    first = channel - 1
    return (first + part + (first < PERCUSSION <= first + part)) % 16
