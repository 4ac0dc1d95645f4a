"""Frames of a piano roll: one network, four backbones, two heads.

A backbone (LSTM, GRU, causal convolutions, causal Transformer) reads the frames in
order; what it knows after frame t, and frame t itself, go to both heads, which say how
likely frame t + 1 is:

- *independent*: each key has a probability of its own, as in the published LSTM and TCN
  rows;
- *chain*: key by key upwards, each knowing all keys below it, as in RNN-NADE. It is
  written as "which is the next key that sounds, or none", one softmax a note instead of
  one coin a key; the two say the same (a key's coin is its share of what is left).

Both are proper likelihoods: over all 2^K frames they sum to one.

Shapes: B crops, T steps, N real frames, K keys, H hidden, M notes and ends.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, cast

import torch
from torch import Tensor, nn

from ripieno.errors import SettingsError
from ripieno_export.networks.transformer import EPSILON, HEAD, Block, rotary

HEADS: Final = ("independent", "chain")
CHAIN: Final = 128
"""The chain's width; it runs five times a frame, and 256 took twice the time."""


@dataclass(frozen=True, slots=True)
class Shape:
    """What a network looks like.

    Attributes:
        backbone: one of `BACKBONES`.
        hidden: H.
        layers: of the backbone.
        dropout: on the backbone's input and output, between its layers, in the chain.
        kernel: frames that a convolution sees.
        reach: frames that attention sees at most.
        keys: K.
    """

    backbone: str
    hidden: int
    layers: int
    dropout: float = 0.0
    kernel: int = 3
    reach: int = 256
    keys: int = 88


class Steady(nn.Module):
    """Dropout that leaves the same units out at every frame of a crop.

    Source: Gal, Ghahramani 2016. On a CPU it is also a quarter faster a step than
    dropout of each value, of which drawing the masks was the larger part.
    """

    def __init__(self, share: float) -> None:
        super().__init__()
        self.share = share

    def forward(self, x: Tensor) -> Tensor:
        """[B, T, H] → [B, T, H]."""
        if not self.training or self.share == 0.0:
            return x
        left = torch.rand_like(x[:, :1]) >= self.share
        return x * left / (1 - self.share)


