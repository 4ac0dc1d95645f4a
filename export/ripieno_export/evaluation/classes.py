"""Each head as a classifier: accuracy, precision, recall, F1, and what it confuses.

Every head is given the fields before its own, as in playing. A class counts in the
macro means if it was played or chosen at all; a class that was never chosen has a
precision of 0, as is usual. Beside the accuracy stands that of always choosing the
commonest class.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from ripieno.layouts.vocabulary import FIELDS, N_DOWN, SIZES
from ripieno_export.evaluation.predictions import Predictions
from ripieno_export.tokenize import Floats, Ints

DOWN_VELOCITY: Final = "velocity of downs"
"""A key that comes up always has velocity 0, so its velocity is not judged."""


@dataclass(frozen=True, slots=True)
class Mean:
    """Means over classes."""

    precision: float
    recall: float
    f1: float


@dataclass(frozen=True, slots=True)
class Scores:
    """How well one head chooses.

    Attributes:
        accuracy: the share of events whose likeliest value was played.
        commonest: the accuracy of always choosing the commonest value.
        classes: how many values were played or chosen.
        macro: every class counts the same.
        weighted: classes count as often as they were played.
    """

    accuracy: float
    commonest: float
    classes: int
    macro: Mean
    weighted: Mean


def confusion(told: Ints, chosen: Ints, size: int) -> Ints:
    """How often each value was chosen where each was played.

    Returns:
        Shape (size, size); a row is what was played, a column what was chosen.
    """
    pairs = np.bincount(told * size + chosen, minlength=size * size)
    return pairs.reshape(size, size).astype(np.int64)


def scores(counts: Ints) -> Scores:
    """All scores of a confusion matrix.

    Raises:
        ValueError: it counts nothing.
    """
    total = int(counts.sum())
    if not total:
        raise ValueError("a confusion matrix of no events has no scores")
    played, right = counts.sum(1), counts.diagonal()
    said = counts.sum(0)
    precision, recall = _ratio(right, said), _ratio(right, played)
    f1 = _ratio(2 * right, played + said)
    there = (played + said) > 0
    each = np.stack([precision, recall, f1])
    return Scores(
        accuracy=float(right.sum() / total),
        commonest=float(played.max() / total),
        classes=int(there.sum()),
        macro=Mean(*each[:, there].mean(1).tolist()),
        weighted=Mean(*(each * played / total).sum(1).tolist()),
    )


def _ratio(part: Ints, whole: Ints) -> Floats:
    return part / np.maximum(whole, 1)


def confusions(found: Predictions) -> dict[str, Ints]:
    """The confusion matrix of each head, and of the velocity of what goes down."""
    matrices = {
        name: confusion(found.told[:, head], found.chosen[:, head], SIZES[head])
        for head, name in enumerate(FIELDS)
    }
    is_down = found.told[:, FIELDS.index("key")] < N_DOWN
    last = FIELDS.index("velocity")
    matrices[DOWN_VELOCITY] = confusion(
        found.told[is_down, last], found.chosen[is_down, last], SIZES[last]
    )
    return matrices


def as_figures(matrices: Mapping[str, Ints]) -> dict[str, Any]:
    """The scores of matrices as JSON values."""
    return {
        name: {
            "accuracy": (of := scores(counts)).accuracy,
            "commonest": of.commonest,
            "classes": of.classes,
            **{
                kind: {
                    "precision": mean.precision,
                    "recall": mean.recall,
                    "f1": mean.f1,
                }
                for kind, mean in (("macro", of.macro), ("weighted", of.weighted))
            },
        }
        for name, counts in matrices.items()
        if counts.any()
    }
