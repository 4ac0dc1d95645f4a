"""A process that plays what is planned, as the player's does: the one that is judged.

It opens a daemon's pair of ports, takes the same priority, freezes its collector, and
hands every note to the port as the player would: `reach_ns` before it is due. It can be
made to litter meanwhile; and, to show what the freezing is for, not to freeze.
"""

import gc
import multiprocessing
import signal
from multiprocessing.connection import Connection
from typing import Final, NamedTuple

from ripieno.bench.pairing import Stamped
from ripieno.bench.pressure import HEAP, litter
from ripieno.clock import NS_PER_S, SystemClock
from ripieno.errors import PortError
from ripieno.ipc import realtime
from ripieno.midi.backends import open_port
from ripieno.midi.jack_port import JackPort
from ripieno.player_process import hush_libraries

CYCLES_A_NOTE: Final = 40
"""Far more than the player makes in a turn."""
COLLECT_EVERY: Final = 100
"""Notes; where the collector is not frozen it is made to run."""


class Order(NamedTuple):
    """What to play, and how.

    Attributes:
        backend, name_in, name_out: the ports.
        gaps_ns: from one note to the next.
        litters: whether to make garbage meanwhile.
        collects: whether the collector runs, as it must not in a player.
    """

    backend: str
    name_in: str
    name_out: str
    gaps_ns: tuple[int, ...]
    litters: bool = False
    collects: bool = False


class Opened(NamedTuple):
    """The ports are there. `is_realtime`: whether the system granted the priority."""

    is_realtime: bool
    reach_ns: int


class Done(NamedTuple):
    """What was handed over: each note, when it was due, and when it was handed."""

    notes: list[Stamped]
    handed_ns: list[int]


def run(order: Order, end: Connection) -> None:
    """Open, say so, wait for a word, play, tell."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    hush_libraries()
    clock = SystemClock()
    try:
        port = open_port(order.backend, order.name_in, order.name_out, clock)
    except PortError as error:
        end.send(str(error))
        return
    heap = [[index] for index in range(HEAP)] if order.collects else []
    realtime.freeze_collector()
    end.send(Opened(realtime.set_fifo(realtime.PLAYER), port.reach_ns))
    if order.collects:
        gc.unfreeze()
    end.recv()
    start_ns = clock.now_ns() + NS_PER_S // 2
    notes, handed_ns = planned(order.gaps_ns, start_ns), []
    for index, (due_ns, data, _) in enumerate(notes):
        while (now_ns := clock.now_ns()) < due_ns - port.reach_ns:
            port.wait(due_ns - port.reach_ns)
            port.receive()
        port.send(data, due_ns)
        handed_ns.append(now_ns)
        if isinstance(port, JackPort):
            notes[index] = notes[index]._replace(frame=port.frame_at(due_ns))
        if order.litters:
            litter(CYCLES_A_NOTE)
        if order.collects and index % COLLECT_EVERY == 0:
            gc.collect()
            heap.reverse()
    end.send(Done(notes, handed_ns))
    while not end.poll(0.05):
        parent = multiprocessing.parent_process()
        if parent is None or not parent.is_alive():
            break
    port.close()


def planned(gaps_ns: tuple[int, ...], start_ns: int) -> list[Stamped]:
    """Notes that differ from each other, one after each gap, as the ear needs them.

    260 096 come before one comes again.
    """
    at_ns, notes = start_ns, []
    for index, gap_ns in enumerate(gaps_ns):
        at_ns += gap_ns
        rest, pitch = divmod(index, 128)
        channel, velocity = rest // 127 % 16, 1 + rest % 127
        notes.append(Stamped(at_ns, bytes((0x90 | channel, pitch, velocity))))
    return notes
