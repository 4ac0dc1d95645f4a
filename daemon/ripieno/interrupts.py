"""Ctrl-C: when it raises, and how it is kept from the processes that we start.

A terminal sends SIGINT to every process of the group. Python installs its handler long
before any code of ours runs, so a child that ignores SIGINT by itself has some 0.2 s in
which Ctrl-C ends it with a traceback. A child that inherits SIGINT as blocked has no
such moment.

The parent must not be interrupted either while it hands the child its arguments, or
the child ends with a traceback for want of them. Blocking the signal is not enough for
that: the system gives it to another thread of the parent, and Python then raises
KeyboardInterrupt in the main thread. So it is noted, and raised afterwards.
"""

import contextlib
import signal
import sys
import threading
from collections.abc import Iterator
from types import FrameType


class _Raiser:
    """A handler that raises KeyboardInterrupt, and remembers that it did."""

    def __init__(self) -> None:
        self.has_raised = False

    def __call__(self, _number: int, _frame: FrameType | None) -> None:
        self.has_raised = True
        raise KeyboardInterrupt


def raise_interrupts() -> None:
    """From here on, Ctrl-C raises KeyboardInterrupt; unless this process ignores it."""
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


@contextlib.contextmanager
def children_are_spared() -> Iterator[None]:
    """Processes that are started inside, and theirs, never receive SIGINT.

    A Ctrl-C that comes meanwhile is handled when the context ends. On Windows, which
    has no signal mask, only that holds.

    Thread: the one that starts the process.
    """
    with _deferred(), _blocked():
        yield


@contextlib.contextmanager
def _deferred() -> Iterator[None]:
    """SIGINT is only noted, until the end; handlers run in the main thread alone."""
    handler = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or handler is None:
        yield
        return
    times: list[int] = []
    signal.signal(signal.SIGINT, lambda number, _: times.append(number))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, handler)
        if times:
            signal.raise_signal(signal.SIGINT)


@contextlib.contextmanager
def _blocked() -> Iterator[None]:
    """SIGINT is blocked in this thread, and in the processes that it starts."""
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
