"""The manner of a texture (how dense, how thick), if the musician does not set it.

A model alone keeps the manner that it happened to begin with. Pianists follow the
melody: with a melody in sixteenths they play sixteenths five times as often as with one
in eighths. So for each phrase of four bars a manner is drawn from those that pianists
play with such a melody.
"""

import random
from bisect import bisect
from collections import deque
from typing import Final

from ripieno.music.spans import STYLES, Manner, Phase

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


class Manners:
    """Draws manners by the human's rhythm. Thread: one."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._between: deque[bool] = deque(maxlen=HEARD)

    def on_note(self, frame: int) -> None:
        """Count a note of the human's in a frame of the song."""
        self._between.append(bool(frame % 2))

    def of(self, wanted: Manner, phase: Phase) -> Manner:
        """The manner of a span: as wanted, if that says anything, else as drawn."""
        if wanted.density or wanted.voices:
            return wanted
        table = SONG if STYLES[wanted.style] == "song" else POP
        chance = random.Random(f"{self._seed}/{phase.bar // PHRASE_BARS}")
        density, voices = chance.choice(table[self._kind()])
        return Manner(density, voices, wanted.style)

    def _kind(self) -> int:
        if len(self._between) < FEWEST:
            return 1
        return bisect(SHARES, sum(self._between) / len(self._between))
