"""What is to be reached: the *must* and the *good* of each figure, by corpus.

A bound is the least or the most that a figure may be, or how far it may lie from the
human's. Shares are of 1 here.
"""

import math
from dataclasses import dataclass
from typing import Final

from ripieno_export.judge.figure import Figure

LEAST: Final = "at least"
MOST: Final = "at most"
NEAR: Final = "near human"


@dataclass(frozen=True, slots=True)
class Target:
    """What one figure should be.

    Attributes:
        figure: its name in a `ripieno_export.judge.metrics.Sheet`.
        corpus: where it applies; empty means everywhere.
        bound: `LEAST`, `MOST` or `NEAR`.
        must, good: the bounds.
        condition: applies to sheets whose condition begins so; empty means to all.
    """

    figure: str
    corpus: str
    bound: str
    must: float
    good: float
    condition: str = ""

    def reached(self, figure: Figure, human: Figure | None = None) -> str:
        """``good``, ``must``, ``missed``, or ``-`` where it cannot be said."""
        value = figure.mean
        if self.bound == NEAR:
            if human is None:
                return "-"
            value = abs(figure.mean - human.mean)
        if math.isnan(value):
            return "-"
        worth = 1 if self.bound == LEAST else -1
        if worth * value >= worth * self.good:
            return "good"
        return "must" if worth * value >= worth * self.must else "missed"

    def stated(self, bound: float) -> str:
        """A bound in a table: ``≥ 0.66``."""
        sign = {LEAST: "≥", MOST: "≤", NEAR: "±"}[self.bound]
        return f"{sign} {bound:g}"


PREDICTING: Final = "predicting"
"""How the condition begins of takes whose every chord was decided a beat before."""
POP: Final = "POP909"
FOLK: Final = "Nottingham"

TARGETS: Final = (
    Target("ISR", "", LEAST, 0.995, 0.999),
    Target("ISRw", "", LEAST, 0.97, 0.995),
    Target("late p50", "", MOST, 1.0, 1.0),
    Target("late p99", "", MOST, 5.0, 1.0),
    Target("stuck", "", MOST, 0.0, 0.0),
    Target("NIC", FOLK, LEAST, 0.54, 0.58, PREDICTING),
    Target("NIC", POP, LEAST, 0.52, 0.57, PREDICTING),
    Target("LG", "", LEAST, 0.07, 0.13, PREDICTING),
    # Good is to reach the chord HMM: 74.6 and 72.2.
    Target("NIC", FOLK, LEAST, 0.66, 0.746),
    Target("NIC", POP, LEAST, 0.68, 0.722),
    Target("LG", FOLK, LEAST, 0.15, 0.26),
    Target("LG", POP, LEAST, 0.17, 0.26),
    Target("PC2", POP, LEAST, 0.62, 0.68),
    Target("length entropy", "", NEAR, 0.4, 0.2),
    Target("beat JSD", POP, MOST, 0.06, 0.03),
    Target("push beats", "", MOST, 8.0, 3.0),
    Target("copied p90", FOLK, MOST, 16.0, 12.0),
    Target("copied p90", POP, MOST, 12.0, 8.0),
)


def target_of(figure: str, corpus: str, condition: str = "") -> Target | None:
    """The target of a figure; the first that fits, so the special ones come first."""
    for target in TARGETS:
        fits = target.corpus in ("", corpus) and condition.startswith(target.condition)
        if target.figure == figure and fits:
            return target
    return None