class Recurrent(nn.Module):
    """LSTMs or GRUs, one on top of another."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        cell: Callable[..., nn.RNNBase] = nn.GRU if shape.backbone == "gru" else nn.LSTM
        self.cells = nn.ModuleList(
            cell(shape.hidden, shape.hidden) for _ in range(shape.layers)
        )
        self.drop = Steady(shape.dropout)

    def forward(self, x: Tensor) -> Tensor:
        """[B, T, H] → [B, T, H]."""
        for number, cell in enumerate(self.cells):
            x = self.drop(x) if number else x
            x = cell(x.transpose(0, 1))[0].transpose(0, 1)
        return x


class Convolved(nn.Module):
    """Two causal convolutions, added to what goes by."""

    def __init__(self, shape: Shape, dilation: int) -> None:
        super().__init__()
        self.before = (shape.kernel - 1) * dilation
        self.norms = nn.ModuleList(
            nn.RMSNorm(shape.hidden, eps=EPSILON) for _ in range(2)
        )
        self.convolutions = nn.ModuleList(
            nn.Conv1d(shape.hidden, shape.hidden, shape.kernel, dilation=dilation)
            for _ in range(2)
        )
        self.drop = Steady(shape.dropout)

    def forward(self, x: Tensor) -> Tensor:
        """[B, T, H] → [B, T, H]."""
        y = x
        for norm, convolution in zip(self.norms, self.convolutions, strict=True):
            line = nn.functional.pad(norm(y).transpose(1, 2), (self.before, 0))
            y = self.drop(nn.functional.relu(convolution(line).transpose(1, 2)))
        return x + y


class Convolutional(nn.Module):
    """A temporal convolutional network: layer n sees frames 2^n apart.

    Source: Bai, Kolter, Koltun 2018; with RMSNorm before each convolution where they
    normalise its weights.
    """

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.blocks = nn.Sequential(
            *(Convolved(shape, 2**n) for n in range(shape.layers))
        )
        self.norm = nn.RMSNorm(shape.hidden, eps=EPSILON)

    def forward(self, x: Tensor) -> Tensor:
        """[B, T, H] → [B, T, H]."""
        known: Tensor = self.norm(self.blocks(x))
        return known


class Attentive(nn.Module):
    """A causal Transformer that looks `reach` frames back at most.

    Longer music is read in windows that overlap by half: past the first window, each
    frame is known from between reach / 2 and reach frames.

    Raises:
        SettingsError: H is no multiple of a head's size.
    """

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        if shape.hidden % HEAD or shape.reach % 2:
            raise SettingsError(
                f"hidden is {shape.hidden} and events {shape.reach}; a Transformer "
                f"wants a multiple of {HEAD} and of 2."
            )
        self.reach = shape.reach
        self.blocks = nn.ModuleList(
            Block(shape.hidden, shape.dropout) for _ in range(shape.layers)
        )
        self.norm = nn.RMSNorm(shape.hidden, eps=EPSILON)

    def forward(self, x: Tensor) -> Tensor:
        """[B, T, H] → [B, T, H]."""
        half = self.reach // 2
        first = self._window(x[:, : self.reach])
        starts = range(half, x.shape[1] - half, half)
        later = (self._window(x[:, s : s + self.reach])[:, half:] for s in starts)
        return torch.cat([first, *later], 1)

    def _window(self, x: Tensor) -> Tensor:
        cos, sin = (table.to(x) for table in rotary(x.shape[1]))
        for block in self.blocks:
            x = block(x, cos, sin)
        known: Tensor = self.norm(x)
        return known


BACKBONES: Final[dict[str, Callable[[Shape], nn.Module]]] = {
    "lstm": Recurrent,
    "gru": Recurrent,
    "tcn": Convolutional,
    "transformer": Attentive,
}


class Independent(nn.Module):
    """Each key has a probability of its own."""

    def __init__(self, known: int, keys: int) -> None:
        super().__init__()
        self.out = nn.Linear(known, keys)

    def forward(self, known: Tensor, told: Tensor) -> Tensor:
        """Nats of frames: [N, H + K] and [N, K] → [N]."""
        # Under autocast a coin of .998 would be 1, in bfloat16.
        scores = self.out(known).float()
        each = nn.functional.binary_cross_entropy_with_logits(
            scores, told, reduction="none"
        )
        return each.sum(-1)


class Chain(nn.Module):
    """The keys that sound, upwards, then none."""

    def __init__(self, known: int, shape: Shape) -> None:
        super().__init__()
        wide = CHAIN
        self.keys = shape.keys
        self.lift = nn.Linear(known, wide)
        self.below = nn.Linear(shape.keys, wide, bias=False)
        self.embed_last = nn.Embedding(shape.keys + 1, wide)
        self.mix = nn.Linear(wide, wide)
        self.out = nn.Linear(wide, shape.keys + 1)
        self.drop = nn.Dropout(shape.dropout)
        nn.init.normal_(self.embed_last.weight, std=0.1)

    def forward(self, known: Tensor, told: Tensor) -> Tensor:
        """Nats of frames: [N, H + K] and [N, K] → [N]."""
        notes, real = upwards(told)  # [N, n + 1]
        frame = real.nonzero()[:, 0]  # [M]
        last = nn.functional.pad(notes[:, :-1], (1, 0), value=-1)[real]
        keys = torch.arange(self.keys + 1, device=told.device)
        scores = self.scores(self.drop(self.lift(known))[frame], told[frame], last)
        scores = scores.masked_fill(keys <= last[:, None], -torch.inf)
        each = nn.functional.cross_entropy(
            scores.float(), notes[real], reduction="none"
        )
        return (
            torch.zeros_like(real, dtype=each.dtype).masked_scatter(real, each).sum(-1)
        )

    def scores(self, lifted: Tensor, told: Tensor, last: Tensor) -> Tensor:
        """Of each key, and of none, after the last key: [M, K + 1].

        Args:
            lifted: what is known of each frame, [M, CHAIN].
            told: the frame; only its keys up to the last one are looked at, [M, K].
            last: the key before, −1 at the bottom, [M].
        """
        keys = torch.arange(self.keys, device=told.device)
        below = told * (keys <= last[:, None])
        wide = lifted + self.below(below) + self.embed_last(last + 1)
        wide = nn.functional.gelu(wide)
        wide = wide + nn.functional.gelu(self.mix(wide))
        scores: Tensor = self.out(wide)
        return scores


def upwards(told: Tensor) -> tuple[Tensor, Tensor]:
    """The keys of each frame, lowest first, then K for none.

    Args:
        told: [N, K], ones and zeros.

    Returns:
        Keys [N, n + 1], n the most that any frame has; and which of them are real, the
        first none included.
    """
    keys = told.shape[-1]
    count = told.sum(-1).long()
    most = int(count.max()) if len(count) else 0
    from_top = torch.arange(keys, 0, -1, device=told.device)
    found = (told.long() * from_top).topk(most, dim=-1).values  # 0 where there is none
    notes = nn.functional.pad(keys - found, (0, 1), value=keys)
    return notes, torch.arange(most + 1, device=told.device) <= count[:, None]


class FrameNetwork(nn.Module):
    """How likely each frame is after those before it, by both heads.

    Raises:
        SettingsError: there is no such backbone.
    """

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        if shape.backbone not in BACKBONES:
            raise SettingsError(
                f"The network is {shape.backbone!r}; it must be one of "
                f"{', '.join(BACKBONES)}."
            )
        self.embed = nn.Linear(shape.keys, shape.hidden)
        # Four keys of 88 sound: torch's own scale leaves a tenth of what cells expect.
        nn.init.normal_(self.embed.weight, std=0.5)
        self.backbone = BACKBONES[shape.backbone](shape)
        self.drop = Steady(shape.dropout)
        known = shape.hidden + shape.keys
        self.heads = nn.ModuleDict(
            {
                "independent": Independent(known, shape.keys),
                "chain": Chain(known, shape),
            }
        )

    def known(self, rolls: Tensor) -> Tensor:
        """What is known after each frame: [B, T, K] → [B, T, H + K]."""
        after = self.backbone(self.drop(self.embed(rolls)))
        return torch.cat([self.drop(after), rolls], -1)

    def forward(self, rolls: Tensor, real: Tensor) -> Tensor:
        """Nats of each real frame but the first ones, by each head.

        Args:
            rolls: [B, T + 1, K], ones and zeros.
            real: bool [B, T], which of the T successors are music.

        Returns:
            [2, N], in the order of `HEADS`; N runs over crops, then over frames.
        """
        known = self.known(rolls[:, :-1])[real]
        told = rolls[:, 1:][real]
        return torch.stack([cast("Tensor", self.heads[h](known, told)) for h in HEADS])
