"""Whether a system was there in time: its ticks, its plans, its messages.

Source: StreamMUSE, for the in-schedule rate (ISR), the staleness and their product.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np

from ripieno_export.judge.figure import Figure, mean_of
from ripieno_export.judge.pieces import Floats, Ints
from ripieno_export.judge.take import Take, Timing

STALE: Final = 32
"""Frames: a plan this old is worth nothing."""


def in_schedule(timing: Timing) -> float:
    """ISR: the share of frames that had something schedulable."""
    ready = timing.is_ready
    return float(ready.mean()) if len(ready) else float("nan")


def staleness(timing: Timing) -> float:
    """The mean age, in frames, of what was played, in its own plan."""
    ages = _ages(timing)
    return float(ages.mean()) if len(ages) else float("nan")


def weighted_in_schedule(timing: Timing) -> float:
    """ISRw: Σ (32 − S) / 32 · I / N over the frames; S is the age, I whether ready."""
    ready = timing.is_ready
    if not len(ready):
        return float("nan")
    worth = 1.0 - np.minimum(_ages(timing), STALE) / STALE
    return float(worth.sum() / len(ready))


def _ages(timing: Timing) -> Ints:
    return timing.age_frames[timing.is_ready]


def figures(takes: Sequence[Take]) -> dict[str, Figure]:
    """The system's figures over all takes that were timed; none if none was."""
    timed = [take.timing for take in takes if take.timing is not None]
    if not timed:
        return {}
    late = np.abs(np.concatenate([timing.late_ms for timing in timed]))
    apart = np.abs(np.concatenate([timing.asynchrony_ms for timing in timed]))
    return {
        "ISR": mean_of([in_schedule(timing) for timing in timed]),
        "ISRw": mean_of([weighted_in_schedule(timing) for timing in timed]),
        "staleness": mean_of([staleness(timing) for timing in timed]),
        "late p50": _quantile(late, 0.5, len(timed)),
        "late p99": _quantile(late, 0.99, len(timed)),
        "asynchrony p95": _quantile(apart, 0.95, len(timed)),
        "stuck": stuck(takes),
    }


def stuck(takes: Sequence[Take]) -> Figure:
    """How many notes never ended, in all takes together."""
    total = float(sum(take.stuck_notes for take in takes))
    return Figure(total, 0.0, len(takes))


def _quantile(values: Floats, share: float, songs: int) -> Figure:
    found = float(np.quantile(values, share)) if len(values) else float("nan")
    return Figure(found, float("nan"), songs)
