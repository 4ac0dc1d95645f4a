"""Whether neighbours are of one kind: k nearest training pieces vote for a collection.

Nothing was told of collections in training. Pieces are compared by their own embedding
(`style_of`), and by the vectors of `features`.
"""

from collections import Counter
from collections.abc import Callable
from typing import Any, Final

import numpy as np

from ripieno.layouts.likeness import Floats, phrases
from ripieno.similarity.embeddings import style_of
from ripieno_export.likeness import features
from ripieno_export.likeness.halves import members
from ripieno_export.likeness.pieces import GENRES, JUDGED, TRAINED, Music
from ripieno_export.likeness.retrieval import Embed

K: Final = 5
KNOWN: Final = 600
"""Training pieces that vote; drawn once."""


def measured(music: Music, embeds: dict[str, Embed]) -> dict[str, Any]:
    """Accuracy of each method, the neighbours of one kind, and our confusion matrix."""
    mine = members(music, "whole")
    known = mine[music.part[mine] == TRAINED]
    chance = np.random.default_rng(0)
    known = chance.permutation(known)[:KNOWN]
    asked = mine[music.part[mine] == JUDGED]
    kinds = [music.genre(piece) for piece in known.tolist()]
    real = [music.genre(piece) for piece in asked.tolist()]
    tables: dict[str, tuple[Callable[[Floats], Floats], features.Scores]] = {
        name: (_style_by(embed), features.cosines) for name, embed in embeds.items()
    } | {
        "pitch classes": (features.pitch_classes, features.aligned_cosines),
        "rhythm": (features.rhythm, features.cosines),
    }
    pieces = [music.piece(piece) for piece in known.tolist()]
    queries = [music.piece(piece) for piece in asked.tolist()]
    out: dict[str, Any] = {"asked": len(asked), "known": len(known), "k": K}
    for name, (method, scores) in tables.items():
        alike = scores(features.table(method, queries), features.table(method, pieces))
        nearest = np.argsort(-alike, axis=1)[:, :K]
        named = [[kinds[place] for place in row] for row in nearest.tolist()]
        out[name] = _judged(named, real)
    share = Counter(kinds)
    out["chance"] = {
        "same": _rounded(np.mean([share[kind] / len(kinds) for kind in real])),
        "accuracy": _rounded(
            np.mean([kind == max(share, key=share.__getitem__) for kind in real])
        ),
    }
    return out


def _judged(named: list[list[str]], real: list[str]) -> dict[str, Any]:
    """Votes against the truth; of a tie the nearest wins."""
    voted = [Counter(row).most_common(1)[0][0] for row in named]
    right = [guess == kind for guess, kind in zip(voted, real, strict=True)]
    same = [row.count(kind) / K for row, kind in zip(named, real, strict=True)]
    names = [name for name in GENRES if name in real]
    by_kind = [
        np.mean([r for r, kind in zip(right, real, strict=True) if kind == name])
        for name in names
    ]
    confusion = {
        name: dict(
            Counter(v for v, kind in zip(voted, real, strict=True) if kind == name)
        )
        for name in names
    }
    return {
        "accuracy": _rounded(np.mean(right)),
        "balanced_accuracy": _rounded(np.mean(by_kind)),
        "same": _rounded(np.mean(same)),
        "confusion": confusion,
    }


def _style_by(embed: Embed) -> Callable[[Floats], Floats]:
    def style(notes: Floats) -> Floats:
        windows = embed(phrases(notes)[0])
        size = windows.shape[1]
        found = style_of(windows) if len(windows) else np.zeros(size, np.float32)
        return found.astype(np.float64)

    return style


def _rounded(share: float | np.floating[Any]) -> float:
    return round(float(share), 4)
