"""Ctrl-C, taken where it does no harm: between two looks, never within a call."""

import signal
from types import FrameType
from typing import Any, Self


class CtrlC:
    """A context in which Ctrl-C is only noted. Thread: the main one.

    A KeyboardInterrupt can fall into any line, also into one that has half opened
    something; here it waits for `check`.
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
        """Raise KeyboardInterrupt, once for each time that it was pressed."""
        if self._is_pressed:
            self._is_pressed = False
            raise KeyboardInterrupt

    def _note(self, _number: int, _frame: FrameType | None) -> None:
        self._is_pressed = True
