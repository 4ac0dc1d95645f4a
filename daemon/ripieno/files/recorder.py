"""The player's end of the journal's ring, which counts lost lines.

A full ring refuses a line. The next line that fits comes after a `Lost` with the number
of missing lines.
"""

from ripieno.files.journal import Lost, encode
from ripieno.ipc.ring import Ring


class Recorder:
    """Writes a journal's lines into a ring. Thread: the player's.

    Cost: that of `Ring.write`, while nothing is lost.
    """

    def __init__(self, ring: Ring) -> None:
        self._ring, self._lost = ring, 0

    def write(self, line: bytes) -> bool:
        """Append a line; return False, and lose it, where there is no room."""
        if (not self._lost or self.tell_of_loss()) and self._ring.write(line):
            return True
        self._lost += 1
        return False

    def tell_of_loss(self) -> bool:
        """Write the number of missing lines; return False where there is no room."""
        if self._lost:
            if not self._ring.write(encode(Lost(self._lost))):
                return False
            self._lost = 0
        return True
