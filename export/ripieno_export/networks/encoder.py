"""The phrase encoder and its decoder: a roll → an embedding and a detail → a roll.

Four strided convolutions see up to an octave and a beat at once, so that an interval or
a rhythm is one pattern wherever it lies. Two heads leave them: the *embedding*, of unit
length, says what kind of music it is (near for windows of one piece); the *detail*, of
which of its windows. The decoder needs both.

Shapes: B windows, D embedding, E detail; a roll is [B, 2, 32, 72].
"""

from itertools import pairwise
from typing import Final

import torch
from torch import Tensor, nn

from ripieno.layouts.likeness import CHANNELS, ROWS, STEPS

KERNELS: Final = ((4, 13), (3, 5), (3, 3), (3, 3))
"""Steps × semitones; all halve both. The first sees an octave either way of a beat."""
LEFT: Final = (STEPS // 16, -(-ROWS // 16))
"""What is left of a roll after four halvings."""


class Encoder(nn.Module):
    """Roll → (embedding, detail)."""

    def __init__(self, width: int, embedding: int, detail: int, dropout: float) -> None:
        super().__init__()
        sizes = (CHANNELS, width, 2 * width, 4 * width, 6 * width)
        layers: list[nn.Module] = []
        for (before, after), (steps, rows) in zip(
            pairwise(sizes), KERNELS, strict=True
        ):
            padding = ((steps - 1) // 2, rows // 2)
            layers += [
                nn.Conv2d(before, after, (steps, rows), 2, padding, bias=False),
                nn.BatchNorm2d(after),
                nn.GELU(),
            ]
        self.trunk = nn.Sequential(*layers)
        self.drop = nn.Dropout(dropout)
        seen = sizes[-1] * LEFT[0] * LEFT[1]
        self.embedding = nn.Linear(seen, embedding)
        self.detail = nn.Linear(seen, detail)

    def forward(self, rolls: Tensor) -> tuple[Tensor, Tensor]:
        """[B, 2, 32, 72] → unit vectors [B, D], details [B, E] of length √E."""
        seen = self.drop(self.trunk(rolls).flatten(1))
        embedding = nn.functional.normalize(self.embedding(seen).float(), dim=1)
        detail = nn.functional.normalize(self.detail(seen).float(), dim=1)
        return embedding, detail * detail.shape[1] ** 0.5


class Decoder(nn.Module):
    """(embedding, detail) → logits of a roll."""

    def __init__(self, width: int, embedding: int, detail: int) -> None:
        super().__init__()
        self.width, self.scale = width, embedding**0.5
        self.given = nn.Linear(embedding + detail, 2 * width * 4 * (ROWS // 8))
        layers: list[nn.Module] = []
        for before, after in ((2 * width, width), (width, width)):
            layers += [
                nn.ConvTranspose2d(before, after, 4, 2, 1, bias=False),
                nn.BatchNorm2d(after),
                nn.GELU(),
            ]
        layers.append(nn.ConvTranspose2d(width, CHANNELS, 4, 2, 1))
        self.layers = nn.Sequential(*layers)

    def forward(self, embedding: Tensor, detail: Tensor) -> Tensor:
        """[B, D], [B, E] → logits [B, 2, 32, 72]."""
        given = torch.cat([self.scale * embedding, detail], 1)
        seed = nn.functional.gelu(self.given(given))
        roll: Tensor = self.layers(seed.view(-1, 2 * self.width, 4, ROWS // 8))
        return roll


class Autoencoder(nn.Module):
    """Both; what training calls."""

    def __init__(self, width: int, embedding: int, detail: int, dropout: float) -> None:
        super().__init__()
        self.encoder = Encoder(width, embedding, detail, dropout)
        self.decoder = Decoder(width, embedding, detail)
        # torch's stubs leave this overload out.
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def forward(self, rolls: Tensor, decoded: int) -> tuple[Tensor, Tensor]:
        """Unit vectors [B, D] of all, and logits of the first `decoded` windows."""
        rolls = rolls.contiguous(memory_format=torch.channels_last)
        embedding, detail = self.encoder(rolls)
        return embedding, self.decoder(embedding[:decoded], detail[:decoded])
