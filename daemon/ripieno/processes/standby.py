"""A player process that waits, so that a player which died is replaced at once.

Loading Python, numpy and the tables takes 0.5 s or more, opening ports 0.1 s. So the
supervisor keeps a process that has loaded everything and waits for its `Orders`. The
process ends when the supervisor does.
"""

import contextlib
from multiprocessing.process import BaseProcess

from ripieno.ipc.waking import Bells
from ripieno.processes import player_process
from ripieno.processes.child import spawn, start_process
from ripieno.processes.player_process import Orders


class Standby:
    """One standby process. Thread: one."""

    def __init__(self, block_name: str, backend: str, bells: Bells) -> None:
        """Start it.

        Args:
            block_name: the shared block.
            backend: whose ports it will open.
            bells: between player and thinker.
        """
        theirs, self._orders = spawn.Pipe(duplex=False)
        self._process = start_process(
            "player", player_process.stand_by, block_name, backend, theirs, bells
        )
        theirs.close()

    @property
    def is_running(self) -> bool:
        """Whether it has not ended."""
        return self._process.exitcode is None

    def begin(self, orders: Orders) -> BaseProcess:
        """Let it play; return the process, which is a player from now on.

        If it has just ended, it counts as a player that died.
        """
        with contextlib.suppress(OSError):
            self._orders.send(orders)
        self._orders.close()
        return self._process

    def end(self) -> None:
        """End the process."""
        self._orders.close()
        self._process.kill()
        self._process.join()
