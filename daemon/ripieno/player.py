"""The player: moves messages between a port, an engine and a thinker.

Each turn: take what came in, take what the thinker said, advance the engine, send what
is due, tell the thinker what happened, write the journal into its ring. It never waits
for anyone: no inference, no file, no lock. Who runs it, and under which priority, is
not its business (`ripieno.player_process`, `ripieno.stage`).
"""

import zlib
from collections import deque
from typing import Final, NamedTuple, Protocol

import msgspec

from ripieno import __version__
from ripieno.clock import Clock
from ripieno.config import Settings
from ripieno.engine import Engine, Resumed, Send
from ripieno.errors import SettingsError
from ripieno.ipc import notes
from ripieno.knobs import by_number, merged
from ripieno.midi import journal
from ripieno.midi.ports import Heard, Port
from ripieno.music import messages, plan
from ripieno.music.plan import Ready
from ripieno.music.timeline import Timeline
from ripieno.play.ledger import Ledger
from ripieno.status import Status
from ripieno.think.harmony import Tables

TURN_NS: Final = 500_000
"""While the thinker may answer, where nothing wakes the player: that costs 15 % of a
core and adds 0.25 ms at the median."""
REST_NS: Final = 4_000_000
"""Else: a knob may wait for so long."""
ANSWERS_NS: Final = 2_000_000_000
"""For so long after it was told something, or said something."""
SHORTEST_TURN_NS: Final = 50_000
MOST_HEARD: Final = 256
"""Messages that one turn takes: some 40 ms of work, where each is passed on too. The
player's heart beats between two turns, and may stand still for no more than 700 ms."""


class Inbox(Protocol):
    """Where records come from; `ripieno.ipc.ring.Ring` is one."""

    def read(self) -> list[bytes]:
        """All there is."""
        ...


class Outbox(Protocol):
    """Where records go; `ripieno.ipc.ring.Ring` is one."""

    def write(self, payload: bytes) -> bool:
        """False where there is no room."""
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
        """One turn of the loop. Cost: some 20 µs when nothing happens."""
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
            message = plan.decode_to_player(record)
            self._engine.thought(now_ns, message)
            self._write(journal.Thought(now_ns, message))
        if records:
            self._answers_until_ns = now_ns + ANSWERS_NS
        self._advance(now_ns)

    def change(self, record: bytes) -> None:
        """Someone wants other settings; a record that says nothing valid is counted.

        Cost: some 50 µs, and what it takes to read a chart.
        """
        self._taken += 1
        try:
            params = merged(self._engine.params, notes.decode_knobs(record))
        except (msgspec.DecodeError, UnicodeDecodeError, SettingsError):
            self._refused += 1
            return
        now_ns = self._now_ns()
        self._engine.turned(now_ns, params)
        self._write(journal.Turned(now_ns, params))

    def shown(self) -> notes.Shown:
        """What it plays by, and how many changes came."""
        engine = self._engine
        return notes.Shown(engine.params, self._taken, self._refused, engine.timeline)

    def meet(self, ready: Ready) -> None:
        """A thinker is there that introduced itself before this player began."""
        now_ns = self._now_ns()
        self._engine.thought(now_ns, ready)
        self._write(journal.Thought(now_ns, ready))

    def cut_off(self) -> None:
        """Nobody plays to us any more: what is held is let go, as at a DAW's stop.

        What was received and not heard yet comes first.
        """
        now_ns = self._now_ns()
        if self._received:
            self._received.extend(Heard(now_ns, it) for it in messages.letting_go())
            return
        for data in messages.letting_go():
            self._engine.heard(now_ns, data)
            self._write(journal.Heard(now_ns, data))

    def release(self) -> None:
        """End everything that sounds, now."""
        now_ns = self._now_ns()
        self._engine.release(now_ns)
        self._write(journal.Released(now_ns))
        self._advance(now_ns)

    def wake_ns(self, now_ns: int) -> int:
        """When to turn again: something is due, or the thinker may have answered."""
        if self._received:
            return now_ns
        due_ns = self._engine.next_ns()
        looks = now_ns < self._answers_until_ns and not self._port.is_woken
        look_ns = now_ns + (TURN_NS if looks else REST_NS)
        if due_ns is None or due_ns >= look_ns:
            return look_ns
        return max(due_ns, now_ns + SHORTEST_TURN_NS)

    def status(self) -> Status:
        """How the performance goes."""
        status = self._engine.status()
        return msgspec.structs.replace(
            status,
            unlogged=self._unlogged,
            untold=self._untold,
            refused=self._refused,
        )

    def _now_ns(self) -> int:
        """The engine's time: it never goes back, nor past what may yet be heard.

        So a message keeps its stamp, however late in a period it reaches us.
        """
        if not self._received:
            now_ns = self._port.heard_until(self._clock.now_ns())
            self._latest_ns = max(self._latest_ns, now_ns)
        return self._latest_ns

    def _look_for_gaps(self) -> None:
        """Tell the engine if messages may have been lost."""
        gaps, self._gaps = self._gaps, self._port.gaps_heard
        if self._gaps > gaps:
            self._engine.may_have_missed(self._latest_ns)
            self._write(journal.Missed(self._latest_ns))

    def _advance(self, now_ns: int) -> None:
        effects = self._engine.advance(now_ns)
        if not effects and not self._engine.acted:
            return
        for effect in effects:
            if isinstance(effect, Send):
                self._port.send(effect.data, effect.due_ns)
        self._engine.settle()
        self._write(journal.Tick(now_ns))
        for effect in effects:
            if isinstance(effect, Send):
                self._write(journal.Sent(effect.due_ns, effect.data))
            else:
                self._answers_until_ns = now_ns + ANSWERS_NS
                reached = self._outbox.write(plan.encode(effect.message))
                self._untold += not reached
                self._write(journal.Told(effect.message, reached))

    def _write(self, entry: journal.Entry) -> None:
        if not self._log.write(journal.encode(entry)):
            self._unlogged += 1


class Start(NamedTuple):
    """What an engine begins with, besides its settings.

    Attributes:
        seed: what chance starts from.
        tables: what the harmony engine knows; plain ones if None.
        epoch: how many players came before.
        memory: what they left sounding, in shared memory.
        timeline: the time that the last of them kept; None for a new one.
    """

    seed: int
    tables: Tables | None
    epoch: int = 0
    memory: memoryview | None = None
    timeline: Timeline | None = None


def begin(
    settings: Settings, clock: Clock, start: Start, log: Outbox, port: Port
) -> Engine:
    """An engine that starts now, and its header in the journal.

    Args:
        settings: how to play, and which controllers turn what.
        clock: now.
        start: what it begins with.
        log: the journal.
        port: what it will play through.
    """
    start_ns, memory = clock.now_ns(), start.memory
    adopted = b"" if memory is None or not any(memory) else zlib.compress(bytes(memory))
    header = journal.Header(
        __version__,
        start_ns,
        start.seed,
        start.epoch,
        settings.play,
        adopted,
        settings.controls,
        start.timeline,
        port.reach_ns,
        port.answer_ns,
    )
    log.write(journal.encode(header))
    engine = Engine(
        settings.play,
        start_ns=start_ns,
        seed=start.seed,
        resumes=Resumed(start.epoch, start.timeline) if start.epoch else None,
        ledger=Ledger(memory),
        tables=start.tables,
    )
    engine.controls = by_number(settings.controls)
    engine.reach_ns, engine.answer_ns = port.reach_ns, port.answer_ns
    return engine
