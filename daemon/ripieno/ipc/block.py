"""The one block of memory that all our processes share.

Layout: a few 64-bit words (stop flag, heartbeats), the ledger, three slots (the
player's parameters, the connections of its ports, its status), six rings. The
supervisor makes the block and removes it; the other processes attach to it by name.
When a process dies, the others can still read what it wrote.
"""

import itertools
import sys
from multiprocessing import resource_tracker
from multiprocessing.shared_memory import SharedMemory
from typing import Final

from ripieno.ipc.ring import Ring, touch
from ripieno.ipc.slot import Slot

LEDGER_BYTES: Final = 4096
"""Room for `ripieno.play.ledger.SIZE`, checked where the two meet."""
RING_BYTES: Final = {
    "to_thinker": 1 << 18,
    "to_player": 1 << 18,
    "journal": 1 << 20,
    "player_notes": 1 << 16,
    "thinker_notes": 1 << 16,
    "knobs": 1 << 15,
}
LOADING_NS: Final = 120_000_000_000
"""A large model on a cold GPU takes tens of seconds to load. A process that loads sets
its heartbeat so far ahead, and is not taken for hung until then."""
SHOWN_BYTES: Final = 1 << 17
"""Room for two values of `Shown`, each with the longest chart that `knobs` can hold."""
PAIRS_BYTES: Final = 1 << 16
"""Room for some 500 connections, twice."""
STATUS_BYTES: Final = 1 << 14
"""Room for two values of `ripieno.settings.status.Status`."""
WORDS: Final = (
    "stop", "player_beat_ns", "thinker_beat_ns", "patchbay_beat_ns", "player_epoch",
    "unlogged", "connected_ns",
)  # fmt: skip

_SLOTS: Final = (SHOWN_BYTES, PAIRS_BYTES, STATUS_BYTES)
_SIZES: Final = (64, LEDGER_BYTES, *_SLOTS, *RING_BYTES.values())
"""The sizes of the parts in their order; the first is that of the words."""
SIZE: Final = sum(_SIZES)


class Block:
    """Shared memory with names for its parts. Thread: any; a ring has its two ends."""

    def __init__(self, name: str | None = None, *, is_guest: bool = False) -> None:
        """Make a fresh block, or attach to an existing one.

        Args:
            name: of an existing block; None makes a fresh one.
            is_guest: True in a process that the supervisor did not start.

        Raises:
            OSError: there is no block of this name.
        """
        if is_guest:
            self._memory = _guest(name)
        else:
            self._memory = SharedMemory(name, create=name is None, size=SIZE)
        self._is_mine = name is None
        view = self._memory.buf
        assert view is not None
        if not is_guest:
            touch(view)
        parts = zip(itertools.accumulate(_SIZES), _SIZES, strict=True)
        words, ledger, *others = (view[end - size : end] for end, size in parts)
        self._words = words.cast("q")  # stored whole, as a ring's counts
        self.ledger = ledger
        self.shown, self.pairs, self.status = map(Slot, others[: len(_SLOTS)])
        self._rings = dict(
            zip(RING_BYTES, map(Ring, others[len(_SLOTS) :]), strict=True)
        )

    @property
    def name(self) -> str:
        """The name by which other processes attach."""
        return self._memory.name

    def ring(self, name: str) -> Ring:
        """One of `RING_BYTES`."""
        return self._rings[name]

    def word(self, name: str) -> int:
        """Read one of `WORDS`."""
        return self._words[WORDS.index(name)]

    def set_word(self, name: str, value: int) -> None:
        """Write one of `WORDS`."""
        self._words[WORDS.index(name)] = value

    def close(self) -> None:
        """Detach; the process that made the block also removes it."""
        for ring in self._rings.values():
            ring.close()
        for slot in (self.shown, self.pairs, self.status):
            slot.close()
        self._words.release()
        self.ledger.release()
        self._memory.close()
        if self._is_mine:
            self._memory.unlink()


def _guest(name: str | None) -> SharedMemory:
    """Return shared memory that another process owns.

    Before 3.13 Python takes every process that attaches for an owner, and removes the
    memory when that process ends, although the daemon still uses it.
    """
    if sys.version_info >= (3, 13):
        return SharedMemory(name, track=False)
    memory = SharedMemory(name)
    if sys.platform != "win32":
        resource_tracker.unregister(f"/{memory.name}", "shared_memory")
    return memory
