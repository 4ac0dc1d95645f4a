"""The notes that a role has scheduled, as long as they may have to be changed."""

from collections.abc import Callable, Iterable, Sequence
from typing import Final

import msgspec

from ripieno.music import chords, voicing
from ripieno.play.scheduler import Due
from ripieno.play.seat import Seat
from ripieno.protocol import PlannedNote

SHORTEST_TICKS: Final = 20
"""The shortest note that is worth playing."""
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

    def move(self, before: int, chord: int, span: tuple[int, int], now_ns: int) -> None:
        """Play another chord from now on.

        Notes that sound and do not belong to it end. Those that began in the span and
        go on for a while are struck again where they belong.

        Args:
            before: the chord for which the notes were written.
            chord: the other one.
            span: the ticks from which and until which notes are moved.
            now_ns: now.
        """
        begin, end = span
        tones, now = chords.pitch_classes(chord), self._seat.timeline.ticks_at(now_ns)
        cut = self.cut(lambda note: note.pitch % 12 not in tones, now_ns)
        ahead = self.cancel(
            lambda note: note.start_ticks < end and note.pitch % 12 not in tones
        )
        again = [
            msgspec.structs.replace(note, start_ticks=now)
            for note in cut
            if note.start_ticks >= begin and note.end_ticks > now + SHORTEST_TICKS
        ]
        taken = {(n.start_ticks, n.pitch) for n in self.waiting.values()}
        taken |= {(now, n.pitch) for n in self.begun.values()}
        moved = distinct(self._moved(n, before, chord) for n in (*again, *ahead))
        self.add([n for n in moved if (n.start_ticks, n.pitch) not in taken], now_ns)

    def forget(self) -> None:
        """Forget all notes; they are played as scheduled."""
        self.waiting.clear()
        self.begun.clear()

    def stop(self, at_ns: int) -> None:
        """Remove everything that the role has scheduled, and end what sounds."""
        self.forget()
        self._seat.clear_schedule()
        self._seat.release(at_ns)

    def _moved(self, note: PlannedNote, before: int, chord: int) -> PlannedNote:
        """A note on another chord, within the register."""
        params = self._seat.params
        pitch = voicing.moved(note.pitch, before, chord)
        pitch = voicing.within(pitch, params.low, params.high)
        return msgspec.structs.replace(note, pitch=pitch)


def distinct(notes: Iterable[PlannedNote]) -> list[PlannedNote]:
    """The longest of the notes that would begin on one key at one time."""
    longest: dict[tuple[int, int], PlannedNote] = {}
    for note in notes:
        key = note.start_ticks, note.pitch
        if key not in longest or note.end_ticks > longest[key].end_ticks:
            longest[key] = note
    return list(longest.values())


def _shorten(notes: dict[int, PlannedNote]) -> None:
    while len(notes) > KEPT:
        del notes[next(iter(notes))]
