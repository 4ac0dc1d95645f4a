"""A bridge: a process with one JACK client and one port.

``python -m ripieno.ports.jack_bridge DESCRIPTOR``. The bridge *in* writes each message
that arrives, with its frame, into the shared ring, and wakes the player by a byte. The
bridge *out* reads messages from the ring and writes each on its frame. Both happen in
JACK's callback. The callback is native code (`ripieno.ports.jack_native`) or, where
that was not built, Python (`ripieno.ports.jack_crossing`). The main thread blocks in a
`read` and the collector is off, so nothing else holds the GIL.

* Standard input: one line of JSON (`ripieno.ports.jack_process.Order`). Its end means
  that the owner has ended or closes the port. *Out* then flushes its note-offs, drops
  its note-ons, and ends every sounding note with the next period.
* Standard output: ``open RATE`` or ``refused SENTENCE``; then *in* writes "!" each time
  that something has arrived.
* Opening and closing may hang in libjack: an alarm ends the process then.
"""

import contextlib
import ctypes
import json
import os
import signal
import sys
import threading
from collections.abc import Callable
from typing import Final

from ripieno.clock import NS_PER_MS, NS_PER_S, SystemClock
from ripieno.errors import NameInUseError, PortError
from ripieno.ipc.naming import show_name
from ripieno.ipc.realtime import freeze_collector
from ripieno.ports.jack_crossing import Crossing, In, Out
from ripieno.ports.jack_memory import COUNT, GONE, Memory, Side
from ripieno.ports.jack_native import Native, maybe_native
from ripieno.ports.jack_process import Order
from ripieno.ports.jack_server import connect, load_library, open_client
from ripieno.ports.jack_time import STALL_NS

OPENING_S: Final = 8.0
CLOSING_S: Final = 0.6
PYTHON: Final = "RIPIENO_PYTHON_CALLBACK"
"""If this variable is set, the Python callback is used: for tests and comparisons."""
_ATTEMPTS: Final = 5
"""JACK may give a client that opens the dead semaphore of one that leaves. It then
never runs; opening it again helps (`ripieno.ports.rtmidi_port`)."""
_CYCLES: Final = 3
_AGAIN_NS: Final = 10 * NS_PER_MS
_LOOK_NS: Final = 2 * NS_PER_MS
_RUNS_NS: Final = 500 * NS_PER_MS
_MCL_CURRENT: Final = 1
_REPORT, _LEASH = 1, 0


class Bridge:
    """A JACK client with one port, and the crossing that carries its messages."""

    def __init__(self, order: Order, side: Side, library: ctypes.CDLL | None) -> None:
        """Open the client; it does not run yet.

        Raises:
            PortError: no server answers, or the name is in use.
        """
        name = order.name
        self.client = open_client(name)
        if any(p.name.endswith(f":{name}") for p in self.client.get_ports()):
            self.client.close()
            raise NameInUseError(
                f"a MIDI port named {name!r} is in use: stop the program that has it, "
                "or choose other port names with --in and --out"
            )
        self._side = side
        is_output = order.direction == "out"
        ports = self.client.midi_outports if is_output else self.client.midi_inports
        parts = self.client, ports.register(name), side
        self.crossing: Crossing | Native
        if library is not None:
            wake_fd = None if is_output else _REPORT
            self.crossing = Native(library, *parts, wake_fd)
        else:
            self.crossing = Out(*parts) if is_output else In(*parts, _REPORT)
        self.client.set_shutdown_callback(self._shut_down)

    def runs(self) -> bool:
        """Activate the client; return whether the server calls it."""
        last = self._side.words[COUNT] + _CYCLES
        self.client.activate()
        return _comes_true(lambda: self._side.words[COUNT] >= last, _RUNS_NS)

    def flush(self) -> None:
        """Send every waiting note-off, and end every sounding note."""
        self.crossing.leave()
        _comes_true(lambda: self.crossing.has_left, STALL_NS)
        # What was written in one cycle has left when the next one begins; this one's
        # number may not be shown yet.
        last = self._side.words[COUNT] + 2
        _comes_true(lambda: self._side.words[COUNT] >= last, STALL_NS)

    def _shut_down(self, _status: object, _reason: str) -> None:
        self._side.words[GONE] = 1
        os._exit(0)


def _comes_true(is_true: Callable[[], bool], within_ns: int) -> bool:
    """Return whether a condition comes true within a time; look every 2 ms."""
    never = threading.Event()
    for _ in range(within_ns // _LOOK_NS):
        if is_true():
            return True
        never.wait(_LOOK_NS / NS_PER_S)
    return False


def main(descriptor: str) -> None:
    """Run a bridge until its owner ends or closes the port."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)  # only standard input ends it
    show_name("spare")
    memory = Memory(int(descriptor))
    library = None if PYTHON in os.environ else maybe_native()
    load_library()
    line = sys.stdin.readline()
    if not line.endswith("\n"):  # the owner has ended
        os._exit(0)
    order = Order(**json.loads(line))
    show_name(order.direction)
    signal.setitimer(signal.ITIMER_REAL, OPENING_S)
    side = memory.due if order.direction == "out" else memory.heard
    try:
        bridge = _open(order, side, library)
    except PortError as error:
        _report(f"refused {error}")
        os._exit(1)
    connect(bridge.client, order.pairs)
    bridge.crossing.begin()  # what is written before it is connected would be lost
    signal.setitimer(signal.ITIMER_REAL, 0)
    freeze_collector()
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).mlockall(_MCL_CURRENT)
    _report(f"open {bridge.client.samplerate}")
    os.set_blocking(_REPORT, False)
    while os.read(_LEASH, 64):
        pass
    signal.setitimer(signal.ITIMER_REAL, CLOSING_S)
    bridge.flush()
    bridge.client.deactivate()
    bridge.client.close()
    os._exit(0)


def _report(line: str) -> None:
    with contextlib.suppress(OSError):  # the owner is gone: standard input tells that
        os.write(_REPORT, f"{line}\n".encode())


def _open(order: Order, side: Side, library: ctypes.CDLL | None) -> Bridge:
    """Open a bridge; retry while its name is in use."""
    clock = SystemClock()
    until_ns = clock.now_ns() + int(order.patience_s * NS_PER_S)
    while True:
        try:
            return _opened(order, side, library)
        except NameInUseError:
            if clock.now_ns() >= until_ns:
                raise
        clock.wait_until(clock.now_ns() + _AGAIN_NS)


def _opened(order: Order, side: Side, library: ctypes.CDLL | None) -> Bridge:
    for _ in range(_ATTEMPTS):
        bridge = Bridge(order, side, library)
        if bridge.runs():
            return bridge
        bridge.client.close()
    raise PortError(
        f"JACK does not run {order.name!r} after {_ATTEMPTS} attempts: stop programs "
        "of this name, or restart JACK"
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
