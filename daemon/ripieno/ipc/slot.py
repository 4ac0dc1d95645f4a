"""The latest value of something in shared memory: one process writes, any may read.

::

    count (8 bytes) │ half │ half        half: length (4) │ CRC-32 (4) │ payload

The writer writes the inactive half, then increments the counter. A reader reads the
half that the counter names. So a writer that is killed leaves the value before,
complete. A reader during whose read the writer wrote twice finds a wrong CRC, and reads
again.

Thread: one writer, any readers. Cost: O(bytes), one copy each way; nobody waits.
"""

import struct
import zlib
from typing import Final

_COUNT_BYTES: Final = 8
_RECORD: Final = struct.Struct("<II")
LOOKS: Final = 100
_SEED: Final = 1
"""With this seed the CRC of no bytes is not 0, so zeros are not a value."""


class Slot:
    """A slot for one value."""

    def __init__(self, memory: memoryview) -> None:
        """Use memory that all sides map; all zeros is an empty slot."""
        self._count = memory[:_COUNT_BYTES].cast("Q")  # stored whole, as a ring's
        halves = memory[_COUNT_BYTES:]
        half = len(halves) // 2
        self._halves = halves[:half], halves[half : 2 * half]

    def write(self, payload: bytes) -> bool:
        """Replace the value; return False, and keep the old one, if it is too long."""
        count = self._count[0] + 1
        half = self._halves[count % 2]
        if _RECORD.size + len(payload) > len(half):
            return False
        half[: _RECORD.size] = _RECORD.pack(len(payload), zlib.crc32(payload, _SEED))
        half[_RECORD.size : _RECORD.size + len(payload)] = payload
        self._count[0] = count
        return True

    def read(self) -> bytes | None:
        """Return the value, or None before the first write."""
        for _ in range(LOOKS):
            count = self._count[0]
            if not count:
                break
            half = self._halves[count % 2]
            length, crc = _RECORD.unpack_from(half, 0)
            payload = bytes(half[_RECORD.size : _RECORD.size + length])
            if zlib.crc32(payload, _SEED) == crc:
                return payload
        return None

    def close(self) -> None:
        """Release the memory."""
        self._count.release()
        for half in self._halves:
            half.release()
