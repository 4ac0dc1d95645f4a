"""The messages that one mind has yet to receive, in the order in which they came."""

from collections import deque
from typing import Final, Protocol

from ripieno.protocol import Reset, ToThinker

MOST_MESSAGES: Final = 8192
"""Some minutes of dense playing; nothing is kept waiting in greater number."""


class Receiver(Protocol):
    """What a backlog delivers to; every mind is one."""

    def receive(self, message: ToThinker) -> None:
        """Take a message from the player."""
        ...


class Backlog:
    """A queue of messages for one receiver. Thread: one."""

    def __init__(self, receiver: Receiver) -> None:
        """Begin with an empty queue for `receiver`."""
        self._receiver = receiver
        self._messages: deque[ToThinker] = deque()

    def __len__(self) -> int:
        """How many messages wait."""
        return len(self._messages)

    def add(self, message: ToThinker) -> None:
        """Append a message. A `Reset` replaces what waits: it would be forgotten."""
        if isinstance(message, Reset):
            self._messages.clear()
        self._messages.append(message)

    def deliver(self) -> bool:
        """Deliver the oldest message; return whether there was one.

        Raises:
            OutputError: the receiver's model does not work.

        Cost: up to one step of the model.
        """
        if self._messages:
            self._receiver.receive(self._messages.popleft())
            return True
        return False

    def deliver_all(self) -> None:
        """Deliver every message.

        Raises:
            OutputError: the receiver's model does not work.
        """
        while self.deliver():
            pass

    def forget_older_half(self) -> None:
        """Drop the older half and begin the rest with a `Reset`."""
        newest = list(self._messages)[len(self._messages) // 2 :]
        self._messages = deque([Reset(), *newest])
