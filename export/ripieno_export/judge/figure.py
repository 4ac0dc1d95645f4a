"""A figure: a mean over songs, and how far it may be off.

Figures that are properties of a whole set of songs (an entropy of all chord lengths)
get their error from the jackknife: from what leaving out one song changes.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ripieno_export.judge.pieces import Floats


@dataclass(frozen=True, slots=True)
class Figure:
    """A value with its standard error.

    Attributes:
        mean: over songs, or of the whole set; NaN where no song has one.
        error: its standard error; NaN with fewer than two songs.
        songs: how many have one.
    """

    mean: float
    error: float
    songs: int


def mean_of(values: npt.ArrayLike) -> Figure:
    """The mean over songs; songs without a figure (NaN) are left out."""
    found = np.asarray(values, np.float64)
    found = found[np.isfinite(found)]
    if not len(found):
        return Figure(float("nan"), float("nan"), 0)
    error = found.std(ddof=1) / np.sqrt(len(found)) if len(found) > 1 else np.nan
    return Figure(float(found.mean()), float(error), len(found))


def quantile_of(values: npt.ArrayLike, share: float) -> Figure:
    """A quantile over songs; its error is a bootstrap's.

    Source: 200 resamplings from a fixed seed; the jackknife fails for quantiles (Efron
    and Tibshirani 1993, section 11.6).
    """
    found = np.asarray(values, np.float64)
    found = found[np.isfinite(found)]
    if not len(found):
        return Figure(float("nan"), float("nan"), 0)
    chance = np.random.default_rng(0)
    drawn = found[chance.integers(len(found), size=(200, len(found)))]
    error = float(np.quantile(drawn, share, axis=1).std(ddof=1))
    return Figure(float(np.quantile(found, share)), error, len(found))


def pooled(table: Floats, statistic: Callable[[Floats], float]) -> Figure:
    """A statistic of the sum of all songs' counts.

    Args:
        table: counts of each song, shape (songs, K).
        statistic: of counts, shape (K,).
    """
    songs, whole = len(table), table.sum(axis=0)
    if not songs or not whole.any():
        return Figure(float("nan"), float("nan"), 0)
    if songs == 1:
        return Figure(statistic(whole), float("nan"), 1)
    without = np.array([statistic(whole - row) for row in table])
    spread = ((without - without.mean()) ** 2).sum() * (songs - 1) / songs
    return Figure(statistic(whole), float(np.sqrt(spread)), songs)


def agree(one: Figure, other: Figure, errors: float = 2.0) -> bool:
    """Whether two figures lie within so many standard errors of their difference."""
    spread = float(np.hypot(one.error, other.error))
    return abs(one.mean - other.mean) <= errors * spread


def entropy(counts: Floats) -> float:
    """The entropy of counts, in nats."""
    total = counts.sum()
    shares = counts[counts > 0] / total if total else counts[:0]
    return max(0.0, float(-(shares * np.log(shares)).sum()))
