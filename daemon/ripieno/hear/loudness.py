"""How loud the human plays: a moving average of their velocities."""

from typing import Final

AT_FIRST: Final = 80.0
"""The velocity that is assumed before the first note."""
MEMORY: Final = 0.85
"""How much of the average each new note keeps."""


class Loudness:
    """The human's loudness.

    Attributes:
        velocity: the average, 1 … 127.
    """

    def __init__(self) -> None:
        self.velocity = AT_FIRST

    def add(self, velocity: int) -> None:
        """Count a note of the human's."""
        self.velocity = MEMORY * self.velocity + (1 - MEMORY) * velocity
