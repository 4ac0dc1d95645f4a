"""A process of ours that is watched, and started again when it ends or hangs."""

from collections.abc import Callable
from multiprocessing.process import BaseProcess
from typing import Final

from ripieno.clock import NS_PER_S
from ripieno.processes.interrupts import children_are_spared

PER_NS: Final = 20 * NS_PER_S
"""How far back `Child.starts_lately` looks."""


class Child:
    """One of the supervisor's processes. Thread: one."""

    def __init__(
        self, name: str, hung_ns: int, start: Callable[[], BaseProcess]
    ) -> None:
        """Prepare; nothing starts yet.

        Args:
            name: for people.
            hung_ns: how long its heart may stand still.
            start: starts the process.
        """
        self.name = name
        self._hung_ns, self._start = hung_ns, start
        self._process: BaseProcess | None = None
        self._starts: list[int] = []

    def start(self, now_ns: int) -> None:
        """Start it, for the first time or again."""
        self._starts.append(now_ns)
        with children_are_spared():
            self._process = self._start()

    def starts_lately(self, now_ns: int, per_ns: int = PER_NS) -> int:
        """How often it was started in the last `per_ns`, at most `PER_NS`."""
        self._starts = [at_ns for at_ns in self._starts if at_ns > now_ns - PER_NS]
        return sum(at_ns > now_ns - per_ns for at_ns in self._starts)

    @property
    def is_running(self) -> bool:
        """Whether it was started and has not ended."""
        return self._process is not None and self._process.exitcode is None

    @property
    def exit_code(self) -> int | None:
        """How it ended, or None."""
        return None if self._process is None else self._process.exitcode

    def end_if_hung(self, now_ns: int, beat_ns: int) -> None:
        """Kill it when its heart stands still; 0 is a heart that has yet to begin."""
        if beat_ns and self.is_running and now_ns - beat_ns > self._hung_ns:
            self.kill()

    def kill(self) -> None:
        """End it, whatever it does."""
        if self._process is not None:
            self._process.kill()
            self._process.join()
