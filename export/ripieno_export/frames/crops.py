"""Crops of piano rolls, from (seed, step) alone, some of them transposed.

Both benchmark sets are in C already, so a transposed crop is music that the judged
part has not: it teaches what is the same in every key, and only a share of the crops
is moved. The published figures were made without.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from ripieno_export.frames.rolls import Roll


@dataclass(frozen=True, slots=True)
class Batch:
    """Crops, padded to one length.

    Attributes:
        rolls: float [B, T + 1, K].
        real: bool [B, T], which successors are music.
    """

    rolls: Tensor
    real: Tensor


@dataclass(frozen=True, slots=True)
class Moves:
    """How crops are transposed.

    Attributes:
        share: of the crops.
        semitones: up or down, at most.
    """

    share: float = 0.0
    semitones: int = 0


def padded(crops: Sequence[Roll]) -> Batch:
    """Crops of any lengths as one batch."""
    longest = max(len(crop) for crop in crops)
    rolls = np.zeros((len(crops), longest, crops[0].shape[1]), np.float32)
    for row, crop in zip(rolls, crops, strict=True):
        row[: len(crop)] = crop
    lengths = torch.tensor([len(crop) for crop in crops])
    real = torch.arange(1, longest) < lengths[:, None]
    return Batch(torch.from_numpy(rolls), real)


def moved(roll: Roll, semitones: int) -> Roll:
    """A roll transposed; as it was, if a note would leave the keyboard."""
    if semitones == 0:
        return roll
    gone = roll[:, -semitones:] if semitones > 0 else roll[:, :-semitones]
    return roll if gone.any() else np.roll(roll, semitones, 1)


class Crops:
    """Draws crops of a part.

    Args:
        pieces: each [frames, K].
        events: T, how many frames of a crop are predicted.
        moves: how crops are transposed.
    """

    def __init__(self, pieces: Sequence[Roll], events: int, moves: Moves) -> None:
        self._pieces = [piece for piece in pieces if len(piece) > 1]
        self._events, self._moves = events, moves
        # By frames, so that each frame is seen equally often.
        lengths = np.array([len(piece) - 1 for piece in self._pieces], float)
        self._chance = lengths / lengths.sum()

    def batch(self, seed: int, step: int, size: int) -> Batch:
        """The batch of a step."""
        rng = np.random.default_rng((seed, step))
        chosen = rng.choice(len(self._pieces), size, p=self._chance)
        return padded([self._crop(rng, self._pieces[number]) for number in chosen])

    def _crop(self, rng: np.random.Generator, piece: Roll) -> Roll:
        long = self._events + 1
        spare = max(len(piece) - long, 0)
        # Half a crop of run-in at both ends: beginnings and ends come often enough.
        half = self._events // 2 if spare else 0
        start = int(np.clip(rng.integers(-half, spare + half + 1), 0, spare))
        most = self._moves.semitones
        semitones = int(rng.integers(-most, most + 1))
        is_moved = rng.random() < self._moves.share
        crop: npt.NDArray[np.uint8] = piece[start : start + long]
        return moved(crop, semitones) if is_moved else crop
