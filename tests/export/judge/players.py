"""Small accompanists for the tests of the harness, and the published one."""

from collections import deque

import pytest

from ripieno.errors import ModelError
from ripieno.music.spans import Note
from ripieno.protocol import Comp, Decide, Ready
from ripieno_export.judge.simulated import Players, folder_of

READY = Ready("plain", "", "script", "it is written down", ("accompany",))


class Plain:
    """A mind that plays the likeliest chord's root on every beat, in two sections."""

    def __init__(self):
        self.waiting: deque[Comp] = deque()

    def told(self, message):
        if not isinstance(message, Decide):
            return
        chord = max(range(len(message.chords)), key=message.chords.__getitem__)
        note = Note(0, 60 + chord // 12, 2)
        rest = message.frames
        self.waiting = deque(
            [
                Comp(message.revision, 0, chord, 1.0, (note,), 1, complete=False),
                Comp(message.revision, 1, chord, 1.0, (), rest, complete=True),
            ]
        )

    def answer(self):
        return self.waiting.popleft() if self.waiting else None


def plain() -> Players:
    return Players(Plain(), READY, None)


def alone() -> Players:
    return Players(None, None, None)


def need_model() -> None:
    """Skip where no model of the role is installed."""
    try:
        folder_of()
    except ModelError as error:
        pytest.skip(str(error))
