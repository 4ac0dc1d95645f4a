"""Harmony: a recurrent network that is the same in every key.

The twelve roots are twelve rows of one batch. Each row sees the pitch classes counted
from its own root and keeps its own state; all share their weights. Transposing the
input rotates the rows, and so the logits: what is learned in C is known in F sharp, and
no transposed copy of a song is ever needed.

Shapes: B batch, T spans, H hidden, R = 12 roots, Q qualities.
"""

import torch
from torch import Tensor, nn

from ripieno.layouts import duet
from ripieno.music.chords import QUALITIES

ROOTS = 12


class Harmony(nn.Module):
    """Pitch-class rows and scalars → logits of chords.

    Args:
        hidden: H.
        dropout: after the input, and before the output.
        is_teacher: hears the future as well; never exported.
    """

    def __init__(
        self, hidden: int, dropout: float = 0.0, *, is_teacher: bool = False
    ) -> None:
        super().__init__()
        self.hidden = hidden
        self.classes = nn.Linear(duet.CLASS_ROWS * 12, hidden)
        self.scalars = nn.Linear(duet.SCALARS, hidden, bias=False)
        self.recurrent = nn.GRU(
            hidden, hidden, batch_first=True, bidirectional=is_teacher
        )
        wide = hidden * (2 if is_teacher else 1)
        self.mix = nn.Linear(2 * wide, hidden)
        self.out = nn.Linear(hidden, QUALITIES)
        self.drop = nn.Dropout(dropout)
        steps = (torch.arange(12)[None] + torch.arange(ROOTS)[:, None]) % 12
        self.register_buffer("turned", steps.flatten(), persistent=False)  # [R * 12]

    turned: Tensor

    def per_root(self, rows: Tensor, scalars: Tensor) -> Tensor:
        """The input as each root sees it.

        Args:
            rows: [..., 6, 12].
            scalars: [..., SCALARS].

        Returns:
            [..., R, H].
        """
        seen = torch.unflatten(rows.index_select(-1, self.turned), -1, (ROOTS, 12))
        seen = seen.transpose(-3, -2).flatten(-2)  # [..., R, 72]
        given = self.classes(seen) + self.scalars(scalars)[..., None, :]
        mixed: Tensor = self.drop(nn.functional.silu(given))
        return mixed

    def logits(self, states: Tensor) -> Tensor:
        """Logits of each root's chords, given all: [..., R, H] → [..., R * Q]."""
        whole = states.mean(-2, keepdim=True).expand_as(states)
        mixed = nn.functional.silu(self.mix(torch.cat([states, whole], -1)))
        scores: Tensor = self.out(self.drop(mixed)).flatten(-2)
        return scores

    def forward(self, rows: Tensor, scalars: Tensor) -> Tensor:
        """Teacher-forced: [B, T, 6, 12] and [B, T, SCALARS] → [B, T, N_CHORDS]."""
        batch, spans = rows.shape[:2]
        seen = self.per_root(rows, scalars)  # [B, T, R, H]
        line = seen.transpose(1, 2).reshape(batch * ROOTS, spans, -1)
        states, _ = self.recurrent(line)
        states = states.view(batch, ROOTS, spans, -1).transpose(1, 2)
        logits: Tensor = self.logits(states)
        return logits
