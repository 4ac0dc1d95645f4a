"""The player: moves messages between a port, an engine and a thinker.

Each turn it reads what came in and what the thinker said, advances the engine, sends
what is due, tells the thinker what happened, and writes the journal into its ring. It
never waits for inference, a file or a lock. It does not know its process and priority
(`ripieno.processes.player_process`, `ripieno.commands.demo_stage`).
"""

import zlib
from collections import deque
from typing import Final, NamedTuple, Protocol

import msgspec

from ripieno import __version__, protocol
from ripieno.clock import Clock
from ripieno.engine import Effect, Engine, Send
from ripieno.errors import SettingsError
from ripieno.files import journal
from ripieno.ipc import notes
from ripieno.music import messages
from ripieno.music.timeline import Timeline
from ripieno.play.ledger import Ledger
from ripieno.ports.ports import Heard, Port
from ripieno.protocol import Letter, Ready
from ripieno.rules.harmony import Tables
from ripieno.settings.beginning import Beginning
from ripieno.settings.config import Settings
from ripieno.settings.ensemble import changed
from ripieno.settings.status import Status

TURN_NS: Final = 500_000
"""The time between turns while the thinker may answer and nothing wakes the player. It
costs 15 % of a core and adds 0.25 ms at the median."""
REST_NS: Final = 4_000_000
"""The time between turns otherwise; a change of a parameter may wait for so long."""
ANSWERS_NS: Final = 2_000_000_000
"""How long the thinker may answer after the last message to or from it."""
SHORTEST_TURN_NS: Final = 50_000
MOST_HEARD: Final = 256
"""The most messages read in one turn: some 40 ms of work where each is passed thru. The
player's heartbeat comes between turns, and must come within 700 ms."""


class Inbox(Protocol):
    """Where records are read from, such as a `ripieno.ipc.ring.Ring`."""

    def read(self) -> list[bytes]:
        """Return and remove all records."""
        ...


class Outbox(Protocol):
    """Where records are written to, such as a `ripieno.ipc.ring.Ring`."""

    def write(self, payload: bytes) -> bool:
        """Append a record; return False where there is no room."""
        ...


