"""The schedule: a heap of planned notes in ticks, so a tempo change re-times nothing.

It hands out what is due. In one tick, note-offs come before note-ons. A note-off enters
the heap only when its note-on was handed out, so clearing the schedule cannot lose one:
what sounds is in the ledger, which `Scheduler.clear` leaves alone.

Each note belongs to a seat, whose number is part of the note's id.
"""

import heapq
import itertools
from collections.abc import Callable, Iterable
from typing import Final, NamedTuple

from ripieno.protocol import PlannedNote

MOST_SEATS: Final = 64
"""Seats are numbered from 0 to one less."""


def owner_of(note_id: int) -> int:
    """Return the number of the seat that a note belongs to; -1 for no planned note."""
    return note_id % MOST_SEATS if note_id > 0 else -1


class Due(NamedTuple):
    """A note-on or a note-off that is due.

    Attributes:
        ticks: when it is due.
        note_id: of the note; its note-on and its note-off have the same one.
        pitch: as in `PlannedNote`.
        velocity: 0 for a note-off.
        exact_ns: when a note-on is due within its tick; None for the tick's beginning.
    """

    ticks: int
    note_id: int
    pitch: int
    velocity: int
    exact_ns: int | None = None


_Entry = tuple[int, bool, int, PlannedNote, int | None]
"""Tick, whether it is a note-on, id, note, exact time."""


class Scheduler:
    """A heap of notes. Cost: O(log n) a note.

    Attributes:
        dropped: how many notes were too late to be played.
    """

    def __init__(self) -> None:
        self._heap: list[_Entry] = []
        self._ids = itertools.count(1)
        self.dropped = 0

    @property
    def is_empty(self) -> bool:
        """Whether no note is to begin or to end."""
        return not self._heap

    def add(
        self,
        notes: Iterable[PlannedNote],
        owner: int = 0,
        *,
        at_ns: int | None = None,
        earliest_ticks: int | None = None,
    ) -> list[int]:
        """Put notes on the heap; return the ids of those that are not too late.

        Args:
            notes: in any order.
            owner: the number of the seat that plays them.
            at_ns: when notes that start in that very tick are due; None for the
                beginning of the tick.
            earliest_ticks: notes that start before it are dropped; None for no limit.
        """
        ids = []
        for note in notes:
            if earliest_ticks is not None and note.start_ticks < earliest_ticks:
                self.dropped += 1
                continue
            ids.append(next(self._ids) * MOST_SEATS + owner)
            heapq.heappush(self._heap, (note.start_ticks, True, ids[-1], note, at_ns))
        return ids

    def cancel(self, which: Callable[[int], bool]) -> None:
        """Remove notes that have not begun and whose ids match. Cost: O(n)."""
        self._heap = [e for e in self._heap if not (e[1] and which(e[2]))]
        heapq.heapify(self._heap)

    def next_ticks(self) -> int | None:
        """Return when something is due next, or None."""
        return self._heap[0][0] if self._heap else None

    def take(self, until_ticks: int, now_ticks: int | None = None) -> list[Due]:
        """Return all that is due at or before a tick, in order.

        A note that could not begin before its end is dropped: a late note is worse than
        a missing one.

        Args:
            until_ticks: that tick.
            now_ticks: the tick of now, if `until_ticks` is later; else None.
        """
        now_ticks = until_ticks if now_ticks is None else now_ticks
        due: list[Due] = []
        while self._heap and self._heap[0][0] <= until_ticks:
            ticks, is_on, note_id, note, exact_ns = heapq.heappop(self._heap)
            if is_on and note.start_ticks < note.end_ticks < now_ticks:
                self.dropped += 1
                continue
            velocity = note.velocity if is_on else 0
            due.append(Due(ticks, note_id, note.pitch, velocity, exact_ns))
            if is_on:
                off_ticks = max(note.end_ticks, note.start_ticks + 1)
                heapq.heappush(self._heap, (off_ticks, False, note_id, note, None))
        return due

    def has_notes_of(self, owner: int) -> bool:
        """Whether a note of a seat is to begin or to end. Cost: O(n)."""
        return any(owner_of(entry[2]) == owner for entry in self._heap)

    def clear(self, owner: int | None = None) -> None:
        """Remove the notes of a seat, or all; the ledger releases what sounds.

        Note-offs are removed too. Cost: O(n).
        """
        kept = [] if owner is None else self._heap
        self._heap = [entry for entry in kept if owner_of(entry[2]) != owner]
        heapq.heapify(self._heap)
