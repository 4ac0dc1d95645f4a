"""A musician's ports, connected to a daemon's: plays scripts, records what comes back.

On JACK they are a `Port` like the daemon's: exact to the frame where its backend is.
Elsewhere a message's time is that of the call of `send`.
"""

import contextlib
import gc
from collections.abc import Callable, Iterator
from typing import Final, Protocol

from ripieno.bench.pairing import Stamped
from ripieno.bench.script import Script
from ripieno.clock import NS_PER_MS, Clock, SystemClock
from ripieno.ports.backends import open_port
from ripieno.ports.client_port import ClientPort
from ripieno.ports.jack_port import JackPort
from ripieno.ports.ports import ON_JACK, Heard, name_on_jack
from ripieno.processes.interrupts import CtrlC
from ripieno.settings.config import Settings

GUEST_IN: Final = "Ripieno Bench Guest In"
GUEST_OUT: Final = "Ripieno Bench Guest Out"
LOOK_NS: Final = NS_PER_MS // 4
"""The polling interval where nothing wakes us; it adds to the measured times."""
MARGIN_NS: Final = 4 * NS_PER_MS
"""How much earlier than needed a message is handed over: a busy machine stalls us."""
SHOW_NS: Final = 200 * NS_PER_MS


class _Device(Protocol):
    """What a `Port` and a `ClientPort` have in common."""

    def send(self, message: bytes, due_ns: int) -> None: ...

    def receive(self) -> list[Heard]: ...

    def close(self) -> None: ...


class Guest:
    """A musician's keyboard and ears. Thread: one.

    Attributes:
        check: raises KeyboardInterrupt where Ctrl-C was pressed.
        sent: the played messages, each with the time at which it left.
        heard: the messages that came back, each with the time at which it arrived.
        hurried: the times of messages that were handed over too late to leave in time.
        reach_ns: how long ahead a message is handed over; 0 where it leaves at once.
    """

    def __init__(
        self,
        settings: Settings,
        clock: Clock | None = None,
        check: Callable[[], None] = lambda: None,
    ) -> None:
        """Connect to a daemon that plays.

        Args:
            settings: of the daemon, with the backend already chosen.
            clock: the system's if None.
            check: called often while it plays and listens; may raise.

        Raises:
            PortError: the library, the server or one of the ports is missing.
        """
        self._clock, self.check = clock or SystemClock(), check
        self.sent: list[Stamped] = []
        self.heard: list[Stamped] = []
        self.hurried: set[int] = set()
        self._device: _Device
        self._exact: JackPort | None = None
        if settings.backend in ON_JACK:
            pairs = (
                (name_on_jack(GUEST_OUT), name_on_jack(settings.name_in)),
                (name_on_jack(settings.name_out), name_on_jack(GUEST_IN)),
            )
            port = open_port(
                settings.backend, GUEST_IN, GUEST_OUT, self._clock, lambda: pairs
            )
            self._exact = port if isinstance(port, JackPort) else None
            self._device, self.reach_ns = port, port.reach_ns
        else:
            self._device = ClientPort(
                settings.backend, settings.name_in, settings.name_out
            )
            self.reach_ns = 0

    def play(self, script: Script, look: Callable[[], None] | None = None) -> None:
        """Play a script in real time, and listen meanwhile.

        Args:
            script: rising in time.
            look: called a few times a second.
        """
        ahead_ns = self.reach_ns and self.reach_ns + MARGIN_NS
        look_ns = 0
        for due_ns, data, _ in script:
            while (now_ns := self._clock.now_ns()) < due_ns - ahead_ns:
                self.check()
                if look is not None and now_ns >= look_ns:
                    look_ns = now_ns + SHOW_NS
                    look()
                self._listen(min(due_ns - ahead_ns, now_ns + LOOK_NS))
            self._device.send(data, due_ns)
            left_ns = max(now_ns, due_ns) if ahead_ns else now_ns
            if ahead_ns and now_ns > due_ns - self.reach_ns:
                self.hurried.add(left_ns)
            self.sent.append(Stamped(left_ns, data, self._frame_at(left_ns)))

    def listen(
        self, until_ns: int, is_over: Callable[[list[Stamped]], bool] | None = None
    ) -> bool:
        """Listen until a time, or until a condition holds; return whether it held.

        Args:
            until_ns: when to stop.
            is_over: the condition; called with what came since the last call.
        """
        while (now_ns := self._clock.now_ns()) < until_ns:
            self.check()
            before = len(self.heard)
            self._listen(min(until_ns, now_ns + LOOK_NS))
            if is_over is not None and is_over(self.heard[before:]):
                return True
        return False

    def close(self) -> None:
        """Close the ports."""
        self._device.close()

    def _listen(self, until_ns: int) -> None:
        self._clock.wait_until(until_ns)
        if self._exact is not None:
            self._exact.heard_until(self._clock.now_ns())  # it keeps its time by that
        self.heard += [
            Stamped(at_ns, data, self._frame_at(at_ns))
            for at_ns, data in self._device.receive()
        ]

    def _frame_at(self, at_ns: int) -> int | None:
        return None if self._exact is None else self._exact.frame_at(at_ns)


@contextlib.contextmanager
def guest_of(settings: Settings) -> Iterator[Guest]:
    """Yield a guest; Python's collector is off until the end of the `with`.

    Raises:
        PortError: the library, the server or one of the ports is missing.
    """
    with CtrlC() as ctrl_c:
        guest = Guest(settings, check=ctrl_c.check)
        gc.collect()
        gc.disable()
        try:
            yield guest
        finally:
            gc.enable()
            guest.close()
