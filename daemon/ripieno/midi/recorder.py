"""The player's end of the journal's ring: says there what it could not write.

A ring that is full refuses a line. The journal lacks that line, and a `Lost` with the
number of missing lines comes before the next one that there is room for. The number is
kept where it outlives the player: the next player, or the supervisor, tells of it.
"""

from collections.abc import Callable

from ripieno.ipc.ring import Ring
from ripieno.midi.journal import Lost, encode


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
            lost: how many lines the player before this one could not tell of.
            keep: is given that number of this one whenever it changes.
        """
        self._ring, self._lost = ring, lost
        self._keep = keep or _forget

    def write(self, line: bytes) -> bool:
        """Append a line; False, and the line is lost, where there is no room."""
        if (not self._lost or self.tell_of_loss()) and self._ring.write(line):
            return True
        self._lost += 1
        self._keep(self._lost)
        return False

    def tell_of_loss(self) -> bool:
        """Write how many lines are missing here; False where there is no room."""
        if self._lost:
            if not self._ring.write(encode(Lost(self._lost))):
                return False
            self._lost = 0
            self._keep(0)
        return True


def _forget(lost: int) -> None:
    """Where the number outlives nobody."""
    del lost
