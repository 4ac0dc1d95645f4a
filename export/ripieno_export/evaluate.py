"""Held-out likelihood, in nats per event: the model, its export, and the baselines.

All three are judged on the same fixed crops of held-out pieces, teacher-forced, in the
order source, delta, key, velocity. Pitch and tempo are the pieces' own; touch, jitter
and parts are drawn once from a fixed seed.

The exported graph is driven through the daemon's own session: masks force each field
to what was played, so the logits of the next field are conditional on the truth.
"""

import json
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np

from ripieno.inference.session import Loaded
from ripieno.layouts.vocabulary import FIELDS
from ripieno_export import augment, baselines, dataset
from ripieno_export.dataset import KINDS, Batch, Crops, Packed
from ripieno_export.evaluation.predictions import predict
from ripieno_export.evaluation.readers import read_by, replay
from ripieno_export.networks.events import EventNetwork
from ripieno_export.tokenize import Floats

CROPS: Final = 512
EVENTS: Final = 256
BASELINE_CROPS: Final = 24_576
"""About 6.3 M events; with more, a chain's held-out figure does not change."""
BASELINE_SEED: Final = 7
SESSION_CROPS: Final = 6

Figures = dict[str, Any]


def evaluate(
    model: EventNetwork,
    packed: Packed,
    *,
    crops: int = CROPS,
    baseline_crops: int = BASELINE_CROPS,
) -> Figures:
    """All figures but the exported graph's.

    Args:
        model: trained, in eval mode.
        packed: the corpus.
        crops: held-out crops.
        baseline_crops: training crops that the baselines are fitted on.
    """
    held_out = dataset.held_out_batches(packed, EVENTS, crops)
    return beside_baselines(
        nats_of(model, held_out), packed, held_out, baseline_crops=baseline_crops
    )


def beside_baselines(
    model_nats: Floats,
    packed: Packed,
    held_out: list[Batch],
    *,
    baseline_crops: int = BASELINE_CROPS,
) -> Figures:
    """A model's likelihood, by field and kind of music, beside the baselines'.

    Args:
        model_nats: of every real event, shape (N, 4).
        packed: the corpus.
        held_out: the crops that hold these events.
        baseline_crops: training crops that the baselines are fitted on.
    """
    train = training_batches(packed, baseline_crops)
    chains = baselines.fit(train, held_out)
    nats = {"model": model_nats}
    for name, fields in chains.items():
        nats[name] = np.stack([fields[field].nats for field in FIELDS], 1)
    kind = np.concatenate([np.repeat(b.kind, b.real.sum(1)) for b in held_out])
    return {
        "events": len(kind),
        "crops": int(sum(len(b.real) for b in held_out)),
        "pieces_held_out": int(packed.held_out.sum()),
        "baseline_events": int(sum(b.real.sum() for b in train)),
        "nats": {name: summary(values) for name, values in nats.items()},
        "by_kind": {
            label: {n: summary(v[kind == i]) for n, v in nats.items()}
            for i, label in enumerate(KINDS)
            if (kind == i).any()
        },
        "markov": {field: result.name for field, result in chains["markov"].items()},
    }


def training_batches(packed: Packed, crops: int) -> list[Batch]:
    """Crops for the baselines: of training music, varied as little as held-out music.

    Held-out crops are not transposed, so a chain of absolute keys does best without.
    """
    source = Crops(packed, EVENTS, held_out=False)
    size = min(crops, 256)
    count = -(-crops // size)
    return [
        source.batch(BASELINE_SEED, n, size, augment.HELD_OUT) for n in range(count)
    ]


def summary(nats: Floats) -> dict[str, float]:
    """Mean nats per event: of all fields together and of each."""
    means = nats.mean(0)
    fields = {name: round(float(v), 4) for name, v in zip(FIELDS, means, strict=True)}
    return {"total": round(float(means.sum()), 4), **fields}


def nats_of(model: EventNetwork, batches: Sequence[Batch]) -> Floats:
    """The model's nats of every real event and field, shape (N, 4)."""
    return predict(partial(read_by, model), batches).nats


def through_session(
    session: Loaded, model: EventNetwork, packed: Packed, crops: int = SESSION_CROPS
) -> Figures:
    """The exported graph's likelihood on a few crops, beside torch's on the same."""
    batch = dataset.held_out_batches(packed, EVENTS, crops, size=crops)[0]
    line = session.line()
    graph = np.concatenate(
        [
            replay(line, crop[: count + 1]).nats
            for crop, count in zip(batch.events, batch.real.sum(1), strict=True)
        ]
    )
    torch_ = nats_of(model, [batch])
    return {
        "events": len(graph),
        "graph": summary(graph),
        "torch": summary(torch_),
        "largest_difference": float(np.abs(graph - torch_).max()),
    }


def write(figures: Figures, path: Path) -> None:
    """Write figures as JSON."""
    path.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
