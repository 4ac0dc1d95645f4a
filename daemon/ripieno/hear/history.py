"""The history of what was really played, by both sides: in order, of bounded length.

In a role of turns, a thinker that was restarted is told the history. The fallback
learns from it.
"""

import itertools
from collections import deque
from collections.abc import Iterator
from typing import Final

from ripieno.protocol import Played

LONGEST_EVENTS: Final = 1024
"""About a minute of dense two-handed playing: more than a recurrent state remembers."""


class History:
    """The last `LONGEST_EVENTS` events. Cost: O(1) an event, memory bounded."""

    def __init__(self) -> None:
        self._events: deque[Played] = deque(maxlen=LONGEST_EVENTS)

    def add(self, event: Played) -> None:
        """Append an event. When the history is full, the oldest one is dropped."""
        self._events.append(event)

    def __iter__(self) -> Iterator[Played]:
        return iter(self._events)

    def __len__(self) -> int:
        return len(self._events)

    def human_onsets(self, most: int = 128) -> list[Played]:
        """Return the human's last note-ons, oldest first. Cost: O(events kept)."""
        onsets = (event for event in reversed(self._events) if event.is_human_onset)
        return list(itertools.islice(onsets, most))[::-1]
