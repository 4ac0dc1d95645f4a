"""The player's process: waits for orders, opens ports, takes over the ledger, plays.

A player process loads everything and then waits. So the supervisor can keep one ready,
and a player that died is replaced without loading anything.

The collector is frozen and off, and the loop runs under SCHED_FIFO where that is
allowed. When it ends, for whatever reason but a dead server, everything sounding is
released first; what a dead server keeps from being released stays in the shared ledger
for the next player.
"""

import functools
import multiprocessing
import os
import signal
import sys
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Final, NamedTuple

from ripieno.clock import NS_PER_MS, NS_PER_S, Clock, SystemClock
from ripieno.errors import PortError
from ripieno.files.recorder import Recorder
from ripieno.inference.tables import maybe_tables
from ripieno.ipc import notes, realtime
from ripieno.ipc.block import LEDGER_BYTES, Block
from ripieno.ipc.naming import show_name
from ripieno.ipc.waking import Bell, Bells, RungRing
from ripieno.music import messages
from ripieno.play import ledger as ledgers
from ripieno.ports.backends import maybe_bridges, open_port
from ripieno.ports.jack_bridges import Bridges
from ripieno.ports.ports import Port
from ripieno.processes.player import Player, Start, begin
from ripieno.protocol import Ready
from ripieno.rules.harmony import Tables
from ripieno.settings.config import Settings

STATUS_NS: Final = 250 * NS_PER_MS
CHECK_NS: Final = 20 * NS_PER_MS
NAME_FREE_S: Final = 3.0
"""How long to retry: the server may notice late that the old player is dead."""


class Orders(NamedTuple):
    """What a standby player process is sent when it is to play.

    Attributes:
        settings: the ports (the backend already chosen) and how to play.
        seed: the random seed.
        epoch: how many players came before this one.
        ready: the messages with which the thinker introduced its models.
    """

    settings: Settings
    seed: int
    epoch: int
    ready: tuple[Ready, ...]


def stand_by(block_name: str, backend: str, orders: Connection, bells: Bells) -> None:
    """Run the player process: load, wait for the orders, play.

    Args:
        block_name: the shared block.
        backend: whose ports it will open.
        orders: sends one `Orders`; when it closes without one, the process ends.
        bells: between player and thinker.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    show_name("standby")
    hush_libraries()
    block, bridges = Block(block_name), maybe_bridges(backend, NAME_FREE_S)
    tables = maybe_tables()
    try:
        order = orders.recv()
    except EOFError:
        os._exit(0)  # the bridges that wait end when this process does
    orders.close()
    show_name("player")
    _run(order, block, bridges, tables, bells)


def _run(
    order: Orders,
    block: Block,
    bridges: Bridges | None,
    tables: Tables | None,
    bells: Bells,
) -> None:
    """Play: from opening the ports to releasing everything."""
    settings, seed, epoch, ready = order
    stopping = _StopFlag()
    signal.signal(signal.SIGTERM, stopping.raise_it)
    clock = SystemClock()
    log, told = _recorder(block), block.ring("player_notes")
    try:
        port = _open(settings, clock, block, bridges)
    except PortError as error:
        told.write(notes.encode(notes.Failure(str(error), error.exit_code)))
        block.close()
        sys.exit(notes.FAILED)
    assert ledgers.SIZE <= LEDGER_BYTES
    memory = block.ledger[: ledgers.SIZE]
    last = notes.shown_in(block.shown) if epoch else None
    start = Start(seed, tables, epoch, memory)
    if last is not None:
        start = start._replace(timeline=last.timeline, meter=last.meter)
    engine = begin(settings, clock, start, log, port)
    port.wake_by(Bell(bells.to_player.waits).fileno())
    player = Player(
        port,
        engine,
        clock,
        inbox=block.ring("to_player"),
        outbox=RungRing(block.ring("to_thinker"), Bell(bells.to_thinker.rings)),
        log=log,
    )
    realtime.freeze_collector()
    is_fifo = realtime.set_fifo(realtime.PLAYER)
    for each in ready:
        player.meet(each)
    player.release()  # what a player before this one left sounding
    if epoch:
        _silence(port, clock.now_ns())
    player.turn()  # programs and volumes leave before anyone is told of the ports
    told.write(notes.encode(notes.Opened(port.name_in, port.name_out, is_fifo)))
    try:
        _loop(player, port, block, clock, stopping)
    finally:  # a bug of ours must not leave a note either
        if not port.alive():
            # The ledger stays as it is, for the next player. A dead server's client
            # library may hang in its exit.
            os._exit(notes.SERVER_GONE)
        player.release()
        port.close()
        _until(clock, NS_PER_S // 10, log.tell_of_loss)
    memory.release()
    block.close()


def _recorder(block: Block) -> Recorder:
    """The journal's end; what a player before this one lost is told of first."""
    keep = functools.partial(block.set_word, "unlogged")
    return Recorder(block.ring("journal"), block.word("unlogged"), keep)


