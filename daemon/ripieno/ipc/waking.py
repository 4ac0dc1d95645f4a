"""How one process wakes another that waits: a byte through a pipe.

Without it a process would poll its ring every half millisecond. That costs 15 % of a
core on both sides, and on a busy machine each poll is late.

A bell has two ends. The process that starts the others keeps both ends while it runs,
and gives each process its end. So a process that is started again uses the same bell,
and no process sees an end of file. Windows cannot wait for such a pipe: there a process
polls every half millisecond.
"""

import contextlib
import multiprocessing
import os
import select
import sys
import threading
from multiprocessing.connection import Connection
from typing import Final, NamedTuple

from ripieno.clock import NS_PER_S
from ripieno.ipc.ring import Ring

POLL_NS: Final = 500_000
_IS_POSIX: Final = sys.platform != "win32"


class Bell:
    """One end of a bell, or both. Thread: one."""

    def __init__(self, pipe: Connection) -> None:
        """Use an end of a `Pair`."""
        self._pipe = pipe
        if _IS_POSIX:
            os.set_blocking(pipe.fileno(), False)

    def fileno(self) -> int:
        """Return the descriptor that becomes readable when the bell rings."""
        return self._pipe.fileno()

    def ring(self) -> None:
        """Wake the process that waits now or next. Cost: some µs; it never blocks."""
        if _IS_POSIX:
            with contextlib.suppress(BlockingIOError):  # it has rung often enough
                os.write(self._pipe.fileno(), b"!")

    def wait(self, for_ns: int) -> bool:
        """Wait for a ring, at most so long; return whether it rang, before or now."""
        if not _IS_POSIX:
            threading.Event().wait(min(for_ns, POLL_NS) / NS_PER_S)
            return False
        descriptor = self._pipe.fileno()
        rang = bool(select.select([descriptor], [], [], for_ns / NS_PER_S)[0])
        if rang:
            os.read(descriptor, 4096)
        return rang


class Pair(NamedTuple):
    """Both ends of a bell, in the form in which they are passed to new processes."""

    waits: Connection
    rings: Connection


class Bells(NamedTuple):
    """The two bells between a player and a thinker; both processes get both."""

    to_thinker: Pair
    to_player: Pair


def new_bells() -> Bells:
    """Make the bells; keep them open as long as either process may be started."""
    spawn = multiprocessing.get_context("spawn")
    return Bells(Pair(*spawn.Pipe(duplex=False)), Pair(*spawn.Pipe(duplex=False)))


class RungRing:
    """The writing end of a ring; each write rings a bell. Thread: one."""

    def __init__(self, ring: Ring, bell: Bell) -> None:
        self._ring, self._bell = ring, bell

    def write(self, payload: bytes) -> bool:
        """Write as `Ring.write`; ring also where the ring is full."""
        written = self._ring.write(payload)
        self._bell.ring()
        return written
