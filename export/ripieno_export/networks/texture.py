"""Texture: a recurrent network that writes the piano part, a token at a time.

Token (`duet.NEXT` or a height above the chord's root), then the length of a note given
the token. The input of a step is the token before it, its length, and the context in
which the next one is written: chord, phase, melody, what sounds, in what manner.

Shapes: B batch, T steps, H hidden, C context, V tokens.
"""

import torch
from torch import Tensor, nn

from ripieno.layouts import duet

EMBEDDED = 64


class Texture(nn.Module):
    """(token before, length before, context) → logits of token, of length.

    Args:
        hidden: H.
        dropout: on the recurrent network's input and output.
    """

    def __init__(self, hidden: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.hidden = hidden
        self.token = nn.Embedding(duet.TOKENS, EMBEDDED)
        self.length = nn.Embedding(len(duet.LENGTHS), EMBEDDED)
        self.context = nn.Linear(duet.CONTEXT, hidden)
        self.before = nn.Linear(2 * EMBEDDED, hidden, bias=False)
        self.recurrent = nn.GRU(hidden, hidden, batch_first=True)
        self.head = nn.Linear(2 * hidden, duet.TOKENS)
        self.chosen = nn.Embedding(duet.TOKENS, hidden)
        self.length_head = nn.Linear(hidden, len(duet.LENGTHS))
        self.drop = nn.Dropout(dropout)

    def given(self, token: Tensor, length: Tensor, context: Tensor) -> Tensor:
        """The recurrent network's input: int [...], int [...], [..., C] → [..., H]."""
        before = torch.cat([self.token(token), self.length(length)], -1)
        return nn.functional.silu(self.before(before) + self.context(context))

    def token_logits(self, state: Tensor, given: Tensor) -> Tensor:
        """[..., H], [..., H] → [..., V]."""
        logits: Tensor = self.head(self.drop(torch.cat([state, given], -1)))
        return logits

    def length_logits(self, state: Tensor, token: Tensor) -> Tensor:
        """The length of a token that was chosen: [..., H], int [...] → [..., 8]."""
        mixed = nn.functional.silu(state + self.chosen(token))
        logits: Tensor = self.length_head(self.drop(mixed))
        return logits

    def forward(
        self, token: Tensor, length: Tensor, context: Tensor, told: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Teacher-forced.

        Args:
            token: int [B, T], the one before each step.
            length: int [B, T], the one before each step.
            context: [B, T, C], in which each step is written.
            told: int [B, T], the tokens that came.

        Returns:
            Logits of the tokens [B, T, V] and of their lengths [B, T, 8].
        """
        given = self.given(token, length, context)
        states, _ = self.recurrent(self.drop(given))
        return self.token_logits(states, given), self.length_logits(states, told)
