"""How one process wakes another that has nothing to do: a byte through a pipe.

Without it the other would look into its ring every half millisecond. That costs 15 % of
a core on both sides, and on a busy machine each look is late.

A bell has two ends. Whoever starts the processes keeps both for as long as it runs, and
gives each process its end; so a process that is started again uses the same bell, and
nobody sees an end of file. Windows cannot wait for a pipe like this: there nobody is
woken, and whoever waits looks again every half millisecond.
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
        """The descriptor, which becomes readable when it rings."""
        return self._pipe.fileno()

    def ring(self) -> None:
        """Wake whoever waits, or will wait. Cost: some µs; it never blocks."""
        if _IS_POSIX:
            with contextlib.suppress(BlockingIOError):  # it has rung often enough
                os.write(self._pipe.fileno(), b"!")

    def wait(self, for_ns: int) -> bool:
        """Wait until it rings, or for so long; whether it rang. Earlier rings count."""
        if not _IS_POSIX:
            threading.Event().wait(min(for_ns, POLL_NS) / NS_PER_S)
            return False
        descriptor = self._pipe.fileno()
        rang = bool(select.select([descriptor], [], [], for_ns / NS_PER_S)[0])
        if rang:
            os.read(descriptor, 4096)
        return rang


class Pair(NamedTuple):
    """Both ends of a bell, as they are given to processes when they are started."""

    waits: Connection
    rings: Connection


class Bells(NamedTuple):
    """The bells between a player and a thinker; given whole to both."""

    to_thinker: Pair
    to_player: Pair


def new_bells() -> Bells:
    """Fresh ones, to be kept open for as long as either process may be started."""
    spawn = multiprocessing.get_context("spawn")
    return Bells(Pair(*spawn.Pipe(duplex=False)), Pair(*spawn.Pipe(duplex=False)))


class RungRing:
    """The writing end of a ring that rings a bell. Thread: one."""

    def __init__(self, ring: Ring, bell: Bell) -> None:
        self._ring, self._bell = ring, bell

    def write(self, payload: bytes) -> bool:
        """See `Ring.write`; it rings also where the reader has to make room first."""
        written = self._ring.write(payload)
        self._bell.ring()
        return written
