"""The two bridges of a port, and a spare process that replaces one that dies.

A spare process needs some 0.05 s to open a client of the same name and to be connected
as the old one was; on a busy machine four times as long. Clients are opened one after
the other, because clients that open at once may lock up a jackd2.
"""

import os
from collections import deque
from collections.abc import Callable, Mapping
from typing import Final, Literal

from ripieno.clock import NS_PER_S, SystemClock
from ripieno.errors import PortError
from ripieno.ports import jack_memory
from ripieno.ports.jack_process import BridgeProcess, Direction, Order, Pairs

PATIENCE_S: Final = 3.0
"""How long to retry: the server may notice late that the old bridge is dead."""
MOST_DEATHS: Final = 5
PER_NS: Final = 20 * NS_PER_S
"""After more than five deaths in twenty seconds a further try would not help."""
Change = Literal["died", "opened"]


class Bridges:
    """Both bridges, the spare process, and their shared memory. Thread: one.

    Attributes:
        descriptor: of the memory; `close` closes it.
        processes: those that are the bridges, or that become them.
        opening: the bridges that are being replaced, in the order of their deaths.
        is_lost: whether a bridge could not be replaced.
    """

    def __init__(self, patience_s: float = 0.0) -> None:
        """Start the processes, which is most of the cost of opening a port.

        Args:
            patience_s: how long `open` retries while a name is in use.
        """
        self._patience_s, self._clock = patience_s, SystemClock()
        self.descriptor = jack_memory.make()
        self.processes: dict[Direction, BridgeProcess] = {
            "in": BridgeProcess(self.descriptor),
            "out": BridgeProcess(self.descriptor),
        }
        self._spare: BridgeProcess | None = BridgeProcess(self.descriptor)
        self.opening: list[Direction] = []
        self.is_lost = False
        self._deaths_ns: deque[int] = deque(maxlen=MOST_DEATHS + 1)

    def open(self, names: Mapping[Direction, str], pairs: Callable[[], Pairs]) -> int:
        """Open both bridges; return the server's rate in Hz.

        Args:
            names: of the ports.
            pairs: returns the connections to make, as (source, destination).

        Raises:
            PortError: see `BridgeProcess.maybe_open`.
        """
        self._names, self._pairs = names, pairs
        rate_hz = 0
        for direction, bridge in self.processes.items():
            self._ask(direction, self._patience_s)
            rate_hz = bridge.open()
        return rate_hz

    def reports(self) -> dict[int, Direction]:
        """Return the descriptors that become readable when a bridge reports or ends."""
        return {
            bridge.report: direction
            for direction, bridge in self.processes.items()
            if direction not in self.opening[1:]  # which has no process yet
        }

    def hear(self, direction: Direction) -> Change | None:
        """Handle a readable descriptor; return what happened, None for mere news."""
        if direction in self.opening:
            return "opened" if self._is_open(direction) else None
        if os.read(self.processes[direction].report, 4096):
            return None  # *in* reports that something has arrived
        self.processes[direction].kill()
        self.opening.append(direction)
        if len(self.opening) == 1:
            self._replace(direction)
        return "died"

    def check(self) -> None:
        """Start a new spare process; replace a bridge that does not open in time.

        Cost: some ms where a process is started, else nothing.
        """
        if self.opening:
            self._is_open(self.opening[0])
        elif self._maybe_spare() is None:
            self._spare = BridgeProcess(self.descriptor)

    def close(self, until_ns: int) -> None:
        """Tell all processes to end, and wait until they have."""
        bridges = [*self.processes.values(), *filter(None, [self._spare])]
        for bridge in bridges:
            bridge.let_go()
        for bridge in bridges:
            bridge.end(until_ns)
        os.close(self.descriptor)

    def _is_open(self, direction: Direction) -> bool:
        """Return whether a replacement is open; try again where it failed."""
        try:
            rate_hz = self.processes[direction].maybe_open()
        except PortError:
            self.processes[direction].kill()
            self._replace(direction)
            return False
        if rate_hz is None:
            return False
        self.opening.remove(direction)
        if self.opening:
            self._replace(self.opening[0])
        return True

    def _replace(self, direction: Direction) -> None:
        now_ns = self._clock.now_ns()
        self._deaths_ns.append(now_ns)
        is_full = len(self._deaths_ns) > MOST_DEATHS
        if is_full and now_ns - self._deaths_ns[0] < PER_NS:
            self.is_lost = True
            return
        spare = self._maybe_spare()
        self.processes[direction] = spare or BridgeProcess(self.descriptor)
        self._spare = None
        self._ask(direction, PATIENCE_S)

    def _maybe_spare(self) -> BridgeProcess | None:
        """Return the spare process, if it still runs."""
        if self._spare is not None and not self._spare.is_there:
            self._spare.kill()
            self._spare = None
        return self._spare

    def _ask(self, direction: Direction, patience_s: float) -> None:
        order = Order(direction, self._names[direction], self._pairs(), patience_s)
        self.processes[direction].ask(order)
