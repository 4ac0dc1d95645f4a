"""The task by which the encoder is judged: given half of a piece, find the other half.

A query is the first half of a piece that was held out, in another key; its tempo is
changed, too. Either the file's tempo map says so, and beats stay beats; or it does not,
as when somebody plays without a click: then all times are stretched against the grid.
The library holds the second halves of that piece and of others.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from ripieno.layouts.likeness import Floats, starts_of
from ripieno_export.likeness.pieces import CHOOSING, JUDGED, KINDS, TRAINED, Music
from ripieno_export.tokenize import Ints

LIBRARY: Final = 400
STRETCH: Final = 1.25
SEMITONES: Final = 6
SETS: Final = ("whole", "melody", "piano")
"""All that a file holds; voices and tunes alone; pianos, accompaniments too."""


@dataclass(frozen=True, slots=True)
class Search:
    """A library and what is looked for in it.

    Attributes:
        library: the notes of the halves that are searched.
        queries: the notes that each query is made of, as written.
        wanted: which of the library each query is to find.
        pieces: the query's number in its music.
    """

    library: tuple[Floats, ...]
    queries: tuple[Floats, ...]
    wanted: Ints
    pieces: Ints


def search(
    music: Music, kind: str, asked: int, *, size: int = LIBRARY, seed: int = 0
) -> Search:
    """A search among held-out halves, filled up with halves of training pieces.

    Args:
        music: all of it.
        kind: one of `SETS`.
        asked: which part of the music asks, `CHOOSING` or `JUDGED`.
        size: of the library.
        seed: chooses which training pieces fill it up.
    """
    rng = np.random.default_rng(seed)
    mine = members(music, kind)
    held_out = mine[np.isin(music.part[mine], (CHOOSING, JUDGED))]
    others = rng.permutation(mine[music.part[mine] == TRAINED])
    library: list[Floats] = []
    queries: list[Floats] = []
    wanted: list[int] = []
    pieces: list[int] = []
    for piece in [*held_out.tolist(), *others.tolist()]:
        if len(library) == size:
            break
        first, second = halves(music.piece(piece))
        if not len(starts_of(first)) or not len(starts_of(second)):
            continue
        if music.part[piece] == asked:
            queries.append(first)
            wanted.append(len(library))
            pieces.append(piece)
        library.append(second)
    return Search(
        tuple(library), tuple(queries), np.array(wanted, np.int64), np.array(pieces)
    )


def search_all(music: Music, size: int) -> Search:
    """A search in a collection that was never trained on: every half is asked for."""
    pieces = [halves(music.piece(piece)) for piece in range(len(music))]
    kept = [
        (piece, *both)
        for piece, both in enumerate(pieces)
        if all(len(starts_of(half)) for half in both)
    ][:size]
    return Search(
        tuple(second for _, _, second in kept),
        tuple(first for _, first, _ in kept),
        np.arange(len(kept)),
        np.array([piece for piece, _, _ in kept], np.int64),
    )


def members(music: Music, kind: str) -> Ints:
    """The pieces of a set; of a family, one of a kind."""
    names = np.array(KINDS)[music.kind]
    if kind == "whole":
        songs = music.family[names == "duet"]
        is_part = np.isin(names, ("melody", "piano")) & np.isin(music.family, songs)
        chosen = np.flatnonzero(~is_part)
    else:
        chosen = np.flatnonzero(names == kind)
    first = np.unique(music.family[chosen], return_index=True)[1]
    return chosen[np.sort(first)]


def halves(notes: Floats) -> tuple[Floats, Floats]:
    """A piece's notes before its middle beat, and those from there on."""
    middle = np.floor((notes[0, 0] + notes[-1, 0]) / 2)
    first, second = notes[notes[:, 0] < middle], notes[notes[:, 0] >= middle]
    return np.column_stack([first[:, 0], first[:, 1].clip(max=middle), first[:, 2]]), (
        second
    )


def disguised(query: Floats, seed: int, *, is_off_grid: bool) -> Floats:
    """A query in another key and, if asked, in a tempo that its file does not tell."""
    rng = np.random.default_rng([seed, len(query)])
    steps = rng.choice([s for s in range(-SEMITONES, SEMITONES + 1) if s])
    limit = np.log(STRETCH)
    factor = np.exp(rng.uniform(-limit, limit)) if is_off_grid else 1.0
    return query * (factor, factor, 1.0) + (0.0, 0.0, float(steps))
