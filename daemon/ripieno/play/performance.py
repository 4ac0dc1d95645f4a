"""One performance: what all its seats share, and the only way out for what is sent.

Everything that is sent passes here, so every note goes through the ledger and into the
counts, whichever seat played it. The engine owns the performance. A role sees only its
`ripieno.play.seat.Seat`.
"""

from typing import Final, Protocol

from ripieno.hear.history import History
from ripieno.hear.listener import Listener
from ripieno.music import messages
from ripieno.music.meter import Meter
from ripieno.music.timeline import Timeline
from ripieno.play.effects import NOBODY, Effect, Send
from ripieno.play.ledger import Ledger
from ripieno.play.scheduler import Due, Scheduler
from ripieno.settings.beginning import Beginning
from ripieno.settings.ensemble import PERCUSSION
from ripieno.settings.roles import Role
from ripieno.settings.status import Lateness
from ripieno.sync.transport import Transport

COUNTS: Final = (
    "heard", "sent", "turns", "ready", "on_time", "fallbacks", "stale", "malformed",
    "shed", "climbed",
)  # fmt: skip
"""The fields of `Status` that are counted here."""


class Seated(Protocol):
    """A seat, as the performance needs it."""

    @property
    def role(self) -> Role:
        """The row of the role that it plays."""
        ...

    def send(self, due_ns: int, now_ns: int, data: bytes) -> None:
        """Send a note-on or a note-off of its own, and record it."""
        ...


class Performance:
    """What all seats of a performance share. Thread: the engine's.

    Attributes:
        now_ns: the time that the engine was last given.
        reach_ns: how long before it is due a planned note is handed to the port.
        acted: whether a role changed its state although nothing was sent. Then the
            journal has to keep the time.
        transport, ledger, listener, history, scheduler: the stages. Listener and
            history have all that comes in, whichever zone it belongs to.
        meter: the metre that was heard; None where the parameter says it.
        lateness: of the planned note-ons that were sent.
        waits: from the decision to reply to the first section of the reply.
        counts: one for each of `COUNTS`, of all seats together.
        out: what has yet to be handed to the shell.
        seats: number → seat.
    """

    def __init__(self, begins: Beginning, ledger: Ledger) -> None:
        self.now_ns, self.acted = begins.start_ns, False
        self.reach_ns = begins.reach_ns
        self.meter: Meter | None = None
        kept = begins.timeline or Timeline(origin_ns=begins.start_ns)
        self.transport, self.ledger = Transport(kept), ledger
        self.listener, self.history = Listener(), History()
        self.scheduler, self.lateness, self.waits = Scheduler(), Lateness(), Lateness()
        self.counts = dict.fromkeys(COUNTS, 0)
        self.out: list[Effect] = []
        self.seats: dict[int, Seated] = {}

    @property
    def timeline(self) -> Timeline:
        """The mapping between ticks and nanoseconds as it is now."""
        return self.transport.timeline

    @property
    def is_on_the_beat(self) -> bool:
        """Whether a seat plays by a tempo."""
        return any(seat.role.is_on_the_beat for seat in self.seats.values())

    @property
    def has_beat(self) -> bool:
        """Whether the song moves by a known tempo: MIDI clock's, or that of a seat."""
        transport = self.transport
        return transport.running and (transport.is_external or self.is_on_the_beat)

    def send(self, due_ns: int, data: bytes, seat: int = NOBODY) -> None:
        """Send a message of a seat; the listener is to recognise it as an echo."""
        self.out.append(Send(due_ns, data, seat))
        if seat != NOBODY and not messages.is_note_off(data):
            self.listener.sent(max(due_ns, self.now_ns), data)

    def end(self, owner: int, due_ns: int, now_ns: int, data: bytes) -> None:
        """Send the note-off of a note that is another seat's, or nobody's."""
        if owner in self.seats:
            self.seats[owner].send(due_ns, now_ns, data)
        else:
            self.send(due_ns, data)

    def send_click(self, due: Due, now_ns: int) -> None:
        """Send a note-on or a note-off of the metronome."""
        due_ns, ledger = self.due_ns(due), self.ledger
        if due.velocity:
            sent = ledger.on(PERCUSSION, due.pitch, due.velocity, due.note_id)
            self.lateness.add(max(0, now_ns - due_ns))
        else:
            sent = ledger.off(PERCUSSION, due.pitch, due.note_id)
        for data in sent:
            self.send(due_ns, data)
            if messages.is_note_on(data):
                self.listener.sent(max(due_ns, now_ns), data)

    def due_ns(self, due: Due) -> int:
        """When a note is due: its exact time, if that lies within its tick."""
        timeline, exact_ns = self.timeline, due.exact_ns
        start_ns = timeline.ns_at(due.ticks)
        if exact_ns is None or timeline.ticks_at(exact_ns) != due.ticks:
            return start_ns
        return max(start_ns, exact_ns)
