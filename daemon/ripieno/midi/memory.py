"""A pair of ports inside the process: for the demo, for `render`, and for tests.

It keeps the contract of `ripieno.midi.ports.Port` with two deques and no device.
"""

from collections import deque

from ripieno.midi.ports import IN, OUT


class MemoryPort:
    """A `Port` whose other end is this object's `feed` and `taken`.

    Thread: any; a deque's append and popleft are atomic.
    """

    def __init__(self, name_in: str = IN, name_out: str = OUT) -> None:
        self.name_in = name_in
        self.name_out = name_out
        self._arriving: deque[bytes] = deque()
        self._sent: deque[bytes] = deque()
        self._alive = True

    def feed(self, *messages: bytes) -> None:
        """Let messages arrive, as if a DAW had sent them."""
        self._arriving.extend(messages)

    def taken(self) -> list[bytes]:
        """All that was sent since the last call, oldest first."""
        return _drained(self._sent)

    def receive(self) -> list[bytes]:
        """All messages that wait, oldest first."""
        return _drained(self._arriving) if self._alive else []

    def send(self, message: bytes) -> None:
        """Send one message; does nothing once the port is closed or killed."""
        if self._alive:
            self._sent.append(message)

    def alive(self) -> bool:
        """Whether the port is there."""
        return self._alive

    def kill(self) -> None:
        """Let the server die, as a test of what its loss does."""
        self._alive = False

    def close(self) -> None:
        """Remove the port."""
        self._alive = False


def _drained(queue: deque[bytes]) -> list[bytes]:
    """All that is in a queue now; what is appended meanwhile waits for the next."""
    return [queue.popleft() for _ in range(len(queue))]
