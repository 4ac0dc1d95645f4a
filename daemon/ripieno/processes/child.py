"""A child process that is watched, and started again when it ends or hangs."""

import multiprocessing
from collections.abc import Callable
from multiprocessing.process import BaseProcess
from typing import Final

from ripieno.clock import NS_PER_MS, NS_PER_S, Clock
from ripieno.errors import ModelError
from ripieno.ipc.block import LOADING_NS, Block
from ripieno.ipc.waking import Bells
from ripieno.processes import thinker
from ripieno.processes.interrupts import children_are_spared
from ripieno.settings.config import Settings
from ripieno.settings.ensemble import minds_of

PER_NS: Final = 20 * NS_PER_S
"""How far back `Child.starts_lately` looks."""
LOOK_NS: Final = 10 * NS_PER_MS
"""Between two looks whether a child is ready."""

spawn: Final = multiprocessing.get_context("spawn")


def start_process(name: str, run: Callable[..., None], *args: object) -> BaseProcess:
    """Start a process that calls `run`; Ctrl-C does not reach it."""
    process = spawn.Process(target=run, args=args, name=f"ripieno {name}")
    with children_are_spared():
        process.start()
    return process


def start_thinker(block: Block, settings: Settings, bells: Bells) -> BaseProcess:
    """Start a thinker process, which loads the models and then answers the player."""
    return start_process(
        "thinker",
        thinker.run,
        block.name,
        settings.model,
        settings.provider,
        minds_of(settings.ensemble),
        bells,
    )


class Child:
    """A child process and how it is started. Thread: one."""

    def __init__(
        self, name: str, hung_ns: int, start: Callable[[], BaseProcess]
    ) -> None:
        """Prepare; nothing starts yet.

        Args:
            name: its name, in sentences for people.
            hung_ns: how old its heartbeat may be.
            start: starts the process and returns it.
        """
        self.name = name
        self._hung_ns, self._start = hung_ns, start
        self._process: BaseProcess | None = None
        self._starts: list[int] = []

    def start(self, now_ns: int) -> None:
        """Start it, for the first time or again."""
        self._starts.append(now_ns)
        self._process = self._start()

    def wait_until(self, is_ready: Callable[[], bool], clock: Clock) -> bool:
        """Wait until a started process is ready.

        Args:
            is_ready: called every 10 ms; reads what the process has said.
            clock: the system's.

        Returns:
            False where it ended before it was ready.

        Raises:
            ModelError: it was not ready within `LOADING_NS`.
        """
        until_ns = clock.now_ns() + LOADING_NS
        while True:
            is_running = self.is_running  # before the look: its last words count
            if is_ready():
                return True
            if not is_running:
                return False
            if clock.now_ns() > until_ns:
                raise ModelError(
                    f"The {self.name} was not ready within "
                    f"{LOADING_NS // NS_PER_S} s; try a smaller model."
                )
            clock.wait_until(clock.now_ns() + LOOK_NS)

    def starts_lately(self, now_ns: int, per_ns: int = PER_NS) -> int:
        """Return how often it was started in the last `per_ns`, at most `PER_NS`."""
        self._starts = [at_ns for at_ns in self._starts if at_ns > now_ns - PER_NS]
        return sum(at_ns > now_ns - per_ns for at_ns in self._starts)

    @property
    def is_running(self) -> bool:
        """Whether it was started and has not ended."""
        return self._process is not None and self._process.exitcode is None

    @property
    def exit_code(self) -> int | None:
        """Its exit code, or None while it runs or before it was started."""
        return None if self._process is None else self._process.exitcode

    def end_if_hung(self, now_ns: int, beat_ns: int) -> None:
        """Kill it when its last heartbeat is too old; 0 means none has come yet."""
        if beat_ns and self.is_running and now_ns - beat_ns > self._hung_ns:
            self.kill()

    def kill(self) -> None:
        """Kill it, and wait until it has ended."""
        if self._process is not None:
            self._process.kill()
            self._process.join()
