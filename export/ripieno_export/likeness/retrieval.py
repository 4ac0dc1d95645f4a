"""How well each method finds a piece's other half: recall at 1 and 5, and MRR.

Every method is asked the same disguised queries (`halves`). A tie counts against it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np

from ripieno.layouts.likeness import Floats, Ints, Rolls, phrases, runs
from ripieno.similarity.embeddings import Embeddings, style_of
from ripieno.similarity.runs import Runs
from ripieno_export.likeness import features
from ripieno_export.likeness.halves import Search, disguised

Embed = Callable[[Rolls], Embeddings]
Method = Callable[[list[Floats], tuple[Floats, ...]], Floats]
"""Queries and a library → scores [Q, N]."""

CONDITIONS: Final = {"tempo told": False, "tempo not told": True}
NOTHING: Final = -1.0
"""How alike anything is to a query of which no window is full."""


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
    for condition, queries in disguises(search).items():
        found[condition] = {
            name: recall_of(method(queries, search.library), search.wanted)
            for name, method in methods.items()
        }
    return found


def disguises(search: Search) -> dict[str, list[Floats]]:
    """The queries as they are asked under each condition."""
    return {
        condition: [
            disguised(query, number, is_off_grid=is_off_grid)
            for number, query in enumerate(search.queries)
        ]
        for condition, is_off_grid in CONDITIONS.items()
    }


def by_both(alike: Method, weighed: Runs) -> Method:
    """Likeness as `ripieno similar` ranks: by an embedding and by runs together."""

    def scores(queries: list[Floats], library: tuple[Floats, ...]) -> Floats:
        asked = features.table(weighed.of, queries)
        there = features.table(weighed.of, library)
        return joined(alike(queries, library), asked, there, weighed)

    return scores


def joined(alike: Floats, asked: Floats, there: Floats, weighed: Runs) -> Floats:
    """`ripieno.similarity.runs.Runs.joined` for many queries.

    Args:
        alike: how alike the embedding says they are, [Q, N].
        asked: the queries' runs, [Q, `RUNS`].
        there: the library's, [N, `RUNS`].
        weighed: what runs weigh.

    Returns:
        [Q, N]; what is like nothing stays so, for `ripieno similar` refuses it.
    """
    rows = [
        weighed.joined(row, query, there) if row.max() > NOTHING else row
        for row, query in zip(alike, asked, strict=True)
    ]
    return np.stack(rows)


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
    """`ripieno.similarity.embeddings.compare` with a whole library at once, [N].

    A query that was stretched until no window is full is like nothing.
    """
    if not len(query):
        return np.full(len(library), NOTHING)
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


def baselines(rarity: Floats) -> dict[str, Method]:
    """What needs no network, given how rare each run of intervals is."""
    return {
        "pitch classes": by_feature(features.pitch_classes, features.aligned_cosines),
        "interval runs": by_feature(runs, features.weighted(rarity)),
        "rhythm": by_feature(features.rhythm, features.cosines),
    }
