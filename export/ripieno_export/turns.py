"""Who plays what in a crop: the human, or the machine.

There is no corpus of duets between people and machines, so notes are assigned at
random: mostly in turns that change at the longest silences, sometimes one part to each
(a voice and its piano, or two hands), sometimes all to the human. A key's release has
the source of its press, because whole notes are assigned.
"""

from typing import Final

import numpy as np
import numpy.typing as npt

from ripieno.music.sources import HUMAN, MACHINE
from ripieno_export.tokenize import Ints, Notes

Generator = np.random.Generator

TURN_S: Final = (2.0, 10.0)
"""A turn's length, log-uniform: a short call to a long phrase."""
ALONE: Final = 0.10
PARTS: Final = 0.15
PARTS_IN_DUETS: Final = 0.60
HUMAN_FIRST: Final = 0.75


def deal(notes: Notes, rng: Generator, *, duet: bool = False) -> Ints:
    """A source for each note.

    Args:
        notes: by onset, shape (N,).
        rng: where the choices come from.
        duet: track 0 is a voice, the others accompany it.
    """
    parts = PARTS_IN_DUETS if duet else PARTS
    choice = rng.random()
    if choice < ALONE or not len(notes):
        return np.full(len(notes), HUMAN, np.int64)
    if choice < ALONE + parts and notes["track"].max() > notes["track"].min():
        return by_part(notes, rng)
    return by_turn(notes, rng)


def by_part(notes: Notes, rng: Generator) -> Ints:
    """Track 0 to one, the others to the other; the human mostly leads."""
    leads, follows = (HUMAN, MACHINE) if rng.random() < HUMAN_FIRST else (1, 0)
    return np.where(notes["track"] == 0, leads, follows).astype(np.int64)


def by_turn(notes: Notes, rng: Generator) -> Ints:
    """Alternating turns."""
    start = notes["start"].astype(np.float64)
    source = np.empty(len(notes), np.int64)
    player, first = (HUMAN if rng.random() < HUMAN_FIRST else MACHINE), 0
    while first < len(notes):
        length_s = float(np.exp(rng.uniform(*np.log(TURN_S))))
        last = _breath(start, first, length_s)
        source[first:last] = player
        player, first = 1 - player, last
    return source


def _breath(start: npt.NDArray[np.float64], first: int, length_s: float) -> int:
    """The note before which the longest silence lies, around a turn's planned end."""
    low = int(np.searchsorted(start, start[first] + 0.7 * length_s))
    high = int(np.searchsorted(start, start[first] + 1.3 * length_s))
    low = max(low, first + 1)
    if high <= low:
        return min(max(high, low), len(start))
    return low + int(np.argmax(start[low:high] - start[low - 1 : high - 1]))
