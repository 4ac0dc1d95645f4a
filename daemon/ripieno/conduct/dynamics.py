"""How loud the accompaniment plays, felt beat by felt beat.

It follows how loud the soloist plays, on two scales of time: a phrase that is louder
than the song so far makes the accompaniment louder, and a struck accent is joined. Over
each phrase lies an arc: a crescendo to its second half, and a fall at its end.

It knows no note of the accompaniment; `ripieno.play.expression` weighs those.

Source: the rules Phrase Arch and High Loud of the KTH rule system (Friberg, Bresin and
Sundberg 2006).
"""

from typing import Final

from ripieno.music.spans import Phase

AT_FIRST: Final = 80.0
"""The velocity that is assumed before the first note."""
SLOW: Final = 0.99
QUICK: Final = 0.85
"""How much each new note keeps of the average over the song, and over some beats."""
FOLLOWS: Final = 4.0
"""By how much the accompaniment deviates where the average of the soloist's last notes
deviates by 1 from that of the song. That average varies by a third of what single notes
do. POP909's pianists vary by 13.6 (standard deviation), its melodies by 9.4."""
FURTHEST: Final = 28.0
"""The furthest that the accompaniment deviates so."""
ARC: Final = 12.0
"""From the softest to the loudest point of a phrase, in velocity."""
ARC_BARS: Final = 8
"""The length of a phrase, if the musician does not set it."""
PEAK: Final = 0.6
"""Where in a phrase the arc is highest."""
HIGH_LOUD: Final = 0.4
"""How much louder the accompaniment is where the soloist's last notes are a semitone
higher than their average, in velocity."""


class Dynamics:
    """Follows the soloist's loudness. Thread: one. Cost: O(1)."""

    def __init__(self) -> None:
        self._song = self._lately = AT_FIRST
        self._height = self._high = 0.0
        self._count = 0
        self._accent = 0, 0.0  # frame, how much louder than the notes before

    def on_note(self, frame: int, pitch: int, velocity: int) -> None:
        """Count a note of the human's, in a frame of the song."""
        if not self._count:
            self._song = self._lately = float(velocity)
            self._height = self._high = float(pitch)
        self._count += 1
        self._accent = frame, max(velocity - self._lately, 0.0)
        slow = min(SLOW, 1 - 1 / self._count)  # at first a plain mean
        self._song += (1 - slow) * (velocity - self._song)
        self._lately += (1 - QUICK) * (velocity - self._lately)
        self._height += (1 - slow) * (pitch - self._height)
        self._high += (1 - QUICK) * (pitch - self._high)

    def velocity(self, phase: Phase, bars: int) -> float:
        """Return how loud a span is played, as a velocity.

        Args:
            phase: where the span lies.
            bars: the length of a phrase; one begins on bar 0.
        """
        place = (phase.bar % bars + phase.span / phase.spans) / bars
        own = FOLLOWS * (self._lately - self._song)
        own += HIGH_LOUD * (self._high - self._height)
        own = min(max(own, -FURTHEST), FURTHEST)
        return self._song + own + ARC * (arch(place) - 0.5)

    def accent(self, frame: int) -> float:
        """Return how much louder a note in a frame was than those before, or 0."""
        struck, louder = self._accent
        return louder if struck == frame else 0.0


def arch(place: float) -> float:
    """Return the height of the arc at a place of a phrase, both 0 … 1."""
    width = PEAK if place < PEAK else 1 - PEAK
    return 1 - ((place - PEAK) / width) ** 2
