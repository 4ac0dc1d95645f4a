"""Test songs whose tune is in training, under another title or number.

The split goes by title and number; a tune may have several. What shares a quarter of
its melodic runs with training is dropped from the test, as `ripieno_export.split` moves
it for the models of free time.
"""

from collections.abc import Iterable, Sequence

import numpy as np

from ripieno_export.judge.pieces import TestPiece
from ripieno_export.split import SHARED, Hashes, grams


def apart(
    pieces: Sequence[TestPiece],
) -> tuple[list[TestPiece], list[tuple[str, str]]]:
    """Drop the test families that share a quarter of their melody with training.

    Returns:
        What is left, and (name, reason) of each piece that was dropped.
    """
    known = _grams(piece for piece in pieces if piece.part == "train")
    familiar = {
        piece.family
        for piece in pieces
        if piece.part == "test" and _shares(grams(piece.melody), known)
    }
    why = "its tune is in training"
    return (
        [piece for piece in pieces if piece.family not in familiar],
        [(f"{p.corpus}/{p.name}", why) for p in pieces if p.family in familiar],
    )


def _grams(pieces: Iterable[TestPiece]) -> Hashes:
    empty = np.zeros(0, np.uint64)
    return np.unique(np.concatenate([empty, *(grams(p.melody) for p in pieces)]))


def _shares(own: Hashes, known: Hashes) -> bool:
    if not len(own) or not len(known):
        return False
    place = np.minimum(np.searchsorted(known, own), len(known) - 1)
    return float((known[place] == own).mean()) > SHARED
