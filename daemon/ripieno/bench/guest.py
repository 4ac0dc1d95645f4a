"""A musician's ports, connected to a daemon's: plays scripts, records what comes back.

On JACK they are a `Port` like the daemon's: exact to the frame where its backend is.
Elsewhere a message's time is that of the call of `send`.
"""

import contextlib
import gc
from collections.abc import Callable, Iterator
from typing import Final

from ripieno.bench.pairing import Stamped
from ripieno.bench.script import Script
from ripieno.clock import NS_PER_MS, SystemClock
from ripieno.ports.backends import open_port
from ripieno.ports.client_port import ClientPort
from ripieno.ports.jack_port import JackPort
from ripieno.ports.ports import ON_JACK, Port, name_on_jack
from ripieno.processes.interrupts import CtrlC
from ripieno.settings.config import Settings

GUEST_IN: Final = "Ripieno Bench Guest In"
GUEST_OUT: Final = "Ripieno Bench Guest Out"
LOOK_NS: Final = NS_PER_MS // 4
"""The polling interval where nothing wakes us; it adds to the measured times."""
MARGIN_NS: Final = 4 * NS_PER_MS
"""How much earlier than needed a message is handed over: a busy machine stalls us."""


class Guest:
    """A musician's keyboard and ears. Thread: one.

    Attributes:
        check: raises KeyboardInterrupt where Ctrl-C was pressed.
        sent: the played messages, each with the time at which it left.
        heard: the messages that came back, each with the time at which it arrived.
        hurried: the times of messages that were handed over too late to leave in time.
        reach_ns: how long ahead a message is handed over; 0 where it leaves at once.
    """

    def __init__(self, settings: Settings, check: Callable[[], None]) -> None:
        """Connect to a daemon that plays.

        Args:
            settings: of the daemon, with the backend already chosen.
            check: called often while it plays and listens; may raise.

        Raises:
            PortError: the library, the server or one of the ports is missing.
        """
        self._clock, self.check = SystemClock(), check
        self.sent: list[Stamped] = []
        self.heard: list[Stamped] = []
        self.hurried: set[int] = set()
        self._exact: JackPort | None = None
        self._device: Port | ClientPort
        self.reach_ns = 0
        backend, name_in, name_out = (
            settings.backend, settings.name_in, settings.name_out,
        )  # fmt: skip
        if backend in ON_JACK:
            pairs = (
                (name_on_jack(GUEST_OUT), name_on_jack(name_in)),
                (name_on_jack(name_out), name_on_jack(GUEST_IN)),
            )
            port = open_port(backend, GUEST_IN, GUEST_OUT, self._clock, lambda: pairs)
            self._exact = port if isinstance(port, JackPort) else None
            self._device, self.reach_ns = port, port.reach_ns
        else:
            self._device = ClientPort(backend, name_in, name_out)

    def play(self, script: Script) -> None:
        """Play a script, rising in time, in real time; listen meanwhile."""
        ahead_ns = self.reach_ns and self.reach_ns + MARGIN_NS
        for due_ns, data, _ in script:
            while (now_ns := self._clock.now_ns()) < due_ns - ahead_ns:
                self.check()
                self._listen(min(due_ns - ahead_ns, now_ns + LOOK_NS))
            self._device.send(data, due_ns)
            left_ns = max(now_ns, due_ns) if ahead_ns else now_ns
            if ahead_ns and now_ns > due_ns - self.reach_ns:
                self.hurried.add(left_ns)
            self.sent.append(self._stamped(left_ns, data))

    def listen(
        self, until_ns: int, is_over: Callable[[list[Stamped]], bool] = lambda _: False
    ) -> bool:
        """Listen until a time, or until a condition holds; return whether it held.

        The condition is called with what came since its last call.
        """
        while (now_ns := self._clock.now_ns()) < until_ns:
            self.check()
            before = len(self.heard)
            self._listen(min(until_ns, now_ns + LOOK_NS))
            if is_over(self.heard[before:]):
                return True
        return False

    def close(self) -> None:
        """Close the ports."""
        self._device.close()

    def _listen(self, until_ns: int) -> None:
        self._clock.wait_until(until_ns)
        if self._exact is not None:
            self._exact.heard_until(self._clock.now_ns())  # it keeps its time by that
        self.heard += [self._stamped(*heard) for heard in self._device.receive()]

    def _stamped(self, at_ns: int, data: bytes) -> Stamped:
        frame = None if self._exact is None else self._exact.frame_at(at_ns)
        return Stamped(at_ns, data, frame)


@contextlib.contextmanager
def guest_of(settings: Settings) -> Iterator[Guest]:
    """Yield a guest; Python's collector is off until the end of the `with`.

    Raises:
        PortError: the library, the server or one of the ports is missing.
    """
    with CtrlC() as ctrl_c:
        guest = Guest(settings, ctrl_c.check)
        gc.collect()
        gc.disable()
        try:
            yield guest
        finally:
            gc.enable()
            guest.close()
