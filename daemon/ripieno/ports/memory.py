"""A pair of ports inside the process, for the demo and for tests.

It implements `ripieno.ports.ports.Port` with two deques and no device.
"""

from collections import deque
from typing import TypeVar

from ripieno.clock import Clock
from ripieno.ports.ports import IN, OUT, Heard

_T = TypeVar("_T")


class MemoryPort:
    """A `Port` whose other end is this object's `feed` and `taken`.

    Attributes:
        gaps_heard: a test increases it, as if a server had lost messages.

    Thread: any; a deque's append and popleft are atomic.
    """

    def __init__(self, clock: Clock, name_in: str = IN, name_out: str = OUT) -> None:
        """Open it; *clock* stamps what is fed."""
        self.name_in, self.name_out = name_in, name_out
        self.reach_ns = self.answer_ns = self.gaps_heard = 0
        self.is_woken = False
        self._clock = clock
        self._arriving: deque[Heard] = deque()
        self._sent: deque[bytes] = deque()
        self._alive = True

    def feed(self, *messages: bytes) -> None:
        """Let messages arrive, as if a DAW had sent them."""
        now_ns = self._clock.now_ns()
        self._arriving.extend(Heard(now_ns, message) for message in messages)

    def taken(self) -> list[bytes]:
        """Return what was sent since the last call, oldest first."""
        return _drained(self._sent)

    def heard_until(self, now_ns: int) -> int:
        """Return *now_ns*: what is fed can be received at once."""
        return now_ns

    def receive(self) -> list[Heard]:
        """Return all messages that wait, oldest first."""
        return _drained(self._arriving) if self._alive else []

    def send(self, message: bytes, due_ns: int) -> None:
        """Send one message now; do nothing once the port is closed."""
        del due_ns
        if self._alive:
            self._sent.append(message)

    def wake_by(self, descriptor: int) -> None:
        """Do nothing: `wait` cannot wait for a descriptor here."""

    def wait(self, until_ns: int) -> None:
        """Let the clock go on."""
        self._clock.wait_until(until_ns)

    def alive(self) -> bool:
        """Return whether the port is open."""
        return self._alive

    def check(self) -> None:
        """Do nothing: `alive` sees everything."""

    def close(self) -> None:
        """Remove the port."""
        self._alive = False


def _drained(queue: deque[_T]) -> list[_T]:
    """Return what is in a queue now; what is appended meanwhile stays there."""
    return [queue.popleft() for _ in range(len(queue))]
