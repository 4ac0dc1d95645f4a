"""The chord with which a song may end: the tonic of all that was heard."""

from typing import Final

import numpy as np
import numpy.typing as npt

from ripieno.conduct.tonic import IS_MINOR, KEYS
from ripieno.music import chords
from ripieno.music.chords import NO_CHORD
from ripieno.music.spans import Span

Floats = npt.NDArray[np.float64]

MEMORY: Final = 0.995
"""The share of what was heard that remains after a felt beat. A song that changes its
key for the last chorus ends in that one."""
SCALE: Final = 2.0
"""The weight of the share of what was heard that lies in a key's scale."""
LAST: Final = 0.1
"""The weight of a last note that is the tonic."""
SIXTH: Final = 9
"""A melody in major that ends on the sixth degree is in the relative minor."""
DEGREES: Final = (0, 2, 4, 5, 7, 9, 11)


def _scales() -> Floats:
    """Which pitch classes are in the scale of each key, in the order of `KEYS`."""
    scale = np.zeros(12)
    scale[list(DEGREES)] = 1.0
    major = [np.roll(scale, tonic) for tonic in range(12)]
    return np.array([*major, *(np.roll(scale, tonic + 3) for tonic in range(12))])


SCALES: Final = _scales()


class Home:
    """Estimates the last chord. Thread: one. Cost: some 10 µs.

    The chord is I or vi of the reference's key, or its minor, in .91 of 300 pop songs
    and 300 jazz tunes, and in .87 to .95 of art songs, dances and hymns. With
    `ripieno.conduct.tonic` these are .82, .89, and .81 to .95.
    """

    def __init__(self) -> None:
        self._sung = np.zeros(12)
        self._last: int | None = None

    def hear(self, span: Span) -> None:
        """Take in a felt beat that is over."""
        for struck, sounding in zip(span.struck, span.sounding, strict=True):
            for pitch in sounding:
                self._sung[pitch % 12] += 1
            if struck:
                self._last = max(struck) % 12
        self._sung *= MEMORY

    def chord(self) -> int:
        """Return the chord, major or minor; `NO_CHORD` if nothing was heard."""
        if self._last is None or not self._sung.any():
            return NO_CHORD
        weights = KEYS @ (self._sung / np.linalg.norm(self._sung))
        weights += SCALE * (SCALES @ self._sung) / self._sung.sum()
        weights[[self._last, 12 + self._last]] += LAST
        is_minor, root = divmod(int(weights.argmax()), 12)
        if not is_minor and (self._last - root) % 12 == SIXTH:
            is_minor, root = 1, self._last
        return chords.chord(root, IS_MINOR if is_minor else 0)

    def is_last(self) -> bool:
        """Return whether the last note is the tonic."""
        chord = self.chord()
        return chord != NO_CHORD and chords.root_of(chord) == self._last
