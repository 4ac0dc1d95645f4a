"""Writes the journal's lines into a ring, and counts those that a full ring refuses.

Before the next line that fits, a `Lost` states how many lines are missing. The count is
stored outside the player process: if the player ends first, the next player or the
supervisor writes it.
"""

from collections.abc import Callable

from ripieno.files.journal import Lost, encode
from ripieno.ipc.ring import Ring


class Recorder:
    """Writes a journal's lines into a ring. Thread: the player's.

    Cost: that of `Ring.write`, while nothing is lost.
    """

    def __init__(
        self, ring: Ring, lost: int = 0, keep: Callable[[int], None] | None = None
    ) -> None:
        """Begin.

        Args:
            ring: the journal's.
            lost: how many lost lines the player before this one has not reported.
            keep: called with the number of unreported lines whenever it changes.
        """
        self._ring, self._lost = ring, lost
        self._keep = keep or (lambda _: None)

    def write(self, line: bytes) -> bool:
        """Append a line; return False, and lose it, if there is no room."""
        if self.tell_of_loss() and self._ring.write(line):
            return True
        self._lost += 1
        self._keep(self._lost)
        return False

    def tell_of_loss(self) -> bool:
        """Write the number of missing lines, if any; return False without room."""
        if self._lost:
            if not self._ring.write(encode(Lost(self._lost))):
                return False
            self._lost = 0
            self._keep(0)
        return True
