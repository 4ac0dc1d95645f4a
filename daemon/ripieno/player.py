"""The player: one loop that polls ports and rings, and never waits for anyone.

Each turn: take what came in, take what the thinker said, advance the engine, send what
is due, tell the thinker what happened, write the journal into its ring. No inference,
no file, no lock, no garbage collection; the loop runs under SCHED_FIFO where that is
allowed. When it ends, for whatever reason, everything sounding is released first.
"""

import contextlib
import gc
import multiprocessing
import os
import signal
import sys
import zlib
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final, Protocol, cast

import msgspec

from ripieno import __version__
from ripieno.clock import NS_PER_MS, Clock, SystemClock
from ripieno.config import Settings
from ripieno.engine import Engine, Send
from ripieno.errors import PortError
from ripieno.ipc import notes
from ripieno.ipc.block import LEDGER_BYTES, Block
from ripieno.midi import journal
from ripieno.midi.ports import Port
from ripieno.midi.rtmidi_port import RtMidiPort
from ripieno.music import messages, plan
from ripieno.music.plan import Ready
from ripieno.params import Params
from ripieno.play import ledger as ledgers
from ripieno.play.ledger import Ledger
from ripieno.status import Status

if TYPE_CHECKING:
    from ripieno.midi.rtmidi_port import Backend

TURN_NS: Final = 500_000
"""Polling every 0.5 ms costs some 5 % of a core and adds 0.25 ms at the median."""
SHORTEST_TURN_NS: Final = 50_000
STATUS_NS: Final = 250 * NS_PER_MS
CHECK_NS: Final = 20 * NS_PER_MS
FLUSH_NS: Final = 60 * NS_PER_MS
"""What was handed to the server leaves with its next periods: two of 1024 at 48 kHz."""
NAME_FREE_NS: Final = 3_000 * NS_PER_MS
"""A server may take a moment to see that the player before this one is dead."""
FIFO_PRIORITY: Final = 60
"""Below the audio server's (jackd takes 70 here), above everything else."""


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
        self._unlogged = 0

    def turn(self) -> None:
        """One turn of the loop. Cost: some 20 µs when nothing happens."""
        now_ns = self._clock.now_ns()
        for data in self._port.receive():
            self._engine.heard(now_ns, data)
            self._write(journal.Heard(now_ns, data))
        for record in self._inbox.read():
            message = plan.decode_to_player(record)
            self._engine.thought(now_ns, message)
            self._write(journal.Thought(now_ns, message))
        self._advance(now_ns)

    def meet(self, ready: Ready) -> None:
        """A thinker is there that introduced itself before this player began."""
        now_ns = self._clock.now_ns()
        self._engine.thought(now_ns, ready)
        self._write(journal.Thought(now_ns, ready))

    def release(self) -> None:
        """End everything that sounds, now."""
        now_ns = self._clock.now_ns()
        self._engine.release(now_ns)
        self._write(journal.Released(now_ns))
        self._advance(now_ns)

    def wake_ns(self, now_ns: int) -> int:
        """When to turn again: at the next thing that is due, or to look at the ports."""
        due_ns = self._engine.next_ns()
        look_ns = now_ns + TURN_NS
        if due_ns is None or due_ns >= look_ns:
            return look_ns
        return max(due_ns, now_ns + SHORTEST_TURN_NS)

    def status(self) -> Status:
        """How the performance goes."""
        status = self._engine.status()
        return msgspec.structs.replace(status, unlogged=self._unlogged)

    def _advance(self, now_ns: int) -> None:
        effects = self._engine.advance(now_ns)
        if not effects:
            return
        for effect in effects:
            if isinstance(effect, Send):
                self._port.send(effect.data)
        self._engine.settle()
        self._write(journal.Tick(now_ns))
        for effect in effects:
            if isinstance(effect, Send):
                self._write(journal.Sent(effect.due_ns, effect.data))
            else:
                self._outbox.write(plan.encode(effect.message))
                self._write(journal.Told(effect.message))

    def _write(self, entry: journal.Entry) -> None:
        if not self._log.write(journal.encode(entry)):
            self._unlogged += 1


def begin(
    params: Params,
    clock: Clock,
    *,
    seed: int,
    epoch: int,
    log: Outbox,
    memory: memoryview | None = None,
) -> Engine:
    """An engine that starts now, and its header in the journal."""
    start_ns = clock.now_ns()
    adopted = b"" if memory is None or not any(memory) else zlib.compress(bytes(memory))
    log.write(
        journal.encode(
            journal.Header(__version__, start_ns, seed, epoch, params, adopted)
        )
    )
    return Engine(
        params, start_ns=start_ns, seed=seed, epoch=epoch, ledger=Ledger(memory)
    )


