"""Packed music, and the crops that training and evaluation see.

The corpus is parsed once into one `.npz` (all notes end to end, and a row per piece).
A batch is a function of (seed, step) alone, so that training which is resumed sees
what it would have seen. A crop starts at a random note, from silence, as a set does:
of notes that began before it, nothing is heard.

Shapes: B crops, T steps; a crop holds T + 1 events so that each of T has a successor.
"""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from ripieno.errors import FileError
from ripieno.music import vocabulary
from ripieno_export import corpus, split
from ripieno_export.augment import HELD_OUT, TRAINING, Augmentation, vary
from ripieno_export.sources import DYNAMIC, EXPRESSIVE, Origin
from ripieno_export.tokenize import Ints, Notes, tokenize
from ripieno_export.turns import deal

KINDS: Final = ("piano", "melody", "duet")
WEIGHTS: Final = {"giantmidi_sample": 4.0}
"""Only 5½ hours of the corpus were played by hands: they are heard four times."""
HELD_OUT_SEED: Final = 20_251

Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Packed:
    """The corpus in arrays.

    Attributes:
        notes: all pieces' notes end to end.
        bounds: piece p is ``notes[bounds[p]:bounds[p + 1]]``; shape (P + 1,).
        kind, origin: indices into `KINDS` and `origins`, shape (P,).
        held_out: which pieces are never trained on, shape (P,).
        origins: the sources.
        refused: files that could not be used, with the reason.
    """

    notes: Notes
    bounds: Ints
    kind: Ints
    origin: Ints
    held_out: Bools
    origins: tuple[Origin, ...]
    refused: tuple[tuple[str, str], ...]

    def piece(self, number: int) -> Notes:
        """One piece's notes."""
        return self.notes[self.bounds[number] : self.bounds[number + 1]]


@dataclass(frozen=True, slots=True)
class Batch:
    """Crops side by side.

    Attributes:
        events: shape (B, T + 1, 4); zeros past a crop's end.
        real: which of the T successors exist, shape (B, T).
        kind: index into `KINDS`, shape (B,).
    """

    events: Ints
    real: Bools
    kind: Ints


def pack(data: Path) -> Packed:
    """Read the corpus and separate held-out music from the rest."""
    reading = corpus.read(data)
    pieces = [p for p in split.separate(reading.pieces) if len(p.notes) >= 16]
    origins = tuple(dict.fromkeys(piece.origin for piece in pieces))
    lengths = [0, *(len(piece.notes) for piece in pieces)]
    return Packed(
        np.concatenate([piece.notes for piece in pieces]),
        np.cumsum(lengths, dtype=np.int64),
        np.array([KINDS.index(piece.kind) for piece in pieces], np.int64),
        np.array([origins.index(piece.origin) for piece in pieces], np.int64),
        np.array([piece.split == "valid" for piece in pieces]),
        origins,
        tuple(reading.refused),
    )


def save(packed: Packed, path: Path) -> None:
    """Write the cache."""
    about = {"origins": [asdict(o) for o in packed.origins], "refused": packed.refused}
    arrays = {n: getattr(packed, n) for n in ("notes", "bounds", "kind", "origin")}
    path.parent.mkdir(parents=True, exist_ok=True)
    stamp = vocabulary.fingerprint()
    np.savez(
        path,
        **arrays,
        held_out=packed.held_out,
        about=json.dumps(about),
        vocabulary=stamp,
    )


def load(path: Path) -> Packed:
    """Read the cache.

    Raises:
        FileError: it is not there or damaged.
    """
    try:
        with np.load(path) as file:
            about = json.loads(str(file["about"]))
            arrays = {n: file[n] for n in ("notes", "bounds", "kind", "origin")}
            held_out = file["held_out"]
    except (OSError, KeyError, ValueError) as error:
        raise FileError(
            f"The packed corpus {path} cannot be read ({error}); "
            "delete it and train again."
        ) from error
    origins = tuple(Origin(**entry) for entry in about["origins"])
    refused = tuple((name, why) for name, why in about["refused"])
    return Packed(**arrays, held_out=held_out, origins=origins, refused=refused)


class Crops:
    """Crops of one side of the split.

    Args:
        packed: the corpus.
        events: T, the length of a crop.
        held_out: which side.
    """

    def __init__(self, packed: Packed, events: int, *, held_out: bool) -> None:
        self._packed, self._events = packed, events
        self._how = HELD_OUT if held_out else TRAINING
        self._pieces = np.flatnonzero(packed.held_out == held_out)
        if not len(self._pieces):
            raise FileError(
                "The corpus has no piece on one side of its split; add data."
            )
        weights = [WEIGHTS.get(o.name, 1.0) for o in packed.origins]
        share = (
            np.diff(packed.bounds)[self._pieces]
            * np.array(weights)[packed.origin[self._pieces]]
        )
        self._cumulative = np.cumsum(share / share.sum())

    def batch(
        self, seed: int, step: int, size: int, how: Augmentation | None = None
    ) -> Batch:
        """The batch of a step: the same for the same (seed, step), always."""
        rng = np.random.default_rng([seed, step])
        events = np.zeros((size, self._events + 1, 4), np.int64)
        real = np.zeros((size, self._events), np.bool_)
        kind = np.zeros(size, np.int64)
        for row in range(size):
            place = int(np.searchsorted(self._cumulative, rng.random()))
            piece = int(self._pieces[min(place, len(self._pieces) - 1)])
            crop = self.crop(piece, rng, how or self._how)
            events[row, : len(crop)] = crop
            real[row, : max(len(crop) - 1, 0)] = True
            kind[row] = self._packed.kind[piece]
        return Batch(events, real, kind)

    def crop(self, piece: int, rng: np.random.Generator, how: Augmentation) -> Ints:
        """A varied crop of a piece, at most T + 1 events; shape (≤ T + 1, 4)."""
        notes = self._packed.piece(piece)
        last = max(len(notes) - self._events // 2, 1)
        first = int(rng.integers(0, last))
        # T + 1 notes hold T + 1 downs, so no event of the first T + 1 can be missing.
        notes = notes[first : first + self._events + 1].copy()
        notes["end"] -= notes["start"][0]
        notes["start"] -= notes["start"][0]
        origin = self._packed.origins[self._packed.origin[piece]].name
        notes = vary(
            notes,
            how,
            rng,
            engraved=origin not in EXPRESSIVE,
            flat=origin not in DYNAMIC,
        )
        notes = notes[np.argsort(notes["start"], kind="stable")]
        duet = KINDS[self._packed.kind[piece]] == "duet"
        return tokenize(notes, deal(notes, rng, duet=duet))[: self._events + 1]


def held_out_batches(
    packed: Packed, events: int, count: int, size: int = 64
) -> list[Batch]:
    """The fixed crops that every figure is measured on: `count` crops in batches."""
    crops = Crops(packed, events, held_out=True)
    return [crops.batch(HELD_OUT_SEED, n, size) for n in range(-(-count // size))]
