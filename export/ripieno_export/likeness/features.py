"""What likeness is without a network: histograms of pitch and rhythm, rare runs.

Each method turns notes into one vector, to be compared by the cosine; those of pitch
classes are compared at their best of twelve transpositions.
"""

from collections.abc import Callable, Sequence
from typing import Final

import numpy as np

from ripieno.layouts.likeness import Floats, upper_line

CLASSES: Final = 12

Scores = Callable[[Floats, Floats], Floats]
"""Queries' vectors [Q, F] and the library's [N, F] → scores [Q, N]."""


def pitch_classes(notes: Floats) -> Floats:
    """How long each pitch class sounds."""
    length = notes[:, 1] - notes[:, 0]
    shares = np.bincount(notes[:, 2].astype(np.int64) % 12, length, CLASSES)
    return shares.astype(np.float64)


def rhythm(notes: Floats) -> Floats:
    """Gaps of the upper line, places in the beat, and notes per beat, as shares."""
    line = upper_line(notes)[:, 0]
    gaps = np.rint(np.diff(line) * 4).astype(np.int64).clip(0, 16)
    places = np.rint((notes[:, 0] % 1) * 12).astype(np.int64) % 12
    beats = np.floor(notes[:, 0] - np.floor(notes[0, 0])).astype(np.int64)
    density = np.bincount(beats).clip(max=12)
    parts = [
        np.bincount(gaps, minlength=17),
        np.bincount(places, minlength=12),
        np.bincount(density, minlength=13),
    ]
    return np.concatenate([part / max(part.sum(), 1) for part in parts])


def rarity(rows: Floats) -> Floats:
    """The weight of each bucket: rarer in these pieces is heavier (tf-idf's idf)."""
    found = (rows > 0).sum(0)
    rare: Floats = np.log((1 + len(rows)) / (1 + found))
    return rare


def cosines(queries: Floats, library: Floats) -> Floats:
    """Cosines [Q, N]."""
    return _unit(queries) @ _unit(library).T


def aligned_cosines(queries: Floats, library: Floats) -> Floats:
    """Cosines [Q, N] of pitch classes, at the best transposition."""
    turned = [cosines(np.roll(queries, n, 1), library) for n in range(CLASSES)]
    found: Floats = np.max(turned, axis=0)
    return found


def weighted(weights: Floats) -> Scores:
    """Cosines of log counts under weights."""

    def scores(queries: Floats, library: Floats) -> Floats:
        return cosines(np.log1p(queries) * weights, np.log1p(library) * weights)

    return scores


def table(method: Callable[[Floats], Floats], pieces: Sequence[Floats]) -> Floats:
    """A method's vector of each piece, [P, F]."""
    return np.stack([method(notes) for notes in pieces])


def _unit(rows: Floats) -> Floats:
    length = np.linalg.norm(rows, axis=1, keepdims=True)
    unit: Floats = rows / np.maximum(length, 1e-12)
    return unit
