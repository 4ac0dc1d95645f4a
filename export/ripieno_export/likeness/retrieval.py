"""How well each method finds a piece's other half: recall at 1 and 5, and MRR.

Every method is asked the same disguised queries (`halves`). A tie counts against it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np

from ripieno.music.likeness import Floats, Ints, Rolls, phrases
from ripieno.think.likeness import Embeddings, style_of
from ripieno_export.likeness import features
from ripieno_export.likeness.halves import Search, disguised

Embed = Callable[[Rolls], Embeddings]
Method = Callable[[list[Floats], tuple[Floats, ...]], Floats]
"""Queries and a library → scores [Q, N]."""

CONDITIONS: Final = {"tempo told": False, "tempo not told": True}


@dataclass(frozen=True, slots=True)
class Recall:
    """How often the wanted piece came first, was among five, and the mean 1 / rank."""

    at_1: float
    at_5: float
    mrr: float


def recall_of(scores: Floats, wanted: Ints) -> Recall:
    """The recall of scores [Q, N], given which of N each query wants."""
    own = scores[np.arange(len(scores)), wanted]
    rank = (scores >= own[:, None]).sum(1)
    return Recall(
        round(float((rank <= 1).mean()), 4),
        round(float((rank <= 5).mean()), 4),
        round(float((1 / rank).mean()), 4),
    )


def judged(search: Search, methods: dict[str, Method]) -> dict[str, dict[str, Recall]]:
    """Every method under every condition: {condition: {method: recall}}."""
    found: dict[str, dict[str, Recall]] = {}
    for condition, is_off_grid in CONDITIONS.items():
        queries = [
            disguised(query, number, is_off_grid=is_off_grid)
            for number, query in enumerate(search.queries)
        ]
        found[condition] = {
            name: recall_of(method(queries, search.library), search.wanted)
            for name, method in methods.items()
        }
    return found


def by_embedding(embed: Embed) -> Method:
    """Likeness as the daemon computes it, from an embedding of windows."""
    known: dict[int, list[Embeddings]] = {}

    def scores(queries: list[Floats], library: tuple[Floats, ...]) -> Floats:
        if id(library) not in known:
            known.clear()
            known[id(library)] = [embed(phrases(notes)[0]) for notes in library]
        there = known[id(library)]
        asked = [embed(phrases(query)[0]) for query in queries]
        return np.stack([likenesses(windows, there) for windows in asked])

    return scores


def likenesses(query: Embeddings, library: list[Embeddings]) -> Floats:
    """`ripieno.think.likeness.compare` with a whole library at once, [N].

    A query that was stretched until no window is full is like nothing.
    """
    if not len(query):
        return np.full(len(library), -1.0)
    bounds = np.cumsum([0, *(len(windows) for windows in library[:-1])])
    styles = np.stack([style_of(windows) for windows in library])
    alike = query @ np.concatenate(library).T  # [W, all windows]
    counts = np.array([len(windows) for windows in library])
    there = np.maximum.reduceat(alike, bounds, axis=1)  # [W, N]
    back = np.add.reduceat(alike.max(0), bounds) / counts
    windows = (there.mean(0) + back) / 2
    found = (styles @ style_of(query) + windows + there.max(0)) / 3
    return np.asarray(found, np.float64)


def by_feature(method: Callable[[Floats], Floats], scores: features.Scores) -> Method:
    """Likeness of one vector a piece."""

    def scored(queries: list[Floats], library: tuple[Floats, ...]) -> Floats:
        return scores(features.table(method, queries), features.table(method, library))

    return scored


def baselines(training: list[Floats]) -> dict[str, Method]:
    """What needs no network; `training` says which intervals are rare."""
    rare = features.rarity(features.table(features.intervals, training))
    return {
        "pitch classes": by_feature(features.pitch_classes, features.aligned_cosines),
        "interval runs": by_feature(features.intervals, features.weighted(rare)),
        "rhythm": by_feature(features.rhythm, features.cosines),
    }
