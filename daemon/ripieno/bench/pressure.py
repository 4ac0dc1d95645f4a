"""Loads the machine while something else is measured.

Each kind of load runs in its own processes: `inference` runs a model's steps without
pause, `garbage` makes reference cycles and collects them, `busy` spins on every core.
The processes end with the `with`, or with the process that started them.
"""

import contextlib
import gc
import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator
from multiprocessing.context import SpawnProcess
from multiprocessing.synchronize import Event
from typing import Final

from ripieno.errors import ModelError

KINDS: Final = ("idle", "inference", "garbage", "busy")
MODEL: Final = "event-gru"
"""The model whose steps are run."""
LOADING_S: Final = 60.0
A_WHILE: Final = 200
"""The number of rounds between two checks for the end: some 50 ms of inference."""
HEAP: Final = 200_000
"""The number of objects that the collector has to scan."""


@contextlib.contextmanager
def pressure(kind: str) -> Iterator[None]:
    """Load the machine until the end of the `with`.

    Args:
        kind: of `KINDS`.

    Raises:
        ModelError: the model cannot be loaded.
    """
    count = {"idle": 0, "busy": os.cpu_count() or 1}.get(kind, 1)
    spawn, started = multiprocessing.get_context("spawn"), list[SpawnProcess]()
    try:
        for _ in range(count):
            is_working = spawn.Event()
            process = spawn.Process(
                target=_work, args=(kind, is_working), name=f"ripieno bench {kind}",
                daemon=True,
            )  # fmt: skip
            process.start()
            started.append(process)
            if not is_working.wait(LOADING_S):
                raise ModelError(
                    f"The load {kind!r} did not begin within {LOADING_S:g} s; is the "
                    f"model {MODEL!r} installed? `ripieno models` lists those that are."
                )
        yield
    finally:
        for process in started:
            process.kill()
            process.join()


def _work(kind: str, is_working: Event) -> None:
    """Run the load until the process is killed or its parent has ended."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    loads = {"inference": _inference, "garbage": _garbage}
    once = loads[kind]() if kind in loads else lambda: sum(range(1000))
    parent = multiprocessing.parent_process()
    once()
    is_working.set()
    while parent is None or parent.is_alive():
        for _ in range(A_WHILE):
            once()


def _inference() -> Callable[[], object]:
    from ripieno.inference.manifest import find
    from ripieno.inference.outputs import naming
    from ripieno.inference.session import Loaded

    with naming(MODEL):
        graph = Loaded(find(MODEL), "cpu").graphs["model"]
        graph.warm_up()
    return graph.run


def _garbage() -> Callable[[], object]:
    heap = [[index] for index in range(HEAP)]

    def once() -> None:
        litter(1000)
        gc.collect()
        heap.reverse()

    return once


def litter(count: int) -> None:
    """Make a number of objects that only the collector can free."""
    for _ in range(count):
        cycle: list[object] = []
        cycle.append(cycle)
