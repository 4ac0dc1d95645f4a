"""Makes the texture denser where the soloist rests, and thinner where they are busy.

The texture's model follows the density that it is asked for over bars, not from beat to
beat: asked for twice the notes in each rest, it wrote as many as before. So notes are
added to what it wrote, and left out of it.

In a rest, each beat without a note half-way is given one. A slow beat is also given one
on its last sixteenth, which leads into the next beat. A very short beat is given one on
the beat instead. The note is the next chord tone above or below the last note, up and
down between the limits of the line. While the soloist plays sixteenths, the texture's
own notes between eighths are left out.
"""

from collections import deque
from collections.abc import Sequence
from typing import Final

from ripieno.conduct.cue import Cue
from ripieno.music import chords
from ripieno.music.spans import Note

LOW: Final = 55
HIGH: Final = 76
"""The line of the fills lies between G3 and E5."""
MIDDLE: Final = 64
SHORTEST_S: Final = 0.36
"""A span that is shorter has no note half-way: 167 beats a minute."""
SLOW_S: Final = 0.75
"""From this length on a span has a note on its last sixteenth: 80 beats a minute."""
BUSY: Final = 3
"""From so many onsets within a span on the soloist is busy."""


class Filling:
    """Adds and leaves out notes by what the soloist does. Thread: one. Cost: O(1)."""

    def __init__(self) -> None:
        self._frames: deque[int] = deque(maxlen=BUSY)  # of the soloist's last notes
        self._last, self._rises = MIDDLE, True

    def on_note(self, frame: int) -> None:
        """Count a note of the soloist's, in a frame of the song."""
        self._frames.append(frame)

    def is_rest(self, first: int, frames: int, *, sounds: bool) -> bool:
        """Return whether the soloist rests in a span.

        A note struck right on the beat before is no rest yet: the next may come late.

        Args:
            first: the first frame of the span, in the song.
            frames: how many it has.
            sounds: whether a note of the soloist's sounds on its beat.
        """
        if sounds or not self._frames:
            return False
        return first - self._frames[-1] > frames

    def thinned(self, notes: Sequence[Note], first: int, frames: int) -> list[Note]:
        """Return the notes of a span without those that a busy soloist covers."""
        is_busy = len(self._frames) == BUSY and self._frames[0] > first - frames
        return [note for note in notes if not (is_busy and note.frame % 2)]

    def fill(
        self, cue: Cue, above: Sequence[Note], frames: int, span_s: float
    ) -> list[Note]:
        """Return the notes to be added to a span in which the soloist rests.

        Args:
            cue: of the span.
            above: the notes of its texture above the bass, as far as they are written.
            frames: how many it has.
            span_s: its length in seconds.
        """
        if above:
            self._last = min(max(note.pitch for note in above), HIGH)
        struck = {note.frame for note in above}
        added = []
        for frame in _places(frames, span_s):
            if frame not in struck:
                self._last = self._next(cue.chord)
                added.append(Note(frame, self._last, min(2, frames - frame)))
        return added

    def _next(self, chord: int) -> int:
        """Return the next chord tone in the direction of the line."""
        tones = chords.pitch_classes(chord)
        if self._last >= HIGH - 2 or self._last <= LOW + 2:
            self._rises = self._last <= LOW + 2
        step = 1 if self._rises else -1
        pitches = range(self._last + step, self._last + 13 * step, step)
        return next(pitch for pitch in pitches if pitch % 12 in tones)


def _places(frames: int, span_s: float) -> list[int]:
    """The frames of a span that are to have a note in a rest."""
    if span_s < SHORTEST_S:
        return [0]
    half_way = list(range(2, frames, 2))
    return [*half_way, frames - 1] if span_s >= SLOW_S else half_way
