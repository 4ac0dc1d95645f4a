"""What the human plays, on the grid: notes in ticks → spans of frames.

A note belongs to the nearest sixteenth. A key that is still down sounds on, unless so
many newer notes came that it is forgotten. A note shorter than a frame sounds for one.
This module does not know what a bar is.
"""

from dataclasses import dataclass
from typing import Final

from ripieno.music.spans import FRAME_TICKS, Span

KEPT_FRAMES: Final = 64
"""A note that ended so many frames before the newest one is forgotten."""
MOST_NOTES: Final = 1024
"""How many notes are kept: 64 in each of 16 beats. Each key-down looks at all."""


def frame_of(ticks: int) -> int:
    """Return the frame nearest to a tick; the later one on a tie."""
    return (ticks + FRAME_TICKS // 2) // FRAME_TICKS


@dataclass(slots=True)
class _Note:
    """A note on the grid; `end` is None while its key is down."""

    pitch: int
    onset: int
    end: int | None = None

    def sounds(self, frame: int) -> bool:
        """Whether it sounds in a frame."""
        return self.onset <= frame and (self.end is None or frame < self.end)


class Beats:
    """The human's notes of the last few bars. Cost: O(notes kept)."""

    def __init__(self) -> None:
        self._notes: list[_Note] = []

    def clear(self) -> None:
        """Forget everything, held keys too."""
        self._notes.clear()

    def down(self, ticks: int, pitch: int) -> int:
        """Add a key that went down; return the frame that its note belongs to."""
        frame = frame_of(ticks)
        oldest = frame - KEPT_FRAMES
        kept = [n for n in self._notes if n.end is None or n.end > oldest]
        self._notes = [*kept[1 - MOST_NOTES :], _Note(pitch, frame)]
        return frame

    def up(self, ticks: int, pitch: int) -> None:
        """End the note of a key that came up."""
        for note in self._notes:
            if note.end is None and note.pitch == pitch:
                note.end = max(note.onset + 1, frame_of(ticks))

    def span(self, first: int, frames: int) -> Span:
        """What was heard in some frames; keys that are still down sound on."""
        each = range(first, first + frames)
        struck = ((n.pitch for n in self._notes if n.onset == f) for f in each)
        sounding = ({n.pitch for n in self._notes if n.sounds(f)} for f in each)
        return Span(
            tuple(tuple(sorted(pitches)) for pitches in struck),
            tuple(tuple(sorted(pitches)) for pitches in sounding),
        )
