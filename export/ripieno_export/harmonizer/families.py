"""Held-out tunes: what is judged on was never trained on, in no edition and no key.

Chorale tunes recur: Bach set many of them several times, hymnals reprint them, and one
setting is in two collections. Two pieces that share a share of the soprano's interval
n-grams are one family, and so are all that are linked by such pairs; a family is held
out whole, or not at all. Repeated notes are one here: an edition may merge them.
"""

import hashlib
from collections import defaultdict
from collections.abc import Sequence
from typing import Final

import numpy as np

from ripieno_export.harmonizer.chorales import Chorale

GRAM: Final = 10
"""Intervals in an n-gram. With 8, stepwise runs that all tunes share chained a third of
the pieces into one family; with 10 the largest is 24 settings of known kin."""
SHARED: Final = 0.2
"""Of the shorter piece's n-grams; two settings of one tune differ in ornaments."""
HELD_OUT: Final = 0.12
"""The share of the families that is held out."""


def grams(piece: Chorale) -> set[bytes]:
    """All runs of `GRAM` intervals of the soprano, repeated notes left out."""
    steps = np.diff(piece.melody)
    steps = steps[steps != 0].astype(np.int8)
    return {steps[i : i + GRAM].tobytes() for i in range(len(steps) - GRAM + 1)}


def families(pieces: Sequence[Chorale]) -> list[int]:
    """For each piece the number of the first piece of its family.

    Cost: O(all n-grams + pairs of pieces that share one).
    """
    own = [grams(piece) for piece in pieces]
    holders: dict[bytes, list[int]] = defaultdict(list)
    for number, found in enumerate(own):
        for gram in found:
            holders[gram].append(number)
    shared: dict[tuple[int, int], int] = defaultdict(int)
    for numbers in holders.values():
        for i, a in enumerate(numbers):
            for b in numbers[i + 1 :]:
                shared[a, b] += 1
    head = list(range(len(pieces)))
    for (a, b), count in shared.items():
        if count > SHARED * min(len(own[a]), len(own[b])):
            _join(head, a, b)
    return [_head(head, number) for number in range(len(pieces))]


def _head(head: list[int], number: int) -> int:
    while head[number] != number:
        head[number] = head[head[number]]
        number = head[number]
    return number


def _join(head: list[int], a: int, b: int) -> None:
    first, second = sorted((_head(head, a), _head(head, b)))
    head[second] = first


def split(pieces: Sequence[Chorale]) -> tuple[list[Chorale], list[Chorale]]:
    """Training and held-out pieces; the same for the same pieces."""
    train: list[Chorale] = []
    held_out: list[Chorale] = []
    for piece, head in zip(pieces, families(pieces), strict=True):
        name = f"{pieces[head].origin.name}/{pieces[head].file}"
        place = int(hashlib.sha256(name.encode()).hexdigest()[:8], 16) / 0x1_0000_0000
        (held_out if place < HELD_OUT else train).append(piece)
    return train, held_out
