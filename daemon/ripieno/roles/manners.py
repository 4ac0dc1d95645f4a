"""In what manner a phrase is filled, where the musician leaves it open.

Left to itself the texture stays in whatever manner it fell into, sparse or thick. What
pianists do depends on what they hear: to a melody in sixteenths they play sixteenths
five times as often as to one in eighths. So a manner is drawn for each phrase of four
bars from those that pianists play to such a melody. What the musician asks for is kept.
"""

import random
from bisect import bisect
from collections import deque
from typing import Final

from ripieno.music.spans import STYLES, Manner, Phase

PHRASE_BARS: Final = 4
HEARD: Final = 48
"""Onsets of the human's that tell their rhythm: some eight bars."""
FEWEST: Final = 8
SHARES: Final = (0.02, 0.1, 0.2, 0.35)
"""Edges between melodies by the share of their onsets that lie between eighths."""

POP: Final = (
    ((4, 2), (5, 3), (5, 2)),
    ((5, 2), (5, 3), (6, 3)),
    ((6, 3), (5, 2), (6, 2)),
    ((6, 3), (6, 2), (7, 3)),
    ((6, 2), (6, 3), (7, 3)),
)
"""To each of those melodies, the commonest classes of density and thickness
(`duet.DENSITIES`, `duet.VOICES`) around the mean, of POP909's pianists …"""
SONG: Final = (
    ((6, 3), (5, 4), (6, 4)),
    ((6, 3), (6, 4), (7, 4)),
    ((6, 3), (6, 4), (7, 4)),
    ((7, 4), (6, 4), (7, 3)),
    ((7, 4), (8, 4), (6, 4)),
)
"""… and of OpenScore's art songs."""


class Manners:
    """Hears the human's rhythm, and chooses. Thread: one."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._between: deque[bool] = deque(maxlen=HEARD)

    def heard(self, frame: int) -> None:
        """The human struck a note in a frame, counted from the song's beginning."""
        self._between.append(bool(frame % 2))

    def of(self, wanted: Manner, phase: Phase) -> Manner:
        """How to fill a span: as the musician says, else as pianists would."""
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
