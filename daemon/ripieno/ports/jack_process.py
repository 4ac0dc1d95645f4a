"""The process of a bridge as its owner sees it: start it, open its port, see it end.

Starting Python takes longer than opening a JACK client. So a process is started before
it is needed, and waits for one line that says which port to open
(`ripieno.ports.jack_bridge`).
"""

import contextlib
import json
import os
import select
import subprocess
import sys
from collections.abc import Sequence
from typing import Final, Literal, NamedTuple

from ripieno.clock import NS_PER_S, SystemClock
from ripieno.errors import PortError
from ripieno.ports.jack_server import UNLOCK

Pairs = Sequence[tuple[str, str]]
Direction = Literal["in", "out"]
OPEN_NS: Final = 5 * NS_PER_S
"""The bound for opening: it takes 0.2 s, on a very busy machine ten times as long."""
NEWS: Final = b"!"
"""The byte with which *in* reports that something has arrived."""


class Order(NamedTuple):
    """Which port a bridge has to open. It is sent as one line of JSON.

    Attributes:
        direction: which of the two ports.
        name: of the port, and of its client.
        pairs: connections to make if both ports exist, as (source, destination).
        patience_s: how long to retry while the name is in use: the server may notice
            late that the bridge before is dead.
    """

    direction: Direction
    name: str
    pairs: Pairs
    patience_s: float


class BridgeProcess:
    """One process. Thread: one.

    Attributes:
        report: a descriptor that becomes readable when the process reports or ends.
    """

    def __init__(self, descriptor: int) -> None:
        """Start it; it waits for `ask`.

        Args:
            descriptor: of the memory that it shares with its owner.
        """
        self._name, self._said, self._until_ns = "", b"", 0
        self._clock = SystemClock()
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "ripieno.ports.jack_bridge", str(descriptor)],
            bufsize=0,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            pass_fds=(descriptor,),
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._leash, self._output = self._process.stdin, self._process.stdout
        self.report = self._output.fileno()

    def ask(self, order: Order) -> None:
        """Have it open its port; `maybe_open` tells when that is done."""
        self._name, self._until_ns = order.name, self._clock.now_ns() + OPEN_NS
        with contextlib.suppress(BrokenPipeError):  # `maybe_open` tells why
            self._leash.write(json.dumps(order._asdict()).encode() + b"\n")

    def maybe_open(self) -> int | None:
        """Return the server's rate in Hz once the port is open, else None.

        Raises:
            PortError: it cannot be opened, or not in time.
        """
        while not self._said.endswith(b"\n"):
            if not select.select([self.report], [], [], 0)[0]:
                if self._clock.now_ns() > self._until_ns:
                    bound_s = OPEN_NS // NS_PER_S
                    raise PortError(
                        f"JACK did not open {self._name!r} within {bound_s} s: {UNLOCK}"
                    )
                return None
            read = os.read(self.report, 1)
            if not read:
                raise PortError(
                    f"the bridge to JACK for {self._name!r} ended too early (exit code "
                    f"{self._process.wait()}); `ripieno doctor` says what is missing"
                )
            self._said += read.replace(NEWS, b"")  # something arrived already
        word, _, rest = self._said.decode().strip().partition(" ")
        if word != "open":
            raise PortError(rest)
        return int(rest)

    def open(self) -> int:
        """Wait until the port is open; return the server's rate in Hz.

        Raises:
            PortError: see `maybe_open`.
        """
        while (rate_hz := self.maybe_open()) is None:
            select.select([self.report], [], [], self._left_s(self._until_ns))
        return rate_hz

    @property
    def is_there(self) -> bool:
        """Whether it runs. Cost: a system call."""
        return self._process.poll() is None

    def let_go(self) -> None:
        """Tell it to end."""
        self._leash.close()

    def end(self, until_ns: int) -> None:
        """Wait until it has ended; kill it at a deadline."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(self._left_s(until_ns))
        self.kill()

    def kill(self) -> None:
        """Kill it if it still runs, and close its pipes."""
        self._leash.close()
        self._process.kill()
        self._process.wait()
        self._output.close()

    def _left_s(self, until_ns: int) -> float:
        return max(0, until_ns - self._clock.now_ns()) / NS_PER_S
