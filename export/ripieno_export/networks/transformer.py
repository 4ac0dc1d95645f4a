"""The Transformer family: a causal decoder with rotary positions reads the events.

Pre-norm with RMSNorm, heads of 64, a squared ReLU between two linear maps of 4 H, no
biases, no learned positions: only distances count, so that a window may slide. The
attention is laid out as `com.microsoft::GroupQueryAttention` wants it (the two halves
of a head are rotated against each other), which is one node of the step graph.

Wide and shallow: on a GPU a step's time goes with layers.

Shapes: B crops, T steps, H hidden, N heads, D head size.
"""

from typing import Final

import torch
from torch import Tensor, nn

from ripieno_export.networks.events import EMBEDDED, EventNetwork

HEAD: Final = 64
ROTARY_BASE: Final = 10_000.0
EPSILON: Final = 1e-6


def rotary(length: int, size: int = HEAD) -> tuple[Tensor, Tensor]:
    """Cosines and sines of the positions 0 … length − 1, each [T, D / 2]."""
    turns = ROTARY_BASE ** (-torch.arange(0, size, 2, dtype=torch.float64) / size)
    angles = torch.arange(length, dtype=torch.float64)[:, None] * turns
    return angles.cos().float(), angles.sin().float()


def rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Turn queries or keys [B, N, T, D] to their positions."""
    first, second = x.chunk(2, -1)
    return torch.cat([first * cos - second * sin, second * cos + first * sin], -1)


class Block(nn.Module):
    """Attention, then a feed-forward map, each added to its input."""

    def __init__(self, hidden: int, dropout: float) -> None:
        super().__init__()
        self.heads = hidden // HEAD
        self.norm_attention = nn.RMSNorm(hidden, eps=EPSILON)
        self.to_qkv = nn.Linear(hidden, 3 * hidden, bias=False)
        self.from_heads = nn.Linear(hidden, hidden, bias=False)
        self.norm_feed = nn.RMSNorm(hidden, eps=EPSILON)
        self.widen = nn.Linear(hidden, 4 * hidden, bias=False)
        self.narrow = nn.Linear(4 * hidden, hidden, bias=False)
        self.drop = nn.Dropout(dropout)

    def forward(self, x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        """[B, T, H] → [B, T, H]."""
        x = x + self.drop(self.attend(self.norm_attention(x), cos, sin))
        fed: Tensor = x + self.drop(self.feed(self.norm_feed(x)))
        return fed

    def attend(self, x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        """Causal attention over [B, T, H]."""
        size, steps, hidden = x.shape
        apart = self.to_qkv(x).view(size, steps, 3, self.heads, HEAD)
        q, k, v = apart.permute(2, 0, 3, 1, 4).unbind(0)  # [B, N, T, D]
        seen = nn.functional.scaled_dot_product_attention(
            rotate(q, cos, sin), rotate(k, cos, sin), v, is_causal=True
        )
        mixed: Tensor = self.from_heads(
            seen.transpose(1, 2).reshape(size, steps, hidden)
        )
        return mixed

    def feed(self, x: Tensor) -> Tensor:
        """The feed-forward map of [..., H]."""
        fed: Tensor = self.narrow(nn.functional.relu(self.widen(x)).square())
        return fed


class EventTransformer(EventNetwork):
    """Predicts event t + 1 from the events up to t."""

    def __init__(self, hidden: int, layers: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.hidden, self.layers = hidden, layers
        self.lift = nn.Linear(sum(EMBEDDED), hidden, bias=False)
        self.blocks = nn.ModuleList(Block(hidden, dropout) for _ in range(layers))
        self.norm = nn.RMSNorm(hidden, eps=EPSILON)
        self.drop = nn.Dropout(dropout)
        for block in self.blocks:
            assert isinstance(block, Block)
            nn.init.zeros_(block.from_heads.weight)
            nn.init.zeros_(block.narrow.weight)
        self.add_heads(hidden)

    def backbone(self, heard: Tensor) -> Tensor:
        """See `EventNetwork.backbone`."""
        x = self.drop(self.lift(heard))
        cos, sin = (table.to(x) for table in rotary(x.shape[1]))
        for block in self.blocks:
            x = block(x, cos, sin)
        known: Tensor = self.norm(x)
        return known
