"""What the tests of `JackPort` share: programs that play through it, and its ends.

The tests compare the frame that was asked for with the frame that a C client saw; no
other clock is involved.
"""

import subprocess
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from tests import jack_fixture
from tests.jack_fixture import JackServer, attempts

from ripieno.clock import NS_PER_MS, SystemClock
from ripieno.ports.jack_port import JackPort
from ripieno.ports.jack_server import Sentinel
from ripieno.ports.ports import Heard

IN, OUT = "Ripieno In:Ripieno In", "Ripieno Out:Ripieno Out"

BEGIN = """
import contextlib, os, sys
from ripieno.clock import SystemClock
from ripieno.ports.jack_memory import GAPS, LATE
from ripieno.ports.jack_port import JackPort
clock = SystemClock()
port = JackPort()
with contextlib.suppress(OSError, AttributeError):
    os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(60))
print("open", flush=True)
def wait(until_ns):
    port.wait(until_ns)
    port.heard_until(until_ns)
"""
ECHO = """
delay_ns = int(sys.argv[1]) if sys.argv[1:] else 0
while port.alive():
    for at_ns, message in port.receive():
        port.send(message, at_ns + delay_ns)
    wait(clock.now_ns() + 4_000_000)
    port.check()
"""


def child(
    server: JackServer, code: str, *arguments: str
) -> AbstractContextManager[subprocess.Popen[str]]:
    return jack_fixture.child(server, BEGIN + code, *arguments, ports=(IN, OUT))


def received(port: JackPort, n: int) -> list[Heard]:
    """What arrives, until so many messages have."""
    clock, heard = SystemClock(), list[Heard]()
    for _ in attempts(0.001):
        heard += port.receive()
        if len(heard) >= n:
            break
        port.wait(clock.now_ns() + 2 * NS_PER_MS)
    return heard


@contextmanager
def capturing(server: JackServer, csv: Path) -> Iterator[None]:
    """Write down all that leaves the output."""
    capture = server.capture(OUT, csv)
    try:
        yield
    finally:
        capture.terminate()
        capture.wait()


def captured(csv: Path) -> list[tuple[int, bytes]]:
    """(frame, message) each."""
    rows = [row.split(",") for row in csv.read_text().splitlines()[2:]]
    return [(int(frame), bytes.fromhex(data)) for _, frame, data in rows]


def connect_to_itself() -> None:
    sentinel = Sentinel("Ripieno test watch")
    assert sentinel.connect([(OUT, IN)]) == 1
    sentinel.close()
