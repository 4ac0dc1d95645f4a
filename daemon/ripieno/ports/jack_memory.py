"""The memory that a JACK port shares with its two bridges.

::

    In:  words │ ring of (frame, message) to the player
    Out: words │ ring of (frame, message) to the bridge

The words of a side are the server's present cycle, as the bridge saw it, and counts.
The memory is a file without a name (a `memfd` where the system has it) that the bridges
inherit. So nothing is left behind when processes are killed.
"""

import ctypes
import mmap
import os
import struct
import tempfile
from typing import Final, NamedTuple

from ripieno.ipc.pages import touch
from ripieno.ipc.ring import Ring

WORDS: Final = (
    "count", "frame", "at_ns", "frames", "check", "gone", "late", "lost", "gaps"
)  # fmt: skip
"""`daemon/native/jack_callback.c` has the same words in the same order."""
TAKE_BACK: Final = b"\xf4"
"""The prefix of a note-off in the ring that cancels its note-on, if that still waits.
This status byte is undefined in MIDI, so no message begins with it."""
RING_BYTES: Final = 1 << 20
"""Some 50 000 notes."""
_WORDS_BYTES: Final = 8 * len(WORDS)
_SIDE_BYTES: Final = _WORDS_BYTES + RING_BYTES
SIZE: Final = 2 * _SIDE_BYTES
_LOOKS: Final = 100
_FRAME: Final = struct.Struct("<q")
_COUNT, _AT, _AT_NS, _FRAMES, _CHECK, _GONE, _LATE, _LOST, _GAPS = range(len(WORDS))


class Cycle(NamedTuple):
    """One of the server's periods.

    Attributes:
        number: how many the bridge has seen; 0 for none yet.
        frame: its first frame, counted on for ever (JACK's own count wraps).
        at_ns: when the bridge's callback began.
        frames: how long it is.
    """

    number: int
    frame: int
    at_ns: int
    frames: int


class Side:
    """The part that one bridge and the player share. Thread: one on each side."""

    def __init__(self, memory: memoryview) -> None:
        self._memory = memory
        self._words = memory[:_WORDS_BYTES].cast("q")
        self._ring = Ring(memory[_WORDS_BYTES:])

    def show(self, cycle: Cycle) -> None:
        """Store the cycle that has begun. Cost: 1 µs."""
        words, (count, frame, at_ns, frames) = self._words, cycle
        words[_AT], words[_AT_NS], words[_FRAMES] = frame, at_ns, frames
        words[_COUNT] = count
        words[_CHECK] = count ^ frame ^ at_ns ^ frames

    def cycle(self) -> Cycle:
        """Return the cycle that was stored last. Cost: 1 µs."""
        words = self._words
        for _ in range(_LOOKS):
            shown = Cycle(words[_COUNT], words[_AT], words[_AT_NS], words[_FRAMES])
            if words[_CHECK] == shown.number ^ shown.frame ^ shown.at_ns ^ shown.frames:
                return shown
        return Cycle(0, 0, 0, 0)

    def counted(self) -> tuple[int, int]:
        """Return the number of cycles and the last one's first frame; 0 for none.

        A bridge that replaces a killed one needs it; that one may have died in `show`.
        """
        return self._words[_COUNT], self._words[_AT]

    @property
    def count(self) -> int:
        """The number of cycles that the bridge has seen."""
        return self._words[_COUNT]

    @property
    def is_gone(self) -> bool:
        """Whether the server has told the bridge that it shuts down."""
        return bool(self._words[_GONE])

    def set_gone(self) -> None:
        """Record that the server shuts down."""
        self._words[_GONE] = 1

    @property
    def late(self) -> int:
        """The number of messages that came after their frame."""
        return self._words[_LATE]

    @property
    def lost(self) -> int:
        """The number of messages lost for want of room."""
        return self._words[_LOST]

    @property
    def gaps(self) -> int:
        """How often periods were dropped, so that messages may be missing."""
        return self._words[_GAPS]

    def count_gap(self) -> None:
        """Count that the server dropped one period or more."""
        self._words[_GAPS] += 1

    def count_late(self) -> None:
        """Count a message that came after its frame."""
        self._words[_LATE] += 1

    def count_lost(self) -> None:
        """Count a message lost for want of room."""
        self._words[_LOST] += 1

    def write(self, frame: int, message: bytes) -> bool:
        """Append a message; return False where there is no room."""
        return self._ring.write(_FRAME.pack(frame) + message)

    def read(self, most: int | None = None) -> list[tuple[int, bytes]]:
        """Return and remove messages with their frames: all, or at most a number."""
        if self._ring.is_empty:
            return []
        records = self._ring.read(most)
        return [(_FRAME.unpack_from(r)[0], r[_FRAME.size :]) for r in records]

    @property
    def is_empty(self) -> bool:
        """Whether no message waits."""
        return self._ring.is_empty

    def skip(self) -> None:
        """Remove all messages; for the reader, or where the reader is dead."""
        self._ring.skip()

    def address(self) -> tuple[int, int, int]:
        """Return the addresses for native code: words, ring, and the ring's bytes.

        The memory cannot be unmapped afterwards, so call it in a bridge only.
        """
        self._pinned = ctypes.c_char.from_buffer(self._memory)
        words = ctypes.addressof(self._pinned)
        return words, words + _WORDS_BYTES, len(self._memory) - _WORDS_BYTES

    def close(self) -> None:
        """Release the memory."""
        self._words.release()
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
