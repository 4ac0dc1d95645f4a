"""All figures of the phrase encoder, measured through the daemon's own session."""

from pathlib import Path
from typing import Any, Final

import msgspec
import numpy as np
import torch

from ripieno.clock import NS_PER_MS, Clock, SystemClock
from ripieno.inference.graph import Graph
from ripieno.layouts.likeness import Ints, Rolls, phrases
from ripieno.similarity.embeddings import Embeddings, Encoder
from ripieno.similarity.runs import Runs
from ripieno_export.likeness import (
    halves,
    neighbours,
    pieces,
    reconstruction,
    retrieval,
)
from ripieno_export.likeness.linear import Linear
from ripieno_export.likeness.pieces import CHOOSING, JUDGED, TRAINED, Music
from ripieno_export.likeness.retrieval import Embed, Method
from ripieno_export.networks.encoder import Autoencoder

Figures = dict[str, Any]

FITTED: Final = 3000
"""Windows that the linear autoencoder is fitted to."""
REBUILT: Final = 400
"""Windows of each half of the held-out music that are given back."""
TIMED: Final = 200
UNSEEN_LEAST: Final = 300


def measure(
    trained: Autoencoder,
    untrained: Autoencoder,
    graph: Graph,
    runs: Runs,
    music: Music,
    data: Path,
) -> Figures:
    """Retrieval, neighbours, reconstruction and speed.

    Args:
        trained: the network of `graph`; its decoder is not in it.
        untrained: the same before training.
        graph: as the daemon loads it.
        runs: what runs of intervals weigh beside it, as the daemon loads them.
        music: what it was trained on and what was held out.
        data: the folder of sources, for a collection of another kind if it is there.
    """
    part = _windows_of(music, TRAINED, FITTED)
    size = trained.encoder.embedding.out_features
    embeds: dict[str, Embed] = {
        "model": Encoder(graph).embed,
        "untrained": embedding_by(untrained),
        "linear": Linear(part, size).embed,
    }
    whole = Linear(part, size + trained.encoder.detail.out_features)
    rebuilt = reconstruction.measured(
        trained,
        whole,
        _windows_of(music, CHOOSING, REBUILT),
        _windows_of(music, JUDGED, REBUILT),
    )
    return {
        "retrieval": _retrieval(music, embeds, runs, data),
        "neighbours": neighbours.measured(
            music, {n: embeds[n] for n in ("model", "untrained")}
        ),
        "reconstruction_f1": rebuilt,
        "run_ms": run_ms(graph),
    }


def embedding_by(model: Autoencoder) -> Embed:
    """Embeddings by torch."""

    def embed(rolls: Rolls) -> Embeddings:
        with torch.no_grad():
            return np.asarray(model.encoder(torch.from_numpy(rolls))[0].numpy())

    return embed


def run_ms(graph: Graph, clock: Clock | None = None) -> dict[str, float]:
    """How long a batch takes, in ms: the median and the fastest."""
    clock = clock or SystemClock()
    taken = []
    for _ in range(TIMED):
        before_ns = clock.now_ns()
        graph.run()
        taken.append((clock.now_ns() - before_ns) / NS_PER_MS)
    return {"p50": round(float(np.median(taken)), 3), "min": round(min(taken), 3)}


def _retrieval(
    music: Music, embeds: dict[str, Embed], runs: Runs, data: Path
) -> Figures:
    learned = {name: retrieval.by_embedding(embed) for name, embed in embeds.items()}
    both = {"similar": retrieval.by_both(learned["model"], runs)}
    others = both | retrieval.baselines(runs.rarity)
    searches = {kind: halves.search(music, kind, JUDGED) for kind in halves.SETS}
    if (data / pieces.UNSEEN[0].path).is_dir():
        other = pieces.read(data, pieces.UNSEEN)
        searches["nottingham"] = halves.search_all(other, UNSEEN_LEAST)
    return {
        kind: {
            "queries": len(search.queries),
            "library": len(search.library),
            **msgspec.to_builtins(
                retrieval.judged(search, _of_set(kind, learned) | others)
            ),
        }
        for kind, search in searches.items()
    }


def _of_set(kind: str, learned: dict[str, Method]) -> dict[str, Method]:
    """On whole pieces all networks are compared, elsewhere ours is enough."""
    return learned if kind == "whole" else {"model": learned["model"]}


def _windows_of(music: Music, part: int, count: int) -> Rolls:
    """Some windows of as many pieces of a part as needed, four of each at most."""
    chance = np.random.default_rng(part)
    found: list[Rolls] = []
    for piece in chance.permutation(np.flatnonzero(music.part == part)).tolist():
        rolls = phrases(music.piece(piece))[0]
        found.append(rolls[_some(np.arange(len(rolls)), 4, chance)])
        if sum(map(len, found)) >= count:
            break
    return np.concatenate(found)[:count]


def _some(numbers: Ints, count: int, chance: np.random.Generator) -> Ints:
    return np.sort(chance.permutation(numbers)[:count])
