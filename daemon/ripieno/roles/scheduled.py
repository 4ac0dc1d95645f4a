"""The notes that a role has scheduled, as long as they may have to be changed."""

from collections.abc import Callable, Sequence
from typing import Final

from ripieno.play.scheduler import Due
from ripieno.protocol import PlannedNote
from ripieno.roles.seat import Seat

KEPT: Final = 1024
"""How many notes of each kind are kept: more than sound at once."""


class ScheduledNotes:
    """Notes by id: those that have yet to begin, and those that began.

    Attributes:
        waiting: id → note, of those that have not begun.
        begun: id → note, of those that began. Some may have ended.
    """

    def __init__(self, seat: Seat) -> None:
        self._seat = seat
        self.waiting: dict[int, PlannedNote] = {}
        self.begun: dict[int, PlannedNote] = {}

    def add(self, notes: Sequence[PlannedNote], at_ns: int) -> list[int]:
        """Schedule notes that were decided on at `at_ns`; return their ids."""
        ids = self._seat.schedule(notes, at_ns=at_ns)
        self.waiting |= zip(ids, notes, strict=True)
        _shorten(self.waiting)
        return ids

    def on_sent(self, due: Due) -> None:
        """Note that a note began."""
        if (note := self.waiting.pop(due.note_id, None)) is not None:
            self.begun[due.note_id] = note
            _shorten(self.begun)

    def cut(
        self, which: Callable[[PlannedNote], bool], now_ns: int
    ) -> list[PlannedNote]:
        """End the notes that began and match; return them."""
        cut = {i: note for i, note in self.begun.items() if which(note)}
        self.begun = {i: note for i, note in self.begun.items() if i not in cut}
        self._seat.release(now_ns, cut.__contains__)
        return list(cut.values())

    def cancel(self, which: Callable[[PlannedNote], bool]) -> list[PlannedNote]:
        """Remove the notes that have not begun and match; return them."""
        out = {i: note for i, note in self.waiting.items() if which(note)}
        self.waiting = {i: note for i, note in self.waiting.items() if i not in out}
        self._seat.cancel(out.__contains__)
        return list(out.values())

    def forget(self) -> None:
        """Forget all notes; they are played as scheduled."""
        self.waiting.clear()
        self.begun.clear()

    def stop(self, at_ns: int) -> None:
        """Remove everything that the role has scheduled, and end what sounds."""
        self.forget()
        self._seat.clear_schedule()
        self._seat.release(at_ns)


def _shorten(notes: dict[int, PlannedNote]) -> None:
    while len(notes) > KEPT:
        del notes[next(iter(notes))]
