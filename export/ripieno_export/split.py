"""Training and held-out music, kept apart by what the music is.

An index proposes a split by file, or the family's name draws one. Three things can
still leak: the same tune in two collections, two editions of one piece, and a piece
printed twice. A held-out piece whose title (and composer) also occurs in training, or
that shares a quarter of its interval n-grams with training, is moved to training. Exact
repeats are dropped.

Pieces are looked at one by one; in memory are hashes alone: one a piece, and the
n-grams of a bounded part of what is held out.
"""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Final

import numpy as np
import numpy.typing as npt

from ripieno_export.corpus import TRAIN, VALID, Piece
from ripieno_export.tokenize import Ints, Notes, is_pedal

GRAM: Final = 16
"""Intervals in an n-gram. Held-out human tunes share runs of 8 (median) to 12 (p90)
with the rest of their own tradition; 16 is past what a style alone shares."""
SHARED: Final = 0.25
HELD_OUT_SHARE: Final = 0.05
"""Of the families of a folder that has no index."""

AT_ONCE: Final = 2_000_000
"""Held-out notes whose n-grams are looked for together, in 64 MB: training music is
gone through once for each so many."""

Music = Callable[[int], Notes]
"""A piece's notes, by its number."""
Hashes = npt.NDArray[np.uint64]
Bools = npt.NDArray[np.bool_]


def grams(notes: Notes) -> Hashes:
    """Hashes of all runs of `GRAM` intervals: equal under transposition and tempo."""
    pitch = notes["pitch"][~is_pedal(notes)].astype(np.int64)
    steps = (np.diff(pitch) + 128).astype(np.uint64)
    total = np.zeros(max(len(steps) - GRAM + 1, 0), np.uint64)
    for place in range(GRAM if len(total) else 0):
        total = total * np.uint64(1_000_003) + steps[place : place + len(total)]
    return total


def number_of(family: str) -> int:
    """A family's name as a number, the same on every machine; at least 0."""
    digest = hashlib.blake2b(family.encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") >> 1


def fold_of(family: Ints, folds: int) -> Ints:
    """The fold in which each family is held out; it depends on nothing else."""
    return np.asarray(family % folds)


def drawn(family: Ints, share: float = HELD_OUT_SHARE) -> Bools:
    """Hold out this share of the families, one at least if there are two."""
    names = np.unique(family)
    count = max(round(share * len(names)), 1) if len(names) > 1 else 0
    return np.asarray(np.isin(family, names[:count]))


def settled(pieces: Music, family: Ints, held_out: Bools) -> Bools:
    """Which of the proposed pieces stay held out: those unknown to training.

    Args:
        pieces: a piece's notes, by its number; asked for one at a time.
        family: of each piece, shape (P,).
        held_out: the proposal, shape (P,).

    Returns:
        Shape (P,). A family leaves or stays as a whole.
    """
    by_name = held_out & np.isin(family, family[~held_out])
    asked = np.flatnonzero(held_out & ~by_name).tolist()
    trained = np.flatnonzero(~held_out).tolist()
    by_music = [
        number
        for block in _blocks(pieces, asked)
        for number in _known(pieces, block, trained)
    ]
    moved = np.unique(np.concatenate([family[by_name], family[by_music]]))
    return np.asarray(held_out & ~np.isin(family, moved))


def _blocks(pieces: Music, asked: list[int]) -> Iterator[list[int]]:
    """The pieces in blocks of `AT_ONCE` notes."""
    block: list[int] = []
    notes = 0
    for number in asked:
        block.append(number)
        notes += len(pieces(number))
        if notes >= AT_ONCE:
            yield block
            block, notes = [], 0
    if block:
        yield block


def _known(pieces: Music, asked: list[int], trained: list[int]) -> list[int]:
    """Which of the asked pieces share `SHARED` of their n-grams with training."""
    own = [grams(pieces(number)) for number in asked]
    table = np.unique(np.concatenate([np.zeros(0, np.uint64), *own]))
    seen = np.zeros(len(table), np.bool_)
    for number in trained if len(table) else []:
        hashes = grams(pieces(number))
        # `numpy.isin` would sort all of the table for every piece.
        place = np.minimum(np.searchsorted(table, hashes), len(table) - 1)
        seen[place[table[place] == hashes]] = True
    return [
        number
        for number, hashes in zip(asked, own, strict=True)
        if len(hashes) and seen[np.searchsorted(table, hashes)].mean() > SHARED
    ]


class Repeats:
    """What was seen already, by its intervals; a digest and a name a piece."""

    def __init__(self) -> None:
        self._seen: dict[bytes, str] = {}

    def of(self, piece: Piece) -> str | None:
        """The file that a piece repeats, in any key and tempo; None for a new one."""
        sounding = piece.notes[~is_pedal(piece.notes)]
        steps = np.diff(sounding["pitch"].astype(np.int16)).tobytes()
        digest = hashlib.blake2b(steps, digest_size=16, key=piece.kind.encode())
        if (known := self._seen.get(digest.digest())) is None:
            self._seen[digest.digest()] = piece.file
        return known


def separate(pieces: Sequence[Piece]) -> list[Piece]:
    """Drop exact repeats and move held-out pieces that training knows to training."""
    repeats = Repeats()
    kept = [piece for piece in pieces if repeats.of(piece) is None]
    family = np.array([number_of(piece.family) for piece in kept], np.int64)
    held_out = np.array([piece.split == VALID for piece in kept], np.bool_)
    held_out = settled(lambda number: kept[number].notes, family, held_out)
    return [
        replace(piece, split=VALID if is_held_out else TRAIN)
        for piece, is_held_out in zip(kept, held_out.tolist(), strict=True)
    ]
