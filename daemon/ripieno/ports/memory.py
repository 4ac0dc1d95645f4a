"""A pair of ports inside the process: for the demo and for tests.

It keeps the contract of `ripieno.ports.ports.Port` with two deques and no device.
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
        self.name_in = name_in
        self.name_out = name_out
        self.reach_ns = self.answer_ns = 0
        self.gaps_heard = 0
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

    @property
    def is_woken(self) -> bool:
        """False: `wait` cannot wait for a descriptor here."""
        return False

    def heard_until(self, now_ns: int) -> int:
        """What is fed is there at once."""
        return now_ns

    def receive(self) -> list[Heard]:
        """All messages that wait, oldest first."""
        return _drained(self._arriving) if self._alive else []

    def send(self, message: bytes, due_ns: int) -> None:
        """Send one message, now; does nothing once the port is closed or killed."""
        del due_ns
        if self._alive:
            self._sent.append(message)

    def wake_by(self, descriptor: int) -> None:
        """Does nothing: `wait` cannot wait for a descriptor here."""

    def wait(self, until_ns: int) -> None:
        """Let the clock go on."""
        self._clock.wait_until(until_ns)

    def alive(self) -> bool:
        """Whether the port is there."""
        return self._alive

    def check(self) -> None:
        """Do nothing: `alive` sees everything."""

    def kill(self) -> None:
        """Simulate the death of the server."""
        self._alive = False

    def close(self) -> None:
        """Remove the port."""
        self._alive = False


def _drained(queue: deque[_T]) -> list[_T]:
    """All that is in a queue now; what is appended meanwhile waits for the next."""
    return [queue.popleft() for _ in range(len(queue))]
