"""What a model says of held-out crops, event by event, with the truth beside it.

Teacher-forced: every event is predicted from what was really played before it, and
each field from the fields before it. Knows no model.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from ripieno_export.dataset import Batch
from ripieno_export.tokenize import Floats, Ints


@dataclass(frozen=True, slots=True)
class Reading:
    """What a model says of crops side by side.

    Attributes:
        chosen: the likeliest value of each field, shape (B, T, 4).
        nats: −log of the share that the truth had, shape (B, T, 4).
    """

    chosen: Ints
    nats: Floats


Reader = Callable[[Ints], Reading]
"""Reads events (B, T + 1, 4), of which the last T are predicted."""


@dataclass(frozen=True, slots=True)
class Predictions:
    """All real events of some crops, end to end; N of them.

    Attributes:
        told: what was played, shape (N, 4).
        chosen: what the model thought likeliest, shape (N, 4).
        nats: shape (N, 4).
        kind: index into `ripieno_export.dataset.KINDS`, shape (N,).
    """

    told: Ints
    chosen: Ints
    nats: Floats
    kind: Ints


def predict(read: Reader, batches: Sequence[Batch]) -> Predictions:
    """Predictions of every real event, in the order of the crops."""
    parts = []
    for batch in batches:
        said, real = read(batch.events), batch.real
        told = batch.events[:, 1:][real]
        kind = np.repeat(batch.kind, real.sum(1))
        parts.append((told, said.chosen[real], said.nats[real], kind))
    return Predictions(*(np.concatenate(part) for part in zip(*parts, strict=True)))
