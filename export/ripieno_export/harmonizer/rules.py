"""What the harmonizer has to beat: harmony by rule, one note at a time.

Both are given what no live harmonizer has: the key of the whole melody.
"""

from collections.abc import Iterator
from itertools import product

import numpy as np

from ripieno.layouts.voices import NOBODY
from ripieno.minds.harmonizer import RANGES
from ripieno.music import scales
from ripieno.rules.parallel import parallel
from ripieno_export.tokenize import Ints


def scale_of(melody: Ints) -> frozenset[int]:
    """The scale of a whole melody, its own notes among it."""
    return scales.heard(melody.tolist())


def in_parallel(melody: Ints, kind: str) -> Ints:
    """Parallel motion below the melody, shape (N, 3), bass, tenor, alto."""
    scale = scale_of(melody)
    rows = []
    for pitch in melody.tolist():
        found = sorted(parallel(pitch, scale, kind, voices=3))
        rows.append((*found, *[NOBODY] * (3 - len(found))))
    return np.array(rows, np.int64)


def nearest_triads(melody: Ints) -> Ints:
    """Triads of the key in root position, each voice moving as little as it can.

    Of all triads of the scale that hold the melody's note, and all their voicings in
    range with the root in the bass, the one nearest to the chord before.
    """
    scale = scale_of(melody)
    before = (50, 57, 64)  # the middle of each range
    rows = []
    for pitch in melody.tolist():
        choices = list(_voicings(pitch, scale)) or [before]
        last = before
        before = min(choices, key=lambda v: (_motion(v, last), v))
        rows.append(before)
    return np.array(rows, np.int64)


def _motion(voices: tuple[int, ...], before: tuple[int, ...]) -> int:
    return sum(abs(a - b) for a, b in zip(voices, before, strict=True))


def _voicings(melody: int, scale: frozenset[int]) -> Iterator[tuple[int, int, int]]:
    for root in sorted(scale):
        triad = _triad(root, scale)
        if melody % 12 not in triad:
            continue
        spans = [
            [p for p in range(low, high + 1) if p % 12 in triad] for low, high in RANGES
        ]
        for bass, tenor, alto in product(*spans):
            classes = {bass % 12, tenor % 12, alto % 12, melody % 12}
            is_ordered = bass <= tenor <= alto <= melody
            if is_ordered and bass % 12 == root and classes == triad:
                yield bass, tenor, alto


def _triad(root: int, scale: frozenset[int]) -> set[int]:
    """The scale's third and fifth above a root, as far as it has them."""
    third = next((s for s in (4, 3) if (root + s) % 12 in scale), 4)
    fifth = next((s for s in (7, 6, 8) if (root + s) % 12 in scale), 7)
    return {root, (root + third) % 12, (root + fifth) % 12}
