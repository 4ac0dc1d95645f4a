"""The distribution of measured values: quantiles, mean, deviation, histogram.

Values are numbers in any unit. A quantile is always one of the measured values: `p99`
of a hundred is the second largest.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from typing import Final

import msgspec

QUANTILES: Final = (0.5, 0.95, 0.99, 0.999)
BAR: Final = 40
"""The length of a histogram's longest bar, in characters."""
BINS: Final = 14
FEWEST: Final = 4
A_BIN: Final = 8
"""The least number of values for each line, on average."""
EIGHTHS: Final = " ▏▎▍▌▋▊▉█"


class Spread(msgspec.Struct, frozen=True):
    """The distribution of some values; all 0 where there are none.

    Attributes:
        count: the number of values.
        mean, sd: the mean and the standard deviation.
        least, most: the smallest and the largest value.
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
    """Return the distribution of some values. Cost: a sort."""
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
    """Return a quantile of rising values; 0 where there are none."""
    return ordered[int(share * (len(ordered) - 1))] if ordered else 0.0


def cells(found: Spread, digits: int = 3) -> tuple[str, ...]:
    """Return a row's cells under `HEADINGS`."""
    shown = (found.p50, found.p95, found.p99, found.p99_9, found.most, found.sd)
    return f"{found.count:,}", *(f"{value:.{digits}f}" for value in shown)


def histogram(values: Iterable[float], unit: str, bins: int = BINS) -> list[str]:
    """Return the lines of a histogram.

    The bars cover all values except one of 200 at either end.

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
