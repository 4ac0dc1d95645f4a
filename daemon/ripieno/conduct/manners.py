"""The manner of a texture (how dense, how thick), if the musician does not set it.

A model alone keeps the manner that it happened to begin with. Pianists follow the
melody: with a melody in sixteenths they play sixteenths five times as often as with one
in eighths. So for each phrase of four bars a manner is drawn from those that pianists
play with such a melody.

From beat to beat that density is changed: an accompanist fills where the soloist rests
or holds a note, and leaves room where the soloist is busy. At a fast tempo a bar has
fewer notes, because it is shorter.
"""

import random
from bisect import bisect
from collections import deque
from typing import Final

from ripieno.music.spans import DENSITIES, STYLES, Manner, Phase, Span, class_of

PHRASE_BARS: Final = 4
"""A manner is drawn anew after so many bars."""
HEARD: Final = 48
"""From how many of the human's onsets the rhythm is judged: some eight bars."""
FEWEST: Final = 8
"""With fewer onsets the rhythm is taken to be in eighths."""
SHARES: Final = (0.02, 0.1, 0.2, 0.35)
"""Edges between the classes of melodies, by the share of onsets between eighths."""

POP: Final = (
    ((4, 2), (5, 3), (5, 2)),
    ((5, 2), (5, 3), (6, 3)),
    ((6, 3), (5, 2), (6, 2)),
    ((6, 3), (6, 2), (7, 3)),
    ((6, 2), (6, 3), (7, 3)),
)
"""For each class of melodies, the three commonest classes of density and thickness
(`ripieno.music.spans.DENSITIES`, `VOICES`) around the mean, in POP909."""
SONG: Final = (
    ((6, 3), (5, 4), (6, 4)),
    ((6, 3), (6, 4), (7, 4)),
    ((6, 3), (6, 4), (7, 4)),
    ((7, 4), (6, 4), (7, 3)),
    ((7, 4), (8, 4), (6, 4)),
)
"""The same in OpenScore's art songs."""


USUAL: Final = (1.4, 3.3, 6.4, 9.4, 12.5, 15.9, 20.8, 27.0)
"""A density in each class of `ripieno.music.spans.DENSITIES`, in notes a bar."""
USUAL_BEAT_S: Final = 0.7
"""The beat at which the tables hold: 86 bpm. The median of POP909 is 80."""
BY_TEMPO: Final = 0.8
"""The power of the beat's length with which the notes of a bar grow. In POP909 it is
0.2; there a fast song is often written in half the tempo. With 0.7 a song had at 180
bpm 0.68 of the notes a bar that it had at 70; with 0.9, 0.52."""
RESTS, HOLDS, IS_BUSY = 2.2, 1.3, 0.6
"""By how much the density is multiplied where the soloist is silent, holds a note, or
is busy."""
BUSY: Final = 4
"""From so many onsets in the last two beats on the soloist is busy."""
WINDOW_FRAMES: Final = 8
REST_FRAMES: Final = 2
"""A silence that is at least so long is a rest."""


class Manners:
    """Draws manners by the human's rhythm. Thread: one."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._between: deque[bool] = deque(maxlen=HEARD)
        self._recent: deque[int] = deque(maxlen=BUSY)

    def on_note(self, frame: int) -> None:
        """Count a note of the human's in a frame of the song."""
        self._between.append(bool(frame % 2))
        self._recent.append(frame)

    def of(
        self, wanted: Manner, phase: Phase, frame: int, beat: Span, beat_s: float
    ) -> Manner:
        """Return the manner of a span: as wanted, if that says anything, else as drawn.

        Args:
            wanted: what the musician has set.
            phase: where the span lies.
            frame: its first frame, in the song.
            beat: what was heard of the human in it so far.
            beat_s: how long a quarter note lasts now.
        """
        if wanted.density or wanted.voices:
            return wanted
        table = SONG if STYLES[wanted.style] == "song" else POP
        chance = random.Random(f"{self._seed}/{phase.bar // PHRASE_BARS}")
        density, voices = chance.choice(table[self._kind()])
        notes = USUAL[density - 1] * (beat_s / USUAL_BEAT_S) ** BY_TEMPO
        notes *= self._room(frame, beat)
        return Manner(class_of(notes, DENSITIES), voices, wanted.style)

    def _room(self, frame: int, beat: Span) -> float:
        """By how much the density is multiplied for what the soloist does now."""
        last = self._recent[-1] if self._recent else frame - WINDOW_FRAMES
        if frame - last >= REST_FRAMES:
            return HOLDS if beat.sounding[0] else RESTS
        is_full = len(self._recent) == BUSY
        is_busy = is_full and frame - self._recent[0] < WINDOW_FRAMES
        return IS_BUSY if is_busy else 1.0

    def _kind(self) -> int:
        if len(self._between) < FEWEST:
            return 1
        return bisect(SHARES, sum(self._between) / len(self._between))
