"""Ctrl-C: where it raises, and how child processes are shielded from it.

A terminal sends SIGINT to every process of the group. Python installs its handler
before our code runs. So a child that chooses to ignore SIGINT has some 0.2 s in which
Ctrl-C ends it with a traceback. A child that inherits SIGINT as blocked does not.

The parent must not be interrupted while it sends the child its arguments, or the child
ends with a traceback. Blocking the signal does not suffice: the system delivers it to
another thread of the parent, and Python then raises KeyboardInterrupt in the main
thread. So the signal is recorded, and raised afterwards.
"""

import contextlib
import signal
import sys
import threading
from collections.abc import Iterator
from types import FrameType
from typing import Any, Self


class _Raiser:
    """A handler that raises KeyboardInterrupt, and remembers that it did."""

    def __init__(self) -> None:
        self.has_raised = False

    def __call__(self, _number: int, _frame: FrameType | None) -> None:
        self.has_raised = True
        raise KeyboardInterrupt


def raise_interrupts() -> None:
    """Have Ctrl-C raise KeyboardInterrupt, unless this process ignores SIGINT."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_DFL:
        signal.signal(signal.SIGINT, _Raiser())


def raise_lost_interrupt() -> None:
    """Raise KeyboardInterrupt where it was raised before, and did not arrive.

    Native code that calls Python may drop an exception: of 50 times that Ctrl-C came as
    the demo began, it was lost once. A loop that lasts calls this in each turn.
    """
    handler = signal.getsignal(signal.SIGINT)
    if isinstance(handler, _Raiser) and handler.has_raised:
        raise KeyboardInterrupt


class CtrlC:
    """A context in which Ctrl-C is only recorded. Thread: the main one.

    A KeyboardInterrupt can be raised in any line, also while something is being opened.
    In this context only `check` raises it.
    """

    def __init__(self) -> None:
        self.is_pressed = False
        self._before: Any = None

    def __enter__(self) -> Self:
        self._before = signal.signal(signal.SIGINT, self._note)
        return self

    def __exit__(self, *_: object) -> None:
        signal.signal(signal.SIGINT, self._before)

    def check(self) -> None:
        """Raise KeyboardInterrupt if Ctrl-C was pressed since the last call."""
        if self.is_pressed:
            self.is_pressed = False
            raise KeyboardInterrupt

    def _note(self, _number: int, _frame: FrameType | None) -> None:
        self.is_pressed = True


@contextlib.contextmanager
def children_are_spared() -> Iterator[None]:
    """Shield processes that are started inside, and their children, from SIGINT.

    A Ctrl-C inside the context is handled at its end. On Windows, which has no signal
    mask, only this holds.

    Thread: the one that starts the process.
    """
    with _deferred(), _blocked():
        yield


@contextlib.contextmanager
def _deferred() -> Iterator[None]:
    """Record SIGINT, and handle it at the end; handlers run in the main thread only."""
    is_main = threading.current_thread() is threading.main_thread()
    if not is_main or signal.getsignal(signal.SIGINT) is None:
        yield
        return
    ctrl_c = CtrlC()
    try:
        with ctrl_c:
            yield
    finally:
        if ctrl_c.is_pressed:
            signal.raise_signal(signal.SIGINT)


@contextlib.contextmanager
def _blocked() -> Iterator[None]:
    """Block SIGINT in this thread and in the processes that it starts."""
    if sys.platform == "win32":
        yield
        return
    from multiprocessing import resource_tracker

    resource_tracker.ensure_running()  # where it starts, it unblocks SIGINT itself
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
