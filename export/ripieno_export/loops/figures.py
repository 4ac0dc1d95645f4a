"""Figures of bars, by which made bars are compared with real ones.

Every figure is of a set of rolls and of the chords they were played to. `gaps` says how
far two sets lie apart; the checkpoint that is published is chosen by it, since a
generator's own loss says nothing about its music.
"""

import math
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from ripieno.layouts.pattern import ONSET, SOUND, STEPS, STEPS_IN_BEAT
from ripieno_export.loops.bars import Bools

LONGEST: Final = 16
MOST_STRUCK: Final = 6
PAIRS: Final = 4096
"""Pairs of bars whose distance is the diversity."""
SHARED: Final = ("notes", "classes", "chord_tones")
"""Figures of which the ratio to the data's counts."""

Floats = npt.NDArray[np.float64]
Figures = dict[str, Any]


def figures(rolls: Bools, tones: Bools) -> Figures:
    """All figures of a set of bars.

    Qualified are notes longer than a sixteenth, the grid's shortest.

    Args:
        rolls: [N, 2, STEPS, ROWS].
        tones: which rows are chord tones, [N, BEATS, ROWS].
    """
    onsets, full = rolls[:, ONSET], rolls[:, ONSET].any((1, 2))
    struck = onsets.sum(2)  # [N, STEPS]
    lengths = lengths_of(rolls)
    classes = onsets.any(1).reshape(len(rolls), -1, 12).any(1).sum(1)
    return {
        "bars": len(rolls),
        "notes": float(onsets.sum((1, 2)).mean()),
        "classes": float(classes[full].mean()) if full.any() else 0.0,
        "empty": float(1 - full.mean()),
        "chord_tones": chord_tones(onsets, tones),
        "one_step": share(lengths[1], lengths.sum()),
        "qualified": share(lengths[2:].sum(), lengths.sum()),
        "distance": distance(onsets),
        "at": distribution(struck.sum(0)),
        "lengths": distribution(lengths),
        "rows": distribution(onsets.sum((0, 1))),
        "chords": distribution(np.bincount(np.minimum(struck, MOST_STRUCK).ravel(),
                                           minlength=MOST_STRUCK + 1)),
    }  # fmt: skip


def chord_tones(onsets: Bools, tones: Bools) -> float:
    """The share of notes that are tones of their beat's chord, where there is one."""
    there = np.repeat(tones, STEPS_IN_BEAT, 1)
    known = there.any(2)
    struck = onsets[known]
    return share((struck & there[known]).sum(), struck.sum())


def lengths_of(rolls: Bools) -> npt.NDArray[np.int64]:
    """How many notes have each length in steps, [LONGEST + 1]."""
    found = np.zeros(LONGEST + 1, np.int64)
    held = np.zeros(rolls.shape[::3], np.int64)
    for step in reversed(range(STEPS)):
        on, sound = rolls[:, ONSET, step], rolls[:, SOUND, step]
        held = np.where(sound, held + 1, 0)
        found += np.bincount(held[on], minlength=LONGEST + 1)
        held = np.where(on, 0, held)
    return found


def distance(onsets: Bools, others: Bools | None = None) -> float:
    """How unlike bars are: the share of notes that two of them do not have in common.

    Of pairs drawn from the set, or of each with its partner.
    """
    if others is None:
        chance = np.random.default_rng(0)
        one, two = chance.integers(len(onsets), size=(2, PAIRS))
        onsets, others = onsets[one[one != two]], onsets[two[one != two]]
    apart = (onsets ^ others).sum((1, 2))
    total = onsets.sum((1, 2)) + others.sum((1, 2))
    return float((apart / np.maximum(total, 1)).mean())


def rhythm_kept(onsets: Bools, before: Bools) -> float:
    """How alike the rhythms of bars and their neighbours are: shared steps of all."""
    one, two = onsets.any(2), before.any(2)
    both, either = (one & two).sum(1), (one | two).sum(1)
    return float((both / np.maximum(either, 1)).mean())


def gaps(made: Figures, real: Figures) -> dict[str, float]:
    """How far made bars are from real ones: ratios as logarithms, the rest in bits."""
    apart = {name: ratio(made[name], real[name]) for name in SHARED}
    apart |= {name: abs(made[name] - real[name]) for name in ("empty", "one_step")}
    apart["distance"] = ratio(made["distance"], real["distance"])
    for name in ("at", "lengths", "rows", "chords"):
        apart[name] = divergence(made[name], real[name])
    return apart


def ratio(one: float, two: float) -> float:
    """How far apart two amounts are, as a logarithm."""
    return abs(math.log(max(one, 1e-3) / max(two, 1e-3)))


def divergence(one: Floats, two: Floats) -> float:
    """Jensen–Shannon, in bits."""
    middle = (one + two) / 2

    def to_middle(own: Floats) -> float:
        there = own > 0
        return float((own[there] * np.log2(own[there] / middle[there])).sum())

    return (to_middle(one) + to_middle(two)) / 2


def distribution(counts: npt.NDArray[Any]) -> Floats:
    """Counts as shares."""
    found: Floats = counts.astype(np.float64) / max(float(counts.sum()), 1.0)
    return found


def share(part: float, whole: float) -> float:
    """A part of a whole that may be nothing."""
    return float(part) / max(float(whole), 1.0)
