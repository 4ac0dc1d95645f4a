"""From played time to the grid of `ripieno.layouts.phrase`, and which grid it is.

A player's tempo varies, so onsets are placed one after the other: each is so many
sixteenths after the one before, and the grid's origin follows every onset by half. The
sixteenth comes from the even grid that the phrase lies on, else from its pulse.
Compound time (6/8) is chosen if onsets prefer thirds of a beat to halves; 3/4 if the
phrase lasts a multiple of three beats and not of four.

Times are ticks.
"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from ripieno.layouts.phrase import CELL, METERS, GridNote

FOLLOW: Final = 0.5
"""How far the origin follows an onset: tempo errors of 2 % then do not add up."""
PULSE_CELLS: Final = (1, 2, 4, 8)
"""Grid steps of a quarter note, on an even grid."""
COMPOUND: Final = 1.3
"""How much onsets must prefer thirds of a beat to halves; dotted rhythms reach 1.2."""
FEWEST_FOR_COMPOUND: Final = 5


@dataclass(frozen=True, slots=True)
class Beat:
    """The grid of a phrase.

    Attributes:
        step_ticks: a sixteenth.
        meter: index into `ripieno.layouts.phrase.METERS`.
    """

    step_ticks: float
    meter: int


def felt(onsets: Sequence[int], pulse_ticks: int, grid_ticks: int) -> Beat:
    """Return the grid that onsets lie on.

    Args:
        onsets: of one voice, rising; at least one.
        pulse_ticks: the beat that is felt in them.
        grid_ticks: the widest even grid that they lie on; 0 for none.
    """
    pulse = max(pulse_ticks, CELL)
    if not grid_ticks:
        return Beat(pulse / CELL, _simple(onsets, pulse / CELL))
    places = _places(onsets, grid_ticks)
    is_slow = 3 * grid_ticks >= pulse  # else the grid is of sixteenths
    if is_slow and len(onsets) >= FEWEST_FOR_COMPOUND and _is_compound(places):
        return Beat(grid_ticks / 2, METERS.index("6/8"))
    cells = min(PULSE_CELLS, key=lambda n: abs(n * grid_ticks - pulse))
    step = grid_ticks * cells / CELL
    return Beat(step, _simple(onsets, step))


def placed(notes: Sequence[tuple[int, int, int, int]], beat: Beat) -> list[GridNote]:
    """Return notes (onset, end, pitch, velocity) on the grid, the first at step 0."""
    steps = _places([note[0] for note in notes], beat.step_ticks)
    line = []
    for step, (onset, end, pitch, velocity) in zip(steps, notes, strict=True):
        length = max(1, round((end - onset) / beat.step_ticks))
        line.append(GridNote(step, step + length, pitch, velocity))
    return line


def _places(onsets: Sequence[int], step_ticks: float) -> list[int]:
    """Return each onset's step; the first is 0, onsets within half a step share one."""
    found: list[int] = []
    origin = float(onsets[0])
    for onset in onsets:
        step = round((onset - origin) / step_ticks)
        found.append(max(step, found[-1] if found else 0))
        origin += FOLLOW * (onset - origin - step * step_ticks)
    return found


def _simple(onsets: Sequence[int], step_ticks: float) -> int:
    """Return the index of 3/4 if the number of beats says so, else of 4/4."""
    beats = _places(onsets, step_ticks)[-1] // CELL + 1
    is_three = beats % 3 == 0 and beats % 4 != 0
    return METERS.index("3/4" if is_three else "4/4")


def _is_compound(places: Sequence[int]) -> bool:
    """Whether onsets, weighted by length, prefer every third grid step."""
    gaps = [b - a for a, b in itertools.pairwise(places)]
    weights = [*gaps, max(gaps)]
    thirds, halves = (_liking(places, weights, n) for n in ((3, 6), (2, 4)))
    return thirds > COMPOUND * halves


def _liking(
    places: Sequence[int], weights: Sequence[int], periods: tuple[int, ...]
) -> float:
    """Return the mean ratio of the weight on every n-th step to that by chance."""
    whole, last = sum(weights), places[-1]
    found = []
    for n in periods:
        by_chance = (last // n + 1) / (last + 1)
        there = sum(w for p, w in zip(places, weights, strict=True) if p % n == 0)
        found.append(there / whole / by_chance)
    return sum(found) / len(found)
