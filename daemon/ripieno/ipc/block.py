"""The one block of memory that all our processes share.

Layout: a few 64-bit words (stop flag, heartbeats), the ledger, what the player plays
by, who is connected to its ports, how it goes, six rings. It belongs to the supervisor,
which makes it and removes it; the others attach by name. Whatever process dies, what it
wrote is still there for the others.
"""

import sys
from multiprocessing import resource_tracker
from multiprocessing.shared_memory import SharedMemory
from typing import Final

from ripieno.ipc.pages import touch
from ripieno.ipc.ring import Ring
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
"""A large model on a cold GPU takes tens of seconds to load: a heart that beats so far
ahead of the time may rest until then."""
SHOWN_BYTES: Final = 1 << 17
"""Room for two settings with whatever chart `knobs` has room for."""
PAIRS_BYTES: Final = 1 << 16
"""Room for some 500 connections, twice."""
STATUS_BYTES: Final = 1 << 14
"""Room for two of `ripieno.status`, for whoever looks from outside."""
WORDS: Final = (
    "stop", "player_beat_ns", "thinker_beat_ns", "patchbay_beat_ns", "player_epoch",
    "unlogged",
)  # fmt: skip

_WORDS_BYTES: Final = 64
_SLOTS_BYTES: Final = SHOWN_BYTES + PAIRS_BYTES + STATUS_BYTES
SIZE: Final = _WORDS_BYTES + LEDGER_BYTES + _SLOTS_BYTES + sum(RING_BYTES.values())


class Block:
    """Shared memory with names for its parts. Thread: any; a ring has its two ends."""

    def __init__(self, name: str | None = None, *, is_guest: bool = False) -> None:
        """Make a fresh block, or attach to the one of that name.

        Args:
            name: of a block that is there; None for a fresh one.
            is_guest: whether this process is none of the supervisor's.

        Raises:
            OSError: there is no such block (any more).
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
        self._words = view[:_WORDS_BYTES].cast("q")  # stored whole, as a ring's counts
        self.ledger = view[_WORDS_BYTES : _WORDS_BYTES + LEDGER_BYTES]
        self._rings: dict[str, Ring] = {}
        at = _WORDS_BYTES + LEDGER_BYTES
        self.shown = Slot(view[at : at + SHOWN_BYTES])
        at += SHOWN_BYTES
        self.pairs = Slot(view[at : at + PAIRS_BYTES])
        at += PAIRS_BYTES
        self.status = Slot(view[at : at + STATUS_BYTES])
        at += STATUS_BYTES
        for ring, size in RING_BYTES.items():
            self._rings[ring] = Ring(view[at : at + size])
            at += size

    @property
    def name(self) -> str:
        """What other processes attach by."""
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
        """Let go; the one who made it also removes it."""
        for ring in self._rings.values():
            ring.close()
        self._words.release()
        self.ledger.release()
        self.shown.close()
        self.pairs.close()
        self.status.close()
        self._memory.close()
        if self._is_mine:
            self._memory.unlink()


def _guest(name: str | None) -> SharedMemory:
    """Memory that is not ours: left alone when this process ends.

    Before 3.13 whoever attaches is taken for an owner, and Python removes the memory
    when that process ends, under the daemon's feet.
    """
    if sys.version_info >= (3, 13):
        return SharedMemory(name, track=False)
    memory = SharedMemory(name)
    if sys.platform != "win32":
        resource_tracker.unregister(f"/{memory.name}", "shared_memory")
    return memory
