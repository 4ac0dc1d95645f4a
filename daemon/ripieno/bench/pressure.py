"""What keeps a machine busy while something else is measured on it.

Each kind is made of processes of their own, as a thinker is one: `inference` runs a
model's steps without pause, `garbage` makes cycles and has Python collect them, `busy`
spins on every core. They end with the `with`, or with the process that began them.
"""

import contextlib
import gc
import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator
from multiprocessing.process import BaseProcess
from multiprocessing.synchronize import Event
from typing import Final

from ripieno.errors import ModelError

IDLE: Final = "idle"
KINDS: Final = (IDLE, "inference", "garbage", "busy")
LOADING_S: Final = 60.0
A_WHILE: Final = 200
"""Rounds between two looks whether to go on: some 50 ms of inference."""
HEAP: Final = 200_000
"""Objects that the collector has to look through."""

_spawn = multiprocessing.get_context("spawn")


@contextlib.contextmanager
def pressure(kind: str, model: str) -> Iterator[None]:
    """Keep the machine busy from here to the end of the `with`.

    Args:
        kind: of `KINDS`.
        model: whose steps are run; a name or a folder.

    Raises:
        ModelError: the model cannot be loaded.
    """
    count = {IDLE: 0, "busy": os.cpu_count() or 1}.get(kind, 1)
    started: list[BaseProcess] = []
    try:
        while len(started) < count:
            started.append(_started(kind, model))
        yield
    finally:
        for process in started:
            process.kill()
            process.join()


def _started(kind: str, model: str) -> BaseProcess:
    is_working = _spawn.Event()
    process = _spawn.Process(
        target=_work, args=(kind, model, is_working), name=f"ripieno bench {kind}"
    )
    process.daemon = True
    process.start()
    if not is_working.wait(LOADING_S):
        process.kill()
        raise ModelError(
            f"The load {kind!r} did not begin within {LOADING_S:g} s; is the model "
            f"{model!r} installed? `ripieno models` lists those that are."
        )
    return process


def _work(kind: str, model: str, is_working: Event) -> None:
    """The process: until it is killed, or its parent is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    once = _inference(model) if kind == "inference" else _spin
    if kind == "garbage":
        once = _garbage()
    parent = multiprocessing.parent_process()
    once()
    is_working.set()
    while parent is None or parent.is_alive():
        for _ in range(A_WHILE):
            once()


def _inference(model: str) -> Callable[[], None]:
    from ripieno.think.manifest import find
    from ripieno.think.outputs import naming
    from ripieno.think.session import Loaded

    with naming(model):
        graph = Loaded(find(model), "cpu").graphs["model"]
        graph.warm_up()
    return graph.run


def _garbage() -> Callable[[], None]:
    heap = [[index] for index in range(HEAP)]

    def once() -> None:
        litter(1000)
        gc.collect()
        heap.reverse()

    return once


def _spin() -> None:
    sum(range(1000))


def litter(count: int) -> None:
    """Make so many objects that only the collector could free."""
    for _ in range(count):
        cycle: list[object] = []
        cycle.append(cycle)
