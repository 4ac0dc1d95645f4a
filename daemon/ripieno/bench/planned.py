"""A process that sends planned notes as the player does; its timing is measured.

It opens a daemon's pair of ports, takes the same priority, freezes its collector, and
hands every note to the port as the player would: `reach_ns` before it is due. It can
make garbage meanwhile, and leave its collector on, to show what freezing is for.
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
from ripieno.ports.backends import open_port
from ripieno.ports.jack_port import JackPort
from ripieno.processes.player_process import hush_libraries

CYCLES_A_MESSAGE: Final = 40
"""Reference cycles made for each message: far more than the player makes in a turn."""
COLLECT_EVERY: Final = 200
"""The number of messages between two collections, where the collector is on."""


class Held(NamedTuple):
    """The beginning and the end of a note, in ns from the start."""

    on_ns: int
    off_ns: int


class Order(NamedTuple):
    """What to play, and how.

    Attributes:
        backend, name_in, name_out: the ports.
        notes: rising by their beginnings.
        litters: whether to make garbage meanwhile.
        collects: whether the collector stays on.
    """

    backend: str
    name_in: str
    name_out: str
    notes: tuple[Held, ...]
    litters: bool = False
    collects: bool = False


class Opened(NamedTuple):
    """The ports are open. `is_realtime`: whether the system granted the priority."""

    is_realtime: bool
    reach_ns: int


class Done(NamedTuple):
    """The messages, their due times, and the times at which they were handed over."""

    messages: list[Stamped]
    handed_ns: list[int]


def run(order: Order, end: Connection) -> None:
    """Open the ports, report it, wait for "go", play, report the times."""
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
    messages, handed_ns = planned(order.notes, start_ns), []
    for index, (due_ns, data, _) in enumerate(messages):
        while (now_ns := clock.now_ns()) < due_ns - port.reach_ns:
            port.wait(due_ns - port.reach_ns)
            port.receive()
        port.send(data, due_ns)
        handed_ns.append(now_ns)
        if isinstance(port, JackPort):
            frame = port.frame_at(due_ns)
            messages[index] = messages[index]._replace(frame=frame)
        if order.litters:
            litter(CYCLES_A_MESSAGE)
        if order.collects and index % COLLECT_EVERY == 0:
            gc.collect()
            heap.reverse()
    end.send(Done(messages, handed_ns))
    while not end.poll(0.05):
        parent = multiprocessing.parent_process()
        if parent is None or not parent.is_alive():
            break
    port.close()


def planned(notes: tuple[Held, ...], start_ns: int) -> list[Stamped]:
    """Return the note-ons and note-offs of some notes, rising in time.

    All messages differ, so that a lost one is identified by its bytes: the release
    velocity of a note-off is the velocity of its note-on. They repeat after 260 096
    notes. A note must end before the 128th note after it, which has the same pitch.
    """
    messages = []
    for index, note in enumerate(notes):
        rest, pitch = divmod(index, 128)
        channel, velocity = rest // 127 % 16, 1 + rest % 127
        on, off = 0x90 | channel, 0x80 | channel
        messages.append(Stamped(note.on_ns + start_ns, bytes((on, pitch, velocity))))
        messages.append(Stamped(note.off_ns + start_ns, bytes((off, pitch, velocity))))
    return sorted(messages, key=lambda message: message.at_ns)
