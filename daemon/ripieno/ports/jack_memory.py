"""The memory that a JACK port shares with its two bridges.

::

    In:  words │ ring of (frame, message) to the player
    Out: words │ ring of (frame, message) to the bridge

The words of a side hold the cycle that the bridge saw last, and counts. The memory is a
file without a name (a `memfd` where the system has it) that the bridges inherit. So
nothing is left behind when processes are killed.
"""

import ctypes
import mmap
import os
import struct
import tempfile
from typing import Final, NamedTuple

from ripieno.ipc.ring import Ring, touch

COUNT, AT, AT_NS, FRAMES, CHECK, GONE, LATE, LOST, GAPS = range(9)
"""The words of a side, as in `daemon/native/jack_callback.c`. `COUNT` to `FRAMES` are a
`Cycle`, `CHECK` is their XOR. `GONE` is 1 once the server has told the bridge that it
shuts down. `LATE` counts messages that came after their frame, `LOST` messages without
room, `GAPS` how often periods were dropped."""
TAKE_BACK: Final = b"\xf4"
"""The prefix of a note-off that cancels its note-on if that still waits. MIDI leaves
this status byte undefined, so no message begins with it."""
RING_BYTES: Final = 1 << 20
"""Some 50 000 notes."""
_WORDS_BYTES: Final = 8 * (GAPS + 1)
_SIDE_BYTES: Final = _WORDS_BYTES + RING_BYTES
SIZE: Final = 2 * _SIDE_BYTES
_LOOKS: Final = 100
_FRAME: Final = struct.Struct("<q")


class Cycle(NamedTuple):
    """One of the server's periods.

    Attributes:
        number: how many cycles the bridge has seen; 0 for none yet.
        frame: its first frame; unlike JACK's own count, it never wraps.
        at_ns: when the bridge's callback began.
        frames: its length.
    """

    number: int
    frame: int
    at_ns: int
    frames: int


class Side:
    """The part that one bridge and the player share. Thread: one on each side.

    Attributes:
        words: 64-bit integers, indexed by `COUNT` to `GAPS`.
    """

    def __init__(self, memory: memoryview) -> None:
        self._memory = memory
        self.words = memory[:_WORDS_BYTES].cast("q")
        self._ring = Ring(memory[_WORDS_BYTES:])

    def show(self, cycle: Cycle) -> None:
        """Store the cycle that has begun. Cost: 1 µs."""
        words, (count, frame, at_ns, frames) = self.words, cycle
        words[AT], words[AT_NS], words[FRAMES] = frame, at_ns, frames
        words[COUNT] = count
        words[CHECK] = count ^ frame ^ at_ns ^ frames

    def cycle(self) -> Cycle:
        """Return the cycle that was stored last. Cost: 1 µs."""
        words = self.words
        for _ in range(_LOOKS):
            shown = Cycle(words[COUNT], words[AT], words[AT_NS], words[FRAMES])
            if words[CHECK] == shown.number ^ shown.frame ^ shown.at_ns ^ shown.frames:
                return shown
        return Cycle(0, 0, 0, 0)

    def write(self, frame: int, message: bytes) -> bool:
        """Append a message; return False where there is no room."""
        return self._ring.write(_FRAME.pack(frame) + message)

    def read(self, most: int | None = None) -> list[tuple[int, bytes]]:
        """Return and remove messages with their frames: all, or at most a number."""
        records = self._ring.read(most)
        return [(_FRAME.unpack_from(r)[0], r[_FRAME.size :]) for r in records]

    @property
    def is_empty(self) -> bool:
        """Whether no message waits."""
        return self._ring.is_empty

    def address(self) -> tuple[int, int, int]:
        """Return the addresses for native code: words, ring, and the ring's bytes.

        The memory cannot be unmapped afterwards, so call it in a bridge only.
        """
        self._pinned = ctypes.c_char.from_buffer(self._memory)
        words = ctypes.addressof(self._pinned)
        return words, words + _WORDS_BYTES, len(self._memory) - _WORDS_BYTES

    def close(self) -> None:
        """Release the memory."""
        self.words.release()
        self._ring.close()
        self._memory.release()


class Memory:
    """Both sides, mapped from the file's descriptor."""

    def __init__(self, descriptor: int) -> None:
        """Map the memory of a descriptor that `make` gave."""
        self._map = mmap.mmap(descriptor, SIZE)
        view = memoryview(self._map)
        touch(view)
        self.heard, self.due = Side(view[:_SIDE_BYTES]), Side(view[_SIDE_BYTES:])
        view.release()

    def close(self) -> None:
        """Release the memory."""
        self.heard.close()
        self.due.close()
        self._map.close()


def make() -> int:
    """Return the descriptor of new memory, all zeros; the caller closes it."""
    if hasattr(os, "memfd_create"):
        descriptor = os.memfd_create("ripieno-jack")
    else:
        with tempfile.TemporaryFile() as file:
            descriptor = os.dup(file.fileno())
    os.ftruncate(descriptor, SIZE)
    return descriptor
