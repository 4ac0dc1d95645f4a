"""Training and held-out music, kept apart by what the music is.

The index proposes a split by file. Three things can still leak: the same tune in two
collections, two editions of one piece, and a piece printed twice. A held-out piece
whose title (and composer) also occurs in training, or that shares a quarter of its
interval n-grams with training, is moved to training. Exact repeats are dropped.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Final

import numpy as np
import numpy.typing as npt

from ripieno_export.corpus import Piece
from ripieno_export.tokenize import Notes, is_pedal

GRAM: Final = 16
"""Intervals in an n-gram. Held-out human tunes share runs of 8 (median) to 12 (p90)
with the rest of their own tradition; 16 is past what a style alone shares."""
SHARED: Final = 0.25

Hashes = npt.NDArray[np.uint64]


def grams(notes: Notes) -> Hashes:
    """Hashes of all runs of `GRAM` intervals: equal under transposition and tempo."""
    pitch = notes["pitch"][~is_pedal(notes)].astype(np.int64)
    steps = (np.diff(pitch) + 128).astype(np.uint64)
    total = np.zeros(max(len(steps) - GRAM + 1, 0), np.uint64)
    for place in range(GRAM if len(total) else 0):
        total = total * np.uint64(1_000_003) + steps[place : place + len(total)]
    return total


def separate(pieces: Sequence[Piece]) -> list[Piece]:
    """Drop exact repeats and move held-out pieces that training knows to training."""
    kept = list(_distinct(pieces))
    known = {piece.family for piece in kept if piece.split == "train"}
    hashes = [grams(piece.notes) for piece in kept]
    trained = np.unique(
        np.concatenate(
            [np.zeros(0, np.uint64)]
            + [h for h, p in zip(hashes, kept, strict=True) if p.split == "train"]
        )
    )
    moved = {
        piece.family
        for piece, own in zip(kept, hashes, strict=True)
        if piece.split == "valid" and (piece.family in known or _shares(own, trained))
    }
    return [
        replace(piece, split="train") if piece.family in moved else piece
        for piece in kept
    ]


def _shares(own: Hashes, trained: Hashes) -> bool:
    """Cost: O(n log N); `numpy.isin` would sort all of training for every piece."""
    if not len(own) or not len(trained):
        return False
    place = np.minimum(np.searchsorted(trained, own), len(trained) - 1)
    return float((trained[place] == own).mean()) > SHARED


def _distinct(pieces: Iterable[Piece]) -> Iterable[Piece]:
    seen: set[bytes] = set()
    for piece in pieces:
        sounding = piece.notes[~is_pedal(piece.notes)]
        steps = np.diff(sounding["pitch"].astype(np.int16)).tobytes()
        if (key := piece.kind.encode() + steps) in seen:
            continue
        seen.add(key)
        yield piece
