"""What the human plays, on the grid: notes in ticks → spans of frames.

A note belongs to the nearest sixteenth. A key that is still down sounds on, unless so
many newer notes came that it is forgotten; a note shorter than a frame sounds for one.
This module does not know what a bar is, nor what is made of the spans.
"""

from dataclasses import dataclass
from typing import Final

from ripieno.music.duet import FRAME_TICKS, Span

KEPT_FRAMES: Final = 64
"""Notes that ended so long before the newest one are forgotten."""
MOST_NOTES: Final = 1024
"""The newest so many are kept: 64 in each of 16 beats. Every key looks at all."""


def frame_of(ticks: int) -> int:
    """The frame that a tick is nearest to; the later one on a tie."""
    return (ticks + FRAME_TICKS // 2) // FRAME_TICKS


@dataclass(slots=True)
class _Note:
    """A note on the grid; `end` is None while its key is down."""

    pitch: int
    onset: int
    end: int | None = None


class Beats:
    """The human's notes of the last few bars. Cost: O(notes kept)."""

    def __init__(self) -> None:
        self._notes: list[_Note] = []

    def clear(self) -> None:
        """Forget everything, held keys too."""
        self._notes.clear()

    def down(self, ticks: int, pitch: int) -> int:
        """A key went down; the frame that its note belongs to."""
        frame = frame_of(ticks)
        oldest = frame - KEPT_FRAMES
        kept = [n for n in self._notes if n.end is None or n.end > oldest]
        self._notes = [*kept[1 - MOST_NOTES :], _Note(pitch, frame)]
        return frame

    def up(self, ticks: int, pitch: int) -> None:
        """A key came up."""
        for note in self._notes:
            if note.end is None and note.pitch == pitch:
                note.end = max(note.onset + 1, frame_of(ticks))

    def span(self, first: int, frames: int) -> Span:
        """What was heard in some frames; keys that are still down sound on."""
        struck = tuple(
            tuple(sorted(n.pitch for n in self._notes if n.onset == frame))
            for frame in range(first, first + frames)
        )
        sounding = tuple(
            tuple(
                sorted(
                    {
                        n.pitch
                        for n in self._notes
                        if n.onset <= frame and (n.end is None or n.end > frame)
                    }
                )
            )
            for frame in range(first, first + frames)
        )
        return Span(struck, sounding)
