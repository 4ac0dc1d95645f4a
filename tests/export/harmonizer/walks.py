"""Chorales made by the tests: walks over their own triads."""

import numpy as np

from ripieno_export.tokenize import Ints

MAJOR = np.array([0, 2, 4, 5, 7, 9, 11])


def rows(seed: int, onsets: int = 40) -> Ints:
    """A walk in C major over its own triads, shape (N, 4), from the soprano down."""
    rng = np.random.default_rng(seed)
    steps = rng.integers(-2, 3, onsets)
    steps[::5] = 1
    degree = np.clip(35 + np.cumsum(steps), 32, 40)
    degrees = np.stack([degree, degree - 2, degree - 4, degree - 14], 1)
    return np.asarray(12 * (degrees // 7) + MAJOR[degrees % 7] + 12)
