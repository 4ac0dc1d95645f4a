"""What memory gives: likelihood by place in a crop, and by how much was heard before.

By place, a model starts from silence. Its gain from one place to the next comes from
what it has heard by then, but also from the music, which changes. So the same last
events are judged again after hearing only the last k of those before them: what changes
is the memory alone. Only whole crops count, so that every place is the mean of the same
crops.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, Final

import numpy as np

from ripieno_export import dataset
from ripieno_export.dataset import Packed
from ripieno_export.evaluation.predictions import Reader
from ripieno_export.tokenize import Floats, Ints

LONG: Final = 512
"""Events of a long crop: some 50 s of piano, and what Transformers are trained on."""
CROPS: Final = 64
JUDGED: Final = 64
"""The last events of a crop, which are judged after more and more."""
HEARD: Final = (1, 4, 16, 32, 64, 128, 256, 512, 1024)


def whole_crops(packed: Packed, events: int = LONG, count: int = CROPS) -> Ints:
    """Held-out crops that are not cut short, shape (≤ count, events + 1, 4)."""
    batches = dataset.held_out_batches(packed, events, count, size=count)
    return np.concatenate([b.events[b.real.all(1)] for b in batches])


def by_place(read: Reader, crops: Ints) -> Floats:
    """Nats of each event of each crop, shape (B, T)."""
    return np.asarray(read(crops).nats.sum(-1))


def by_heard(
    read: Reader, crops: Ints, judged: int = JUDGED
) -> list[tuple[int, Floats]]:
    """The last events' nats after hearing only the last k of those before.

    Returns:
        Pairs of k and the mean nats of each crop, shape (B,).
    """
    most = crops.shape[1] - judged
    return [
        (heard, read(crops[:, most - heard :]).nats[:, heard - 1 :].sum(-1).mean(1))
        for heard in (*(k for k in HEARD if k < most), most)
    ]


def bins(length: int) -> list[tuple[int, int]]:
    """Places in doubling bins: 0–8, 8–16, 16–32, and so on."""
    edges = [0, *(8 << n for n in range(24) if 8 << n < length), length]
    return list(pairwise(edges))


def as_figures(places: Floats, heard: Sequence[tuple[int, Floats]]) -> dict[str, Any]:
    """Both as JSON values, with standard errors over crops.

    What is *lost* by hearing less is a mean of differences crop by crop, so its error
    is smaller than that of the nats themselves.
    """
    found: dict[str, Any] = {
        "crops": len(places),
        "events": places.shape[1] if len(places) else 0,
    }
    if len(places):
        found["by_place"] = [
            {"from": first, "to": last, **_mean(places[:, first:last].mean(1))}
            for first, last in bins(places.shape[1])
        ]
        found["judged_events"] = JUDGED
        all_heard = heard[-1][1]
        found["by_heard"] = [
            {"heard": k, **_mean(nats), "lost": _mean(nats - all_heard)}
            for k, nats in heard
        ]
    return found


def _mean(values: Floats) -> dict[str, float]:
    error = values.std(ddof=1) / np.sqrt(len(values)) if len(values) > 1 else np.nan
    return {"nats": float(values.mean()), "error": float(error)}
