"""Judging: nats a frame on whole pieces.

The published convention: the sum over the 88 keys, natural logarithm, of every frame
of a piece but its first, which nothing predicts; summed over the part and divided by
the number of frames predicted (`locuslab/TCN`, `music_test.py`: ``total_loss / count``
with ``count += output.size(0)``). So a long piece counts more than a short one. The
mean over pieces of each piece's own mean is given beside it.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor, nn

from ripieno_export.frames.crops import padded
from ripieno_export.frames.rolls import Roll
from ripieno_export.networks.frames import HEADS

AT_ONCE: Final = 16
"""Pieces that are judged in one batch; sorted by length, little is padding."""

Nats = list[Tensor]
"""Of each piece, by each head and frame: [2, frames]."""


@dataclass(frozen=True, slots=True)
class Score:
    """What a network says of a part.

    Attributes:
        a_frame: nats a frame by each head, the mean over frames.
        a_piece: the mean over pieces of each piece's nats a frame.
        frames, pieces: how many were judged.
    """

    a_frame: dict[str, float]
    a_piece: dict[str, float]
    frames: int
    pieces: int


def nats(network: nn.Module, pieces: Sequence[Roll]) -> Nats:
    """The likelihood of each frame, shortest piece first.

    The network is in eval mode, without gradients.
    """
    device = next(network.parameters()).device
    pieces = sorted((piece for piece in pieces if len(piece) > 1), key=len)
    found: Nats = []
    for first in range(0, len(pieces), AT_ONCE):
        some = pieces[first : first + AT_ONCE]
        batch = padded(some)
        each: Tensor = network(batch.rolls.to(device), batch.real.to(device))
        lengths = [len(piece) - 1 for piece in some]
        found += torch.split(each.double().cpu(), lengths, dim=1)
    return found


def mixture(several: Sequence[Nats]) -> Nats:
    """The mean likelihood that several networks give a frame: a likelihood, too."""
    return [
        math.log(len(several)) - torch.logsumexp(-torch.stack(pieces), 0)
        for pieces in zip(*several, strict=True)
    ]


def score(found: Nats) -> Score:
    """Both means.

    Raises:
        ValueError: there is no frame to judge.
    """
    if not found:
        raise ValueError("no piece has a second frame")
    frames = torch.cat(found, 1)
    pieces = torch.stack([piece.mean(1) for piece in found], 1)
    return Score(
        dict(zip(HEADS, frames.mean(1).tolist(), strict=True)),
        dict(zip(HEADS, pieces.mean(1).tolist(), strict=True)),
        frames.shape[1],
        len(found),
    )
