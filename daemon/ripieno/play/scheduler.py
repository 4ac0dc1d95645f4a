"""What is to be played, in ticks: a heap, so a tempo change re-times nothing.

Holds planned notes; hands out what is due. Offs come before ons at the same tick. The
off of a note enters the heap only when its on was handed out, so that clearing the plan
can never lose one: what sounds is the ledger's, which `Scheduler.clear` leaves alone.
"""

import heapq
import itertools
from collections.abc import Callable, Iterable
from typing import NamedTuple

from ripieno.protocol import PlannedNote


class Due(NamedTuple):
    """Something whose time has come; `velocity` 0 is an off."""

    ticks: int
    note_id: int
    pitch: int
    velocity: int
    part: int


class Scheduler:
    """A heap of notes. Cost: O(log n) a note."""

    def __init__(self) -> None:
        self._heap: list[tuple[int, bool, int, PlannedNote]] = []
        self._ids = itertools.count(1)
        self.dropped = 0

    @property
    def is_empty(self) -> bool:
        """Whether nothing is to start or to stop."""
        return not self._heap

    def add(
        self, notes: Iterable[PlannedNote], earliest_ticks: int | None = None
    ) -> list[int]:
        """Put notes on the heap; their ids. Those that are too late are dropped.

        Args:
            notes: in any order.
            earliest_ticks: what was to begin before this comes too late; None for any.
        """
        ids = []
        for note in notes:
            if earliest_ticks is not None and note.start_ticks < earliest_ticks:
                self.dropped += 1
                continue
            ids.append(next(self._ids))
            heapq.heappush(self._heap, (note.start_ticks, True, ids[-1], note))
        return ids

    def cancel(self, which: Callable[[int], bool]) -> None:
        """Forget notes that have not begun, by their ids. Cost: O(n)."""
        kept = [entry for entry in self._heap if not (entry[1] and which(entry[2]))]
        self._heap = kept
        heapq.heapify(self._heap)

    def next_ticks(self) -> int | None:
        """When something is due next, or None."""
        return self._heap[0][0] if self._heap else None

    def take(self, until_ticks: int, now_ticks: int | None = None) -> list[Due]:
        """All that is due at or before a tick, in order.

        A note whose end has passed as well before it could start is dropped: late is
        worse than missing.

        Args:
            until_ticks: that tick.
            now_ticks: what has passed, where things are taken ahead of their time.
        """
        now_ticks = until_ticks if now_ticks is None else now_ticks
        due: list[Due] = []
        while self._heap and self._heap[0][0] <= until_ticks:
            ticks, is_on, note_id, note = heapq.heappop(self._heap)
            if not is_on:
                due.append(Due(ticks, note_id, note.pitch, 0, note.part))
                continue
            if note.end_ticks < now_ticks and note.end_ticks > note.start_ticks:
                self.dropped += 1
                continue
            due.append(Due(ticks, note_id, note.pitch, note.velocity, note.part))
            off_ticks = max(note.end_ticks, note.start_ticks + 1)
            heapq.heappush(self._heap, (off_ticks, False, note_id, note))
        return due

    def clear(self) -> None:
        """Forget the plan, offs included: the ledger releases what sounds."""
        self._heap.clear()
