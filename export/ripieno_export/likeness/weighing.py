"""How rare each run of intervals is, and what runs weigh beside the encoder.

Rarity is counted in training music. The weight is the one of `WEIGHTS` with the best
mean of 1 / rank in searches on one half of the held-out music: all sets
(`halves.SETS`), tempo told and not told, each search counting the same. Of equal
weights the smallest is taken. The half that figures are measured on is not used.
"""

from typing import Final

import numpy as np

from ripieno.layouts.likeness import Floats, runs
from ripieno.similarity.runs import Runs
from ripieno_export.likeness import features, halves, retrieval
from ripieno_export.likeness.halves import Search
from ripieno_export.likeness.pieces import CHOOSING, TRAINED, Music
from ripieno_export.likeness.retrieval import Method

TRAINING: Final = 400
"""The number of pieces in which runs are counted."""
WEIGHTS: Final = (0.0, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0)
"""Weights that are tried; the encoder's weight is 1."""

Tried = dict[str, float]
"""The mean of 1 / rank of each weight."""


def rarity_in(music: Music) -> Floats:
    """How rare each run is in some training pieces, in single precision, as stored."""
    trained = np.flatnonzero(music.part == TRAINED)
    some = np.sort(np.random.default_rng(0).permutation(trained)[:TRAINING])
    found = features.table(runs, [music.piece(piece) for piece in some.tolist()])
    return features.rarity(found).astype(np.float32).astype(np.float64)


def weighed(music: Music, alike: Method) -> tuple[Runs, Tried]:
    """Runs with the best weight, and what every weight reached.

    Args:
        music: what was trained on and what was held out.
        alike: likeness by the encoder.
    """
    rarity = rarity_in(music)
    reached: list[list[float]] = []
    for kind in halves.SETS:
        reached += _reached(halves.search(music, kind, CHOOSING), alike, rarity)
    means = np.mean(reached, axis=0)
    best = WEIGHTS[int(means.argmax())]
    tried = {
        f"{weight:g}": round(float(mean), 4)
        for weight, mean in zip(WEIGHTS, means, strict=True)
    }
    return Runs(rarity, best), tried


def _reached(search: Search, alike: Method, rarity: Floats) -> list[list[float]]:
    """The mean of 1 / rank, a row a condition, a column a weight."""
    plain = Runs(rarity, 0.0)
    there = features.table(plain.of, search.library)
    rows = []
    for queries in retrieval.disguises(search).values():
        scores = alike(queries, search.library)
        asked = features.table(plain.of, queries)
        joined = (
            retrieval.joined(scores, asked, there, Runs(rarity, weight))
            for weight in WEIGHTS
        )
        rows.append([retrieval.recall_of(one, search.wanted).mrr for one in joined])
    return rows
