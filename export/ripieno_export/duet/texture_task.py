"""What texture learns: the piano's next token, and how long a note lasts.

Crops begin with a span, in a random key. Against exposure bias the network's own past
is corrupted at times, with the right answer as the target: tokens before are replaced,
sounding notes are dropped. The requested manner is hidden at times, so that the network
can also play without one.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from ripieno.layouts import duet
from ripieno_export.duet.packing import (
    COLUMNS,
    Bytes,
    Tokens,
    contexts,
    transposed,
)
from ripieno_export.networks.texture import Texture
from ripieno_export.preset import Preset
from ripieno_export.task import Task

CORRUPTED: Final = 0.5
"""The share of crops whose past is corrupted."""
WORST: Final = 0.25
"""The highest rate of corruption; each of these crops draws one below it."""
HIDDEN_MANNER: Final = 0.5
KEYS: Final = (-5, 6)

Ints = npt.NDArray[np.int64]
_TOKEN, _LENGTH = COLUMNS.index("token"), COLUMNS.index("length")
_MANNER: Final = [COLUMNS.index(name) for name in ("density", "voices", "style")]

Crop = tuple[Ints, Ints, npt.NDArray[np.float32], Ints, Ints]
"""Tokens and lengths before, contexts, tokens and lengths told; -1 is no target."""


class TextureTask(Task):
    """Learns textures; see `ripieno_export.task.Task`."""

    parts = ("token", "length")

    def __init__(
        self,
        preset: Preset,
        songs: Sequence[Tokens],
        held_out: Sequence[Tokens],
        *,
        corrupts: bool = True,
    ) -> None:
        torch.manual_seed(preset.seed)
        self.network = Texture(preset.hidden, preset.dropout)
        self._preset, self._songs = preset, songs
        self._corrupts = corrupts
        weights = np.array([len(song) for song in songs], float)
        self._odds = weights / weights.sum()
        self._held_out = [held_crop(song, preset.events) for song in held_out]

    def losses(self, step: int) -> Tensor:
        """Mean nats a token: of the token, of its length. [2]."""
        chance = np.random.default_rng((self._preset.seed, step))
        crops = [self._crop(chance) for _ in range(self._preset.batch)]
        return nats(self.network, crops[self.mine])

    def judge(self) -> list[float]:
        """The same over held-out songs."""
        total = torch.zeros(2)
        for first in range(0, len(self._held_out), 16):
            crops = self._held_out[first : first + 16]
            total += nats(self.network, crops).cpu() * len(crops)
        return [float(part) for part in total / len(self._held_out)]

    def _crop(self, chance: np.random.Generator) -> Crop:
        song = self._songs[chance.choice(len(self._songs), p=self._odds)]
        starts = song.starts[: max(1, np.searchsorted(song.starts, len(song) - 32))]
        first = int(starts[chance.integers(len(starts))])
        crop = slice(first, first + self._preset.events)
        columns, sounding = transposed(
            song.columns[crop], song.sounding[crop], int(chance.integers(*KEYS))
        )
        for place in _MANNER:
            if chance.random() < HIDDEN_MANNER:
                columns[:, place] = 0
        return self._corrupt(chance, crop_of(columns, sounding, self._preset.events))

    def _corrupt(self, chance: np.random.Generator, crop: Crop) -> Crop:
        """Wrong tokens in the past, right ones as targets."""
        token, length, rows, told, lengths = crop
        if not self._corrupts or chance.random() >= CORRUPTED:
            return crop
        rate = chance.random() * WORST
        wrong = (chance.random(len(token)) < rate) & (token != duet.NEXT)
        moved = token + chance.choice([-12, -7, -5, -2, -1, 1, 2, 5, 7, 12], len(token))
        token = np.where(wrong, np.clip(moved, 1, duet.TOKENS - 1), token)
        dropped = chance.random((len(rows), duet.HEIGHTS)) < rate
        rows[:, duet.RINGING : duet.RINGING + duet.HEIGHTS][dropped] = 0.0
        return token, length, rows, told, lengths


def crop_of(columns: npt.NDArray[np.int16], sounding: Bytes, size: int) -> Crop:
    """One line of tokens as a step sees it, filled up to `size` with no targets.

    A row's context is that in which its own token is written.
    """
    told = columns[:, _TOKEN].astype(np.int64)
    lengths = columns[:, _LENGTH].astype(np.int64)
    token = np.concatenate([[duet.NEXT], told[:-1]])
    length = np.concatenate([[0], lengths[:-1]])
    rows = contexts(columns, sounding)
    lengths = np.where(told == duet.NEXT, -1, lengths)
    missing = size - len(told)
    if missing > 0:
        told = np.pad(told, (0, missing), constant_values=-1)
        lengths = np.pad(lengths, (0, missing), constant_values=-1)
        token, length = np.pad(token, (0, missing)), np.pad(length, (0, missing))
        rows = np.pad(rows, ((0, missing), (0, 0)))
    return token, length, rows, told, lengths


def held_crop(song: Tokens, size: int) -> Crop:
    """A fixed crop of a held-out song, without a requested manner."""
    first = int(song.starts[len(song.starts) // 3])
    columns = song.columns[first : first + size].copy()
    columns[:, _MANNER] = 0
    return crop_of(columns, song.sounding[first : first + size], size)


def nats(model: nn.Module, crops: Sequence[Crop]) -> Tensor:
    """Mean nats a token of tokens and of lengths, shape [2]."""
    device = next(model.parameters()).device
    token, length, rows, told, lengths = (
        torch.from_numpy(np.stack(column)).to(device)
        for column in zip(*crops, strict=True)
    )
    scores, length_scores = model(token, length, rows, told.clamp(min=0))
    real = (told >= 0).sum()
    return torch.stack(
        [
            nn.functional.cross_entropy(
                s.flatten(0, 1), t.flatten(), ignore_index=-1, reduction="sum"
            )
            / real
            for s, t in ((scores, told), (length_scores, lengths))
        ]
    )