def _until(clock: Clock, most_ns: int, is_done: Callable[[], bool]) -> None:
    """Wait until something is done, at most so long; only when nothing plays."""
    until_ns = clock.now_ns() + most_ns
    while not is_done() and clock.now_ns() < until_ns:
        clock.wait_until(clock.now_ns() + 5 * NS_PER_MS)


def _silence(port: Port, now_ns: int) -> None:
    """Silence all channels: note-offs of the player before this one may be lost."""
    for message in messages.letting_go():
        port.send(message, now_ns)


def hush_libraries() -> None:
    """Hide libjack's messages; Python's errors still reach the terminal."""
    sys.stderr = os.fdopen(os.dup(2), "w", buffering=1)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    os.close(nowhere)


class _StopFlag:
    """A flag that SIGTERM sets."""

    def __init__(self) -> None:
        self.is_up = False

    def raise_it(self, *_: object) -> None:
        self.is_up = True


def _loop(
    player: Player,
    port: Port,
    block: Block,
    clock: Clock,
    stopping: _StopFlag,
) -> None:
    parent = multiprocessing.parent_process()
    told, changes = block.ring("player_notes"), block.ring("knobs")
    status_ns = check_ns = set_up_ns = clock.now_ns()
    shown, is_fed = None, False
    while True:
        for record in changes.read():
            player.change(record)
        player.turn()
        if (now_shown := player.shown()) != shown:
            shown = now_shown
            block.shown.write(notes.encode_shown(shown))
        now_ns = clock.now_ns()
        if now_ns >= check_ns:
            check_ns = now_ns + CHECK_NS
            block.set_word("player_beat_ns", now_ns)
            orphaned = parent is not None and not parent.is_alive()
            if stopping.is_up or block.word("stop") or orphaned or not port.alive():
                return
            if (connected_ns := block.word("connected_ns")) > set_up_ns:
                set_up_ns = connected_ns
                player.connected()
        if now_ns >= status_ns:
            status_ns = now_ns + STATUS_NS
            port.check()
            was_fed, is_fed = is_fed, _is_fed(block, port)
            if was_fed and not is_fed:
                player.cut_off()
            status = player.status()
            told.write(notes.encode(notes.Report(status)))
            block.status.write(notes.encode_status(status))
        port.wait(player.wake_ns(now_ns))


def _is_fed(block: Block, port: Port) -> bool:
    """Return whether our input is connected, as the patchbay saw last."""
    pairs = notes.pairs_in(block.pairs)
    return any(target == port.name_in for _, target in pairs)


def _open(
    settings: Settings, clock: Clock, block: Block, bridges: Bridges | None
) -> Port:
    """Open the ports; wait a moment until a dead player's names are free."""
    until_ns = clock.now_ns() + int(NAME_FREE_S * NS_PER_S)
    while True:
        try:
            return open_port(
                settings.backend,
                settings.name_in,
                settings.name_out,
                clock,
                lambda: notes.pairs_in(block.pairs),
                bridges,
            )
        except PortError:
            bridges = None
            if clock.now_ns() >= until_ns:
                raise
        clock.wait_until(clock.now_ns() + 20 * NS_PER_MS)
