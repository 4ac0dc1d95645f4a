"""The chord that a hand holds, named from its keys as an arranger keyboard names it.

The keys are compared with the shapes of `ripieno.music.chords`. Where several chords
have the same notes, the lowest key decides: C E G A with C below is C6, with A below
Am7. Keys that make none of these chords may make a richer one, or one without its
fifth; it is then heard as the nearest chord of the table.
"""

from collections.abc import Iterable
from typing import Final, NamedTuple

from ripieno.music import chords
from ripieno.music.scales import NAMES

_PLAIN: Final = {frozenset(shape): i for i, shape in enumerate(chords.INTERVALS)}
_RICHER: Final = {
    frozenset(shape): chords.SUFFIXES.index(suffix)
    for suffix, shapes in {
        "": ((0, 7), (0, 2, 4, 7)),
        "m": ((0, 2, 3, 7), (0, 3, 7, 11), (0, 2, 3, 7, 9)),
        "7": (
            (0, 4, 10), (0, 4, 6, 10), (0, 1, 4, 7, 10), (0, 2, 4, 7, 10),
            (0, 3, 4, 7, 10), (0, 4, 9, 10), (0, 4, 7, 9, 10), (0, 2, 4, 7, 9, 10),
            (0, 2, 4, 5, 7, 10),
        ),
        "maj7": ((0, 4, 11), (0, 2, 4, 7, 11), (0, 2, 4, 7, 9, 11)),
        "m7": ((0, 3, 10), (0, 2, 3, 7, 10), (0, 2, 3, 5, 7, 10)),
        "sus4": ((0, 5, 7, 10), (0, 2, 5, 7, 10)),
        "aug": ((0, 4, 8, 10),),
        "6": ((0, 2, 4, 7, 9),),
    }.items()
    for shape in shapes
}  # fmt: skip
"""Intervals above the root → the quality as which they are heard."""
FEWEST: Final = 3
"""With fewer pitch classes the chord may be unfinished; see `named`."""


class Held(NamedTuple):
    """A chord, and the pitch class of its bass.

    Attributes:
        chord: a number of `ripieno.music.chords`.
        bass: the pitch class of the lowest key.
    """

    chord: int
    bass: int

    def __str__(self) -> str:
        name = chords.name_of(self.chord)
        is_inverted = self.bass != chords.root_of(self.chord)
        return f"{name}/{NAMES[self.bass]}" if is_inverted else name


def named(pitches: Iterable[int], *, only_plain: bool = False) -> Held | None:
    """Return the chord that some keys make; None where they make none.

    A chord whose root is the lowest key comes first, then the order of
    `ripieno.music.chords.SHAPES`. Two keys make a chord if they are root and fifth.

    Args:
        pitches: the keys, as MIDI pitches, in any order.
        only_plain: whether to leave out richer and incomplete chords.

    Cost: some 10 µs.
    """
    keys = sorted(pitches)
    if not keys:
        return None
    bass, classes = keys[0] % 12, {key % 12 for key in keys}
    for shapes in (_PLAIN,) if only_plain else (_PLAIN, _RICHER):
        found = [
            (root != bass, quality, root)
            for root in classes
            if (quality := shapes.get(frozenset((c - root) % 12 for c in classes)))
            is not None
        ]
        if found:
            _, quality, root = min(found)
            return Held(chords.chord(root, quality), bass)
    return None
