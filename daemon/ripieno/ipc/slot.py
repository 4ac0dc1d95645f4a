"""The latest value of something in shared memory: one process shows it, any may look.

::

    count (8 bytes) │ half │ half        half: length (4) │ CRC-32 (4) │ payload

The writer fills the half that nobody is sent to, then counts: who looks reads the half
that the count names. So a writer that is killed leaves what it showed before, whole. A
reader that was overtaken twice while it looked finds a wrong CRC, and looks again.

Thread: one writer, any readers. Cost: O(bytes), one copy each way; nobody waits.
"""

import struct
import zlib
from typing import Final

_COUNT_BYTES: Final = 8
_RECORD: Final = struct.Struct("<II")
LOOKS: Final = 100
_SEED: Final = 1
"""The CRC of nothing is then not 0: zeros are no value."""


class Slot:
    """A place for one value."""

    def __init__(self, memory: memoryview) -> None:
        """Use memory that all sides map; all zeros is an empty slot."""
        self._count = memory[:_COUNT_BYTES].cast("Q")  # stored whole, as a ring's
        halves = memory[_COUNT_BYTES:]
        half = len(halves) // 2
        self._halves = halves[:half], halves[half : 2 * half]

    def write(self, payload: bytes) -> bool:
        """Show a value; False, and the one before stands, where it is too long."""
        count = self._counted + 1
        half = self._halves[count % 2]
        if _RECORD.size + len(payload) > len(half):
            return False
        half[: _RECORD.size] = _RECORD.pack(len(payload), zlib.crc32(payload, _SEED))
        half[_RECORD.size : _RECORD.size + len(payload)] = payload
        self._count[0] = count
        return True

    def read(self) -> bytes | None:
        """The value that is shown, or None where there was none yet."""
        for _ in range(LOOKS):
            count = self._counted
            if not count:
                break
            half = self._halves[count % 2]
            length, crc = _RECORD.unpack_from(half, 0)
            payload = bytes(half[_RECORD.size : _RECORD.size + length])
            if zlib.crc32(payload, _SEED) == crc:
                return payload
        return None

    def close(self) -> None:
        """Let go of the memory."""
        self._count.release()
        for half in self._halves:
            half.release()

    @property
    def _counted(self) -> int:
        return self._count[0]
