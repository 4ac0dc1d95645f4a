"""A process that sends planned notes as the player does; its timing is measured.

It opens a daemon's pair of ports, takes the same priority, freezes its collector, and
hands every note to the port as the player would: `reach_ns` before it is due.
"""

import contextlib
import signal
from multiprocessing.connection import Connection
from typing import Final, NamedTuple, TypeAlias

from ripieno.bench.daemon import NAME_IN, NAME_OUT
from ripieno.bench.pairing import Stamped
from ripieno.bench.pressure import litter
from ripieno.clock import NS_PER_S, SystemClock
from ripieno.errors import PortError
from ripieno.ipc import realtime
from ripieno.ports.backends import open_port
from ripieno.ports.jack_port import JackPort
from ripieno.processes.player_process import hush_libraries

CYCLES_A_MESSAGE: Final = 40
"""Reference cycles made for each message: far more than the player makes in a turn."""


Held: TypeAlias = tuple[int, int]
"""The beginning and the end of a note, in ns from the start."""


class Done(NamedTuple):
    """What was sent.

    Attributes:
        messages: with the times at which they were due.
        handed_ns: the times at which they were handed to the port.
        is_realtime: whether the system granted the priority.
    """

    messages: list[Stamped]
    handed_ns: list[int]
    is_realtime: bool = True


def run(
    backend: str, notes: tuple[Held, ...], end: Connection, *, litters: bool
) -> None:
    """Open the ports, send "" or why it failed, wait for any answer, play, send `Done`.

    The ports are closed after one more message, or when the parent has ended.

    Args:
        backend: of the ports.
        notes: rising by their beginnings.
        end: of the pipe to the parent.
        litters: whether to make garbage meanwhile.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    hush_libraries()
    clock = SystemClock()
    try:
        port = open_port(backend, NAME_IN, NAME_OUT, clock)
    except PortError as error:
        end.send(str(error))
        return
    realtime.freeze_collector()
    is_realtime = realtime.set_fifo(realtime.PLAYER)
    end.send("")
    end.recv()
    start_ns = clock.now_ns() + NS_PER_S // 2
    messages, handed_ns = planned(notes, start_ns), []
    for index, (due_ns, data, _) in enumerate(messages):
        while (now_ns := clock.now_ns()) < due_ns - port.reach_ns:
            port.wait(due_ns - port.reach_ns)
            port.receive()
        port.send(data, due_ns)
        handed_ns.append(now_ns)
        if isinstance(port, JackPort):
            frame = port.frame_at(due_ns)
            messages[index] = messages[index]._replace(frame=frame)
        if litters:
            litter(CYCLES_A_MESSAGE)
    end.send(Done(messages, handed_ns, is_realtime))
    with contextlib.suppress(EOFError):
        end.recv()
    port.close()


def planned(notes: tuple[Held, ...], start_ns: int) -> list[Stamped]:
    """Return the note-ons and note-offs of some notes, rising in time.

    All messages differ, so that a lost one is identified by its bytes: the release
    velocity of a note-off is the velocity of its note-on. They repeat after 260 096
    notes. A note must end before the 128th note after it, which has the same pitch.
    """
    messages = []
    for index, (on_ns, off_ns) in enumerate(notes):
        rest, pitch = divmod(index, 128)
        channel, velocity = rest // 127 % 16, 1 + rest % 127
        on, off = 0x90 | channel, 0x80 | channel
        messages.append(Stamped(on_ns + start_ns, bytes((on, pitch, velocity))))
        messages.append(Stamped(off_ns + start_ns, bytes((off, pitch, velocity))))
    return sorted(messages, key=lambda message: message.at_ns)
