"""How some measured values are spread: quantiles, mean, standard deviation, histogram.

Values are plain numbers in whatever unit the caller names. A quantile is a value that
was measured, never one between two: `p99` of a hundred is the second largest.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from typing import Final

import msgspec

QUANTILES: Final = (0.5, 0.95, 0.99, 0.999)
BAR: Final = 40
"""Characters of the longest bar of a histogram."""
BINS: Final = 14
FEWEST: Final = 4
A_BIN: Final = 8
"""Values that a line stands for, at least, in the mean."""
EIGHTHS: Final = " ▏▎▍▌▋▊▉█"


class Spread(msgspec.Struct, frozen=True):
    """What some values are like; of none all is 0.

    Attributes:
        count: how many there are.
        mean, sd: their mean, and their standard deviation.
        least, most: the smallest and the largest.
    """

    count: int = 0
    mean: float = 0.0
    sd: float = 0.0
    least: float = 0.0
    p50: float = 0.0
    p95: float = 0.0
    p99: float = 0.0
    p99_9: float = 0.0
    most: float = 0.0


HEADINGS: Final = ("n", "p50", "p95", "p99", "p99.9", "max", "sd")
"""Of a table's columns that `cells` fills."""


def spread(values: Iterable[float]) -> Spread:
    """What some values are like. Cost: a sort."""
    ordered = sorted(values)
    if not ordered:
        return Spread()
    count = len(ordered)
    mean = sum(ordered) / count
    variance = sum((value - mean) ** 2 for value in ordered) / count
    p50, p95, p99, p99_9 = (quantile(ordered, share) for share in QUANTILES)
    return Spread(
        count, mean, variance**0.5, ordered[0], p50, p95, p99, p99_9, ordered[-1]
    )


def quantile(ordered: Sequence[float], share: float) -> float:
    """The value that so many of some rising values do not exceed; 0 for none."""
    return ordered[int(share * (len(ordered) - 1))] if ordered else 0.0


def cells(found: Spread, digits: int = 3) -> tuple[str, ...]:
    """A row's cells under `HEADINGS`."""
    shown = (found.p50, found.p95, found.p99, found.p99_9, found.most, found.sd)
    return f"{found.count:,}", *(f"{value:.{digits}f}" for value in shown)


def histogram(values: Iterable[float], unit: str, bins: int = BINS) -> list[str]:
    """Lines that draw how often which value came.

    They span all but the 1 of 200 at either end, which have lines without a bar.

    Args:
        values: the measured values.
        unit: of them, for people.
        bins: how many lines at most, besides the first and the last.
    """
    ordered = sorted(values)
    if not ordered:
        return ["(nothing measured)"]
    bins = min(bins, max(FEWEST, len(ordered) // A_BIN))
    low, high = quantile(ordered, 0.005), quantile(ordered, 0.995)
    width = (high - low) / bins
    inner = [value for value in ordered if low <= value <= high]
    counts = [0] * bins
    for value in inner:
        counts[min(int((value - low) / width), bins - 1) if width > 0 else 0] += 1
    lines = [
        f"{low + index * width:10.3f} {unit:<7} {_bar(count, max(counts))} {count:,}"
        for index, count in enumerate(counts if width > 0 else counts[:1])
    ]
    below, beyond = (
        bisect_left(ordered, low),
        len(ordered) - bisect_right(ordered, high),
    )
    first = [f"{'below':>10} {'':<7} {below:,}"] if below else []
    return first + lines + ([f"{'beyond':>10} {'':<7} {beyond:,}"] if beyond else [])


def _bar(count: int, most: int) -> str:
    whole, part = divmod(round(count / most * BAR * 8), 8)
    return EIGHTHS[-1] * whole + (EIGHTHS[part] if part else "")