class Player:
    """Moves messages between a port, an engine and a thinker. Thread: one."""

    def __init__(
        self,
        port: Port,
        engine: Engine,
        clock: Clock,
        *,
        inbox: Inbox,
        outbox: Outbox,
        log: Outbox,
    ) -> None:
        self._port, self._engine, self._clock = port, engine, clock
        self._inbox, self._outbox, self._log = inbox, outbox, log
        self._unlogged = self._untold = self._taken = self._refused = 0
        self._latest_ns = clock.now_ns()
        self._gaps = port.gaps_heard
        self._received: deque[Heard] = deque()  # not heard yet
        self._answers_until_ns = 0

    def turn(self) -> None:
        """Do one turn of the loop. Cost: some 20 µs when nothing happens."""
        now_ns = self._latest_ns
        if not self._received:
            now_ns = self._port.heard_until(self._clock.now_ns())
            self._received.extend(self._port.receive())
            self._look_for_gaps()
        for _ in range(min(MOST_HEARD, len(self._received))):
            heard_ns, data = self._received.popleft()
            at_ns = self._latest_ns = max(heard_ns, self._latest_ns)
            self._engine.heard(at_ns, data)
            self._write(journal.Heard(at_ns, data))
        if not self._received:  # else the engine's time is that of the last one heard
            self._latest_ns = max(now_ns, self._latest_ns)
        now_ns = self._latest_ns
        records = self._inbox.read()
        for record in records:
            reply = protocol.decode_reply(record)
            self._engine.thought(now_ns, reply.message, reply.seat)
            self._write(journal.Thought(now_ns, reply.message, reply.seat))
        if records:
            self._answers_until_ns = now_ns + ANSWERS_NS
        self._advance(now_ns)

    def change(self, record: bytes) -> None:
        """Change parameters by a record of `ripieno set`; an invalid one is counted.

        Cost: some 50 µs, plus the time to parse a chart.
        """
        self._taken += 1
        try:
            ensemble = changed(self._engine.ensemble, notes.decode_change(record))
        except (msgspec.DecodeError, UnicodeDecodeError, SettingsError):
            self._refused += 1
            return
        now_ns = self._now_ns()
        self._engine.turned(now_ns, ensemble)
        self._write(journal.Turned(now_ns, ensemble))

    def shown(self) -> notes.Shown:
        """Return the parameters, timeline, metre heard and the number of changes."""
        engine = self._engine
        return notes.Shown(
            engine.ensemble,
            self._taken,
            self._refused,
            engine.timeline,
            engine.heard_meter,
        )

    def meet(self, ready: Ready) -> None:
        """Handle the `Ready` of a thinker that was there before this player."""
        now_ns = self._now_ns()
        self._engine.thought(now_ns, ready)
        self._write(journal.Thought(now_ns, ready))

    def cut_off(self) -> None:
        """Release held keys as at a DAW's stop: nothing is connected to our input.

        Messages that were received and wait to be heard come first.
        """
        now_ns = self._now_ns()
        if self._received:
            self._received.extend(Heard(now_ns, it) for it in messages.letting_go())
            return
        for data in messages.letting_go():
            self._engine.heard(now_ns, data)
            self._write(journal.Heard(now_ns, data))

    def connected(self) -> None:
        """Send all programs and volumes again: our output has a new connection."""
        now_ns = self._now_ns()
        self._engine.connected(now_ns)
        self._write(journal.Connected(now_ns))

    def release(self) -> None:
        """End every sounding note now."""
        now_ns = self._now_ns()
        effects = self._engine.release(now_ns)
        self._hand_over(effects, journal.Released(now_ns))

    def wake_ns(self, now_ns: int) -> int:
        """Return when the next turn is needed."""
        if self._received:
            return now_ns
        due_ns = self._engine.next_ns()
        looks = now_ns < self._answers_until_ns and not self._port.is_woken
        look_ns = now_ns + (TURN_NS if looks else REST_NS)
        if due_ns is None or due_ns >= look_ns:
            return look_ns
        return max(due_ns, now_ns + SHORTEST_TURN_NS)

    def status(self) -> Status:
        """Return the status of the performance."""
        status = self._engine.status()
        return msgspec.structs.replace(
            status,
            unlogged=self._unlogged,
            untold=self._untold,
            refused=self._refused,
        )

    def _now_ns(self) -> int:
        """Return the engine's time: it never decreases, nor passes a possible stamp.

        So a message keeps its stamp, however late in a period it is read.
        """
        if not self._received:
            now_ns = self._port.heard_until(self._clock.now_ns())
            self._latest_ns = max(self._latest_ns, now_ns)
        return self._latest_ns

    def _look_for_gaps(self) -> None:
        """Tell the engine where messages may have been lost."""
        gaps, self._gaps = self._gaps, self._port.gaps_heard
        if self._gaps > gaps:
            self._engine.may_have_missed(self._latest_ns)
            self._write(journal.Missed(self._latest_ns))

    def _advance(self, now_ns: int) -> None:
        effects = self._engine.advance(now_ns)
        if not effects and not self._engine.acted:
            return
        self._hand_over(effects, journal.Tick(now_ns))

    def _hand_over(
        self, effects: list[Effect], entry: journal.Tick | journal.Released
    ) -> None:
        """Send and tell what came out of the engine, and write it down."""
        for effect in effects:
            if isinstance(effect, Send):
                self._port.send(effect.data, effect.due_ns)
        self._engine.settle()
        self._write(entry)
        for effect in effects:
            if isinstance(effect, Send):
                self._write(journal.Sent(effect.due_ns, effect.data, effect.seat))
            else:
                self._answers_until_ns = entry.at_ns + ANSWERS_NS
                letter = Letter(effect.seat, effect.message)
                reached = self._outbox.write(protocol.encode(letter))
                self._untold += not reached
                self._write(journal.Told(effect.message, effect.seat, reached))

    def _write(self, entry: journal.Entry) -> None:
        if not self._log.write(journal.encode(entry)):
            self._unlogged += 1


class Start(NamedTuple):
    """What an engine starts with, besides the settings.

    Attributes:
        seed: the random seed.
        tables: of the harmony engine; built-in ones if None.
        epoch: how many players came before.
        memory: the ledger of their sounding notes, in shared memory.
        timeline: of the last of them; None for a new one.
        meter: that the last of them heard; empty for none.
    """

    seed: int
    tables: Tables | None
    epoch: int = 0
    memory: memoryview | None = None
    timeline: Timeline | None = None
    meter: str = ""


def begin(
    settings: Settings, clock: Clock, start: Start, log: Outbox, port: Port
) -> Engine:
    """Make an engine that starts now, and write its header into the journal.

    Args:
        settings: the parameters and their controllers.
        clock: gives the present time.
        start: what the engine starts with.
        log: the journal.
        port: the port that it will play through.
    """
    start_ns, memory = clock.now_ns(), start.memory
    adopted = b"" if memory is None or not any(memory) else zlib.compress(bytes(memory))
    begins = Beginning(
        settings.play,
        settings.seats,
        start_ns=start_ns,
        seed=start.seed,
        epoch=start.epoch,
        timeline=start.timeline if start.epoch else None,
        meter=start.meter,
        controls=settings.controls,
        programs=settings.programs,
        reach_ns=port.reach_ns,
        answer_ns=port.answer_ns,
        sets_up=True,
    )
    log.write(journal.encode(journal.header(begins, __version__, adopted)))
    return Engine(begins, ledger=Ledger(memory), tables=start.tables)
