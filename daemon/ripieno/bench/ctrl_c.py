"""Raises KeyboardInterrupt only at points that the program chooses."""

import signal
from types import FrameType
from typing import Any, Self


class CtrlC:
    """A context in which Ctrl-C is only recorded. Thread: the main one.

    A KeyboardInterrupt can be raised in any line, also while something is being opened.
    In this context only `check` raises it.
    """

    def __init__(self) -> None:
        self._is_pressed = False
        self._before: Any = None

    def __enter__(self) -> Self:
        self._before = signal.signal(signal.SIGINT, self._note)
        return self

    def __exit__(self, *_: object) -> None:
        signal.signal(signal.SIGINT, self._before)

    def check(self) -> None:
        """Raise KeyboardInterrupt if Ctrl-C was pressed since the last call."""
        if self._is_pressed:
            self._is_pressed = False
            raise KeyboardInterrupt

    def _note(self, _number: int, _frame: FrameType | None) -> None:
        self._is_pressed = True