def run(
    block_name: str,
    settings: Settings,
    seed: int,
    epoch: int,
    connections: Sequence[tuple[str, str]],
    ready: Ready | None,
) -> None:
    """The player process: from attaching to releasing.

    Args:
        block_name: the shared block.
        settings: which ports (the backend already chosen), how to play.
        seed: what chance starts from.
        epoch: how many players came before this one.
        connections: what the ports were connected to, to be restored.
        ready: the thinker that is there, if there is one.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    stopping = _StopFlag()
    signal.signal(signal.SIGTERM, stopping.raise_it)
    clock, block = SystemClock(), Block(block_name)
    log, told = block.ring("journal"), block.ring("player_notes")
    _hush_libraries()
    try:
        port = _open(settings, clock)
    except PortError as error:
        told.write(notes.encode(notes.Failure(str(error), error.exit_code)))
        block.close()
        sys.exit(notes.FAILED)
    if port.sentinel is not None:
        port.sentinel.connect(connections)
    assert ledgers.SIZE <= LEDGER_BYTES
    memory = block.ledger[: ledgers.SIZE]
    engine = begin(settings.play, clock, seed=seed, epoch=epoch, log=log, memory=memory)
    player = Player(
        port, engine, clock,
        inbox=block.ring("to_player"), outbox=block.ring("to_thinker"), log=log,
    )  # fmt: skip
    opened = notes.Opened(port.name_in, port.name_out, _go_realtime())
    told.write(notes.encode(opened))
    if ready is not None:
        player.meet(ready)
    player.release()  # what a player before this one left sounding
    if epoch:
        _silence(port)
    _loop(player, port, block, clock, stopping)
    if not port.alive():
        # The ledger stays as it is, for the next player. A dead server's client
        # library may hang in its exit.
        os._exit(notes.SERVER_GONE)
    player.release()
    clock.wait_until(clock.now_ns() + FLUSH_NS)
    port.close()
    memory.release()
    block.close()


def _silence(port: Port) -> None:
    """The player before this one may have sent offs into the void: silence all."""
    for channel in range(16):
        port.send(messages.control(channel, messages.SUSTAIN, 0))
        port.send(messages.control(channel, messages.ALL_NOTES_OFF, 0))


def _hush_libraries() -> None:
    """Keep libjack's own lines from the terminal; Python's errors still get there."""
    sys.stderr = os.fdopen(os.dup(2), "w", buffering=1)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    os.close(nowhere)


class _StopFlag:
    """Set by SIGTERM."""

    def __init__(self) -> None:
        self.is_up = False

    def raise_it(self, *_: object) -> None:
        self.is_up = True


def _loop(
    player: Player, port: Port, block: Block, clock: Clock, stopping: _StopFlag
) -> None:
    parent = multiprocessing.parent_process()
    told = block.ring("player_notes")
    status_ns = check_ns = clock.now_ns()
    while True:
        player.turn()
        now_ns = clock.now_ns()
        if now_ns >= check_ns:
            check_ns = now_ns + CHECK_NS
            block.set_word("player_beat_ns", now_ns)
            orphaned = parent is not None and not parent.is_alive()
            if stopping.is_up or block.word("stop") or orphaned or not port.alive():
                return
        if now_ns >= status_ns:
            status_ns = now_ns + STATUS_NS
            told.write(notes.encode(notes.Report(player.status())))
        clock.wait_until(player.wake_ns(now_ns))


def _open(settings: Settings, clock: Clock) -> RtMidiPort:
    """Open the ports; wait a moment for a dead player's names to become free."""
    until_ns = clock.now_ns() + NAME_FREE_NS
    while True:
        try:
            return RtMidiPort(
                cast("Backend", settings.backend), settings.name_in, settings.name_out
            )
        except PortError:
            if clock.now_ns() >= until_ns:
                raise
        clock.wait_until(clock.now_ns() + 20 * NS_PER_MS)


def _go_realtime() -> bool:
    """Freeze the collector, ask for SCHED_FIFO; whether that was granted."""
    gc.collect()
    gc.freeze()
    gc.disable()
    set_scheduler: Callable[..., None] | None = getattr(os, "sched_setscheduler", None)
    if set_scheduler is None:
        return False
    with contextlib.suppress(OSError):
        set_scheduler(0, os.SCHED_FIFO, os.sched_param(FIFO_PRIORITY))
        return True
    return False
