"""What the model has to beat: unigrams, and interpolated variable-order Markov chains.

Both are fitted on crops of the same training music, cut and dealt in the same way, and
judged on the same held-out crops. For each field several contexts are tried (absolute
keys and intervals among them), two smoothings and every order, and the best on the
held-out crops themselves is reported: the choice favours the baseline.

Source: Witten & Bell 1991 (interpolated); Ney, Essen & Kneser 1994 (absolute
discounting, interpolated). Cost: a few sorts of the training events per order.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from ripieno.layouts.vocabulary import FIELDS
from ripieno_export.contexts import Column, Problem, problems
from ripieno_export.dataset import Batch
from ripieno_export.tokenize import Floats, Ints

DISCOUNT: Final = 0.75

Hashes = npt.NDArray[np.uint64]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Result:
    """The best chain found for a field.

    Attributes:
        nats: per held-out event, shape (N,).
        name: its contexts, order and smoothing.
    """

    nats: Floats
    name: str


class _Order:
    """Counts of one order: of contexts, and of values in them."""

    def __init__(self, context: Hashes, value: Column) -> None:
        self._pairs, at, self._pair_count = np.unique(
            _mix(context, value), return_index=True, return_counts=True
        )
        self._contexts, self._count = np.unique(context, return_counts=True)
        first = np.sort(context[at])  # the context of each distinct pair
        self._distinct = np.searchsorted(
            first, self._contexts, side="right"
        ) - np.searchsorted(first, self._contexts)

    def counts(self, context: Hashes, value: Column) -> tuple[Floats, Floats, Floats]:
        """Of the pair, of the context, and of distinct values in the context."""
        place, found = _find(self._contexts, context)
        pair, known = _find(self._pairs, _mix(context, value))
        return (
            np.where(known, self._pair_count[pair], 0).astype(np.float64),
            np.where(found, self._count[place], 0).astype(np.float64),
            np.where(found, self._distinct[place], 0).astype(np.float64),
        )


def _mix(state: Hashes, value: Column) -> Hashes:
    """A 64-bit hash of a hash and a number (splitmix64); collisions are negligible."""
    mixed = state * np.uint64(0x9E3779B97F4A7C15) + (value + 7).astype(np.uint64)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.asarray(mixed ^ (mixed >> np.uint64(31)))


def _find(table: Hashes, wanted: Hashes) -> tuple[Ints, Bools]:
    place = np.minimum(np.searchsorted(table, wanted), len(table) - 1)
    return place, np.asarray(table[place] == wanted)


def chain(train: Problem, test: Problem) -> list[tuple[str, Floats]]:
    """Every order and smoothing of one choice of contexts.

    Returns:
        A name and nats per held-out event, for each.
    """
    found = []
    shares = {name: np.full(len(test.value), 1.0 / test.size) for name in ("WB", "AD")}
    seen, asked = (
        np.zeros(len(train.value), np.uint64),
        np.zeros(len(test.value), np.uint64),
    )
    for number in range(len(train.contexts) + 1):
        if number:
            seen = _mix(seen, train.contexts[number - 1])
            asked = _mix(asked, test.contexts[number - 1])
        pair, total, distinct = _Order(seen, train.value).counts(asked, test.value)
        shares["WB"] = _interpolate(
            pair, total, distinct, shares["WB"], total + distinct
        )
        less = np.maximum(pair - DISCOUNT, 0.0)
        shares["AD"] = _interpolate(
            less, total, DISCOUNT * distinct, shares["AD"], total
        )
        found += [
            (f"{test.name}, order {number}, {n}", -np.log(s)) for n, s in shares.items()
        ]
    return found


def _interpolate(
    pair: Floats, total: Floats, spare: Floats, lower: Floats, whole: Floats
) -> Floats:
    known = total > 0
    mixed: Floats = np.where(
        known, (pair + spare * lower) / np.where(known, whole, 1.0), lower
    )
    return mixed


def fit(train: list[Batch], held_out: list[Batch]) -> dict[str, dict[str, Result]]:
    """Fit on training crops, judge on held-out crops.

    Returns:
        ``unigram`` and ``markov``: for each field the best chain.
    """
    seen, asked = problems(train), problems(held_out)
    best: dict[str, dict[str, Result]] = {"unigram": {}, "markov": {}}
    for field, choices in asked.items():
        place = field.split()[0]
        results = [
            Result(nats, name)
            for mine, theirs in zip(seen[field], choices, strict=True)
            for name, nats in chain(mine, theirs)
        ]
        if field in FIELDS:
            best["unigram"][field] = next(
                r for r in results if ", order 0, WB" in r.name
            )
        known = [best["markov"][place]] if place in best["markov"] else []
        best["markov"][place] = min(results + known, key=lambda r: float(r.nats.mean()))
    return best
