"""A seat: all that a role can read, and all that it can do.

A seat has a number, a name, parameters, a zone that it listens to, and notes of its
own. It schedules, cancels and ends only its own notes. The number is part of the id of
each of its notes (`ripieno.play.scheduler`).
"""

from collections.abc import Callable, Iterable

from ripieno.hear.history import History
from ripieno.music import messages
from ripieno.music.meter import Meter
from ripieno.music.sources import MACHINE
from ripieno.music.timeline import Timeline
from ripieno.music.zones import ALL
from ripieno.play import sound
from ripieno.play.effects import Tell
from ripieno.play.performance import COUNTS, Performance
from ripieno.play.scheduler import Due, owner_of
from ripieno.protocol import PlannedNote, Played, ToThinker
from ripieno.rules.harmony import Tables
from ripieno.settings.beginning import Beginning
from ripieno.settings.ensemble import PERCUSSION
from ripieno.settings.params import Params, parse
from ripieno.settings.roles import ROLES, Role

LOUDEST = 127


class Seat:
    """A role's view of the performance. Thread: the engine's.

    Attributes:
        number: from 1 on; `ripieno.protocol.CONDUCTOR` is the conductor's.
        name: as people call it.
        params, parsed: its parameters, and the values of the texts among them.
        seed: what random choices start from.
        tables: what the harmony rules know; None for plain ones.
        is_resumed: whether a player before this one died in the same performance.
        replies: how many were decided on, by this player and those before it.
        reach_ns: how long before it is due a planned note is handed to the port.
        answer_ns: how long after a key a voice that the thinker chose is due.
        listener: the keys that are held in its zone.
        history: what was really played, by the human in its zone and by the seat.
        counts: one for each of `ripieno.play.performance.COUNTS`.
        is_set_up: whether its program and volume have been sent.
        on_played: is given each note of its own that begins or ends.
        add_wait: counts how long it took until there was something to reply with.
    """

    def __init__(
        self,
        number: int,
        name: str,
        params: Params,
        begins: Beginning,
        performance: Performance,
        tables: Tables | None,
    ) -> None:
        self._performance, self.tables = performance, tables
        self.number, self.name = number, name
        self.params, self.parsed = params, parse(params)
        seed = begins.params.seed
        self.seed = begins.seed if seed is None else seed
        self.is_resumed = bool(begins.epoch)
        self._revision = self.replies = begins.epoch << 32
        self.reach_ns, self.answer_ns = begins.reach_ns, begins.answer_ns
        self.listener = performance.listener.within(self.parsed.zone)
        self.history = History()
        if self.parsed.zone == ALL:
            for event in performance.history:
                self.history.add(event)
        self.counts = dict.fromkeys(COUNTS, 0)
        self.is_set_up = False
        self.on_played: Callable[[Played], None] = _ignore
        self.add_wait = performance.waits.add

    def set_params(self, params: Params) -> None:
        """Replace the parameters, and parse the texts among them once."""
        if sound.set_up(params) != sound.set_up(self.params):
            self.is_set_up = False
        self.params, self.parsed = params, parse(params)

    # ── what a role can read ──────────────────────────────────────────────────────

    @property
    def role(self) -> Role:
        """The row of the role that it plays."""
        return ROLES[self.params.role]

    @property
    def meter(self) -> Meter:
        """The meter that is played in."""
        return self._performance.meter or self.parsed.meter

    @property
    def timeline(self) -> Timeline:
        """The mapping between ticks and nanoseconds as it is now."""
        return self._performance.timeline

    @property
    def is_running(self) -> bool:
        """Whether the song moves."""
        return self._performance.transport.running

    @property
    def has_beat(self) -> bool:
        """Whether the song moves by a known tempo: MIDI clock's, or that of a seat."""
        return self._performance.has_beat

    @property
    def jumps(self) -> tuple[int, int]:
        """How often the song has jumped, and the tick that it last jumped from."""
        return self._performance.transport.jumps, self._performance.transport.left_ticks

    @property
    def now_ns(self) -> int:
        """The time that the engine was last given."""
        return self._performance.now_ns

    @property
    def holds_keys(self) -> bool:
        """Whether the human holds a key of its zone."""
        return self.listener.holds_keys

    @property
    def has_scheduled(self) -> bool:
        """Whether a note of its own has yet to begin or to end."""
        return self._performance.scheduler.has_notes_of(self.number)

    @property
    def sounding(self) -> int:
        """How many of its notes sound."""
        return self._performance.ledger.count(self._is_mine)

    # ── what a role can do ────────────────────────────────────────────────────────

    def schedule(
        self,
        notes: Iterable[PlannedNote],
        *,
        at_ns: int | None = None,
        earliest_ticks: int | None = None,
    ) -> list[int]:
        """Schedule notes; see `ripieno.play.scheduler.Scheduler.add`."""
        return self._performance.scheduler.add(
            notes, self.number, at_ns=at_ns, earliest_ticks=earliest_ticks
        )

    def cancel(self, which: Callable[[int], bool]) -> None:
        """Remove its notes that have not begun and whose ids match."""
        self._performance.scheduler.cancel(lambda i: self._is_mine(i) and which(i))

    def clear_schedule(self) -> None:
        """Remove all its notes; what sounds has to be released."""
        self._performance.scheduler.clear(self.number)

    def release(
        self,
        at_ns: int,
        which: Callable[[int], bool] = lambda _: True,
        due_ns: int | None = None,
    ) -> None:
        """End its sounding notes whose ids match; by default all.

        Args:
            at_ns: now.
            which: whether the note with an id is to end.
            due_ns: when the note-offs are due; `at_ns` if None. A note that was handed
                to the port but is due later than that is taken back.
        """
        due_ns = at_ns if due_ns is None else due_ns
        ledger = self._performance.ledger
        for data in ledger.release(lambda i: self._is_mine(i) and which(i)):
            self.send(due_ns, at_ns, data)

    def next_revision(self) -> int:
        """Return a number that no plan had before, not even one of a dead player."""
        self._revision += 1
        return self._revision

    def tell(self, message: ToThinker) -> None:
        """Send a message to its mind."""
        self._performance.out.append(Tell(message, self.number))

    def count(self, name: str, by: int = 1) -> None:
        """Add to one of `ripieno.play.performance.COUNTS`."""
        self.counts[name] += by
        self._performance.counts[name] += by

    def mark_acted(self) -> None:
        """Report a change of state that sends nothing, so that the journal has it."""
        self._performance.acted = True

    # ── what the engine does ──────────────────────────────────────────────────────

    def set_up(self, now_ns: int) -> None:
        """Send its program and volume, unless they have been sent."""
        if not self.is_set_up:
            self.is_set_up = True
            for data in sound.set_up(self.params):
                self._performance.send(now_ns, data, self.number)

    def send_due(self, due: Due, now_ns: int) -> int:
        """Send what is due; return how late it was, in nanoseconds.

        A muted seat sends no note-on. Its role goes on as if it did.
        """
        performance, channel = self._performance, self.params.channel - 1
        due_ns = performance.due_ns(due)
        late_ns = max(0, now_ns - due_ns)
        if not due.velocity:
            sent = performance.ledger.off(channel, due.pitch, due.note_id)
        elif self.params.mute or not self.params.level:
            return late_ns
        else:
            loud = min(max(round(due.velocity * self.params.level), 1), LOUDEST)
            before = performance.ledger.id_of(channel, due.pitch)
            sent = performance.ledger.on(channel, due.pitch, loud, due.note_id)
            if before is not None and not self._is_mine(before):
                end, *sent = sent  # the note of another seat on this channel
                performance.end(owner_of(before), due_ns, now_ns, end)
            performance.lateness.add(late_ns)
            self.count("sent")
        for data in sent:
            self.send(due_ns, now_ns, data)
        return late_ns

    def record(self, event: Played) -> None:
        """Add to the history what was really played, and tell its mind."""
        self.history.add(event)
        if not self.role.is_on_the_beat:  # these roles tell the thinker whole spans
            self.tell(event)

    def send(self, due_ns: int, now_ns: int, data: bytes) -> None:
        """Send a note-on or a note-off of its own, and record it."""
        self._performance.send(due_ns, data, self.number)
        if messages.channel_of(data) == PERCUSSION:
            return
        velocity = data[2] if messages.is_note_on(data) else 0
        event = Played(now_ns, MACHINE, data[1], velocity)
        self.record(event)
        self.on_played(event)

    def _is_mine(self, note_id: int) -> bool:
        return owner_of(note_id) == self.number


def _ignore(_: Played) -> None: ...
