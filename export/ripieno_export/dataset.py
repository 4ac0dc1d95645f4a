"""The crops of packed music that training and evaluation see.

A batch is a function of (seed, step) alone, so that training which is resumed sees
what it would have seen. A crop starts at a random note, from silence, as a performance
does. Notes that began before it are left out.

How music is packed: `ripieno_export.packing`; what lies on the disk:
`ripieno_export.packed`.

Shapes: B crops, T steps; a crop holds T + 1 events so that each of T has a successor.
"""

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from ripieno.errors import FileError
from ripieno_export import packing
from ripieno_export.augment import HELD_OUT, TRAINING, Augmentation, vary
from ripieno_export.packed import KINDS, Packed, load, save
from ripieno_export.tokenize import Ints, tokenize
from ripieno_export.turns import deal

__all__ = [
    "KINDS",
    "Batch",
    "Crops",
    "Packed",
    "held_out_batches",
    "load",
    "pack",
    "save",
]

WEIGHTS: Final = {"giantmidi_sample": 4.0}
"""Only 5½ hours of the corpus were played by hands: they are heard four times."""
HELD_OUT_SEED: Final = 20_251

Bools = npt.NDArray[np.bool_]


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


def pack(data: Path, out: Path | None = None) -> Packed:
    """Read a folder of music, whatever its layout, and separate what is held out.

    Args:
        data: the folder.
        out: where the packed corpus goes; None for nowhere: it is held in memory.
    """
    if out is not None:
        return packing.pack(packing.pieces_of(data), out)
    with tempfile.TemporaryDirectory() as place:
        found = packing.pack(packing.pieces_of(data), Path(place) / "corpus")
        return found.in_memory()


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
        notes = vary(
            notes,
            how,
            rng,
            engraved=bool(self._packed.engraved[piece]),
            flat=bool(self._packed.flat[piece]),
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
