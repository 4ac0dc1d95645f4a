"""Harmony: a recurrent network that is the same in every key.

The twelve roots are twelve rows of one batch. Each row sees the pitch classes counted
from its own root and keeps its own state; all share their weights. Transposing the
input rotates the rows, and so the logits: what is learned in C is known in F sharp, and
no transposed copy of a song is ever needed.

The recurrent part receives the human's part only. The chord that sounds, and how long
it has lasted, are inputs of the last layers. So a chord that was chosen wrongly does
not change what is known of the melody.

Shapes: B batch, T spans, H hidden, R = 12 roots, Q qualities, N = R * Q chords.
"""

from typing import Final

import torch
from torch import Tensor, nn

from ripieno.layouts import duet
from ripieno.music.chords import N_CHORDS, NO_CHORD, QUALITIES

ROOTS = 12
OWN: Final = -2
"""Stands for the network's own choice in the span before, where it is told a chord."""
SHARPNESS: Final = 1.5
"""What logits are multiplied by before an own choice is drawn in training: about as
often wrong as the likeliest chord is, but not always in the same way."""


class Harmony(nn.Module):
    """What is heard, and the chord that sounds → log probabilities of chords.

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
        self.embed_before = nn.Embedding(N_CHORDS + 1, hidden)  # the last: no chord
        self.embed_lasted = nn.Embedding(duet.LASTED + 1, hidden)
        self.out = nn.Linear(hidden, QUALITIES)
        self.stay = nn.Linear(hidden, QUALITIES)
        self.drop = nn.Dropout(dropout)
        for embedding in (self.embed_before, self.embed_lasted):
            nn.init.normal_(embedding.weight, std=0.1)
        steps = (torch.arange(12)[None] + torch.arange(ROOTS)[:, None]) % 12
        self.register_buffer("turned", steps.flatten(), persistent=False)  # [R * 12]
        chord = torch.arange(N_CHORDS)
        seen = (chord[:, None] - torch.arange(ROOTS) * QUALITIES) % N_CHORDS
        none = torch.full((1, ROOTS), N_CHORDS)
        self.register_buffer("seen", torch.cat([seen, none]), persistent=False)

    turned: Tensor
    seen: Tensor

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

    def mixed(self, states: Tensor) -> Tensor:
        """What each root knows, given all: [..., R, H] → [..., R, H]."""
        whole = states.mean(-2, keepdim=True).expand_as(states)
        known: Tensor = self.mix(torch.cat([states, whole], -1))
        return known

    def logits(self, mixed: Tensor, before: Tensor, lasted: Tensor) -> Tensor:
        """Log probabilities of the chords of a span.

        Whether the chord stays is decided first, then which other one follows.

        Args:
            mixed: of `mixed`, [..., R, H].
            before: the chord that sounds, int64 [...]; `NO_CHORD` if it is not told.
            lasted: for how many spans, int64 [...]; at most `duet.LASTED`, 0 for none.

        Returns:
            [..., N].
        """
        is_told = (before != NO_CHORD)[..., None]
        place = torch.where(before == NO_CHORD, N_CHORDS, before)
        given = self.embed_before(self.seen[place])  # [..., R, H]
        given = given + self.embed_lasted(lasted)[..., None, :]
        known = self.drop(nn.functional.silu(mixed + given))
        at = before.clamp(min=0)[..., None]
        stay = self.stay(known).flatten(-2).gather(-1, at)
        all_chords = self.out(known).flatten(-2)
        others = all_chords.scatter(-1, at, -1e4)
        change = torch.log_softmax(others, -1) + nn.functional.logsigmoid(-stay)
        joint = change.scatter(-1, at, nn.functional.logsigmoid(stay))
        return torch.where(is_told, joint, torch.log_softmax(all_chords, -1))

    def heard(self, rows: Tensor, scalars: Tensor) -> Tensor:
        """What is known of a line: [B, T, 6, 12] and [B, T, S] → [B, T, R, H]."""
        batch, spans = rows.shape[:2]
        seen = self.per_root(rows, scalars)  # [B, T, R, H]
        line = seen.transpose(1, 2).reshape(batch * ROOTS, spans, -1)
        states, _ = self.recurrent(line)
        return self.mixed(states.view(batch, ROOTS, spans, -1).transpose(1, 2))

    def forward(self, rows: Tensor, scalars: Tensor, told: Tensor) -> Tensor:
        """Log probabilities of the chords of each span.

        Args:
            rows: [B, T, 6, 12].
            scalars: [B, T, SCALARS].
            told: the chord that sounded before each span, int64 [B, T]; `NO_CHORD` for
                none, `OWN` for what the network chose in the span before: drawn in
                training, else the likeliest.

        Returns:
            [B, T, N].
        """
        mixed = self.heard(rows, scalars)
        before, lasted = self.past(mixed.detach(), told)
        return self.logits(mixed, before, lasted)

    @torch.no_grad()
    def past(self, mixed: Tensor, told: Tensor) -> tuple[Tensor, Tensor]:
        """The chord before each span, and how long it has lasted: two of [B, T]."""
        is_training = self.drop.training
        self.drop.eval()
        own = (told == OWN).any(1)
        before, lasted = torch.where(told == OWN, NO_CHORD, told), told.clone()
        chosen = torch.full_like(told[:, 0], NO_CHORD)
        long, last = torch.zeros_like(chosen), chosen
        for at in range(told.shape[1]):
            now = torch.where(told[:, at] == OWN, chosen, told[:, at])
            long = torch.where(now == last, (long + 1).clamp(max=duet.LASTED), 1)
            long = torch.where(now == NO_CHORD, 0, long)
            before[:, at], lasted[:, at], last = now, long, now
            if own.any():
                scores = self.logits(mixed[own, at], now[own], long[own])
                chosen = chosen.clone()
                chosen[own] = _chosen(scores, is_drawn=is_training)
        self.drop.train(is_training)
        return before, lasted


def _chosen(scores: Tensor, *, is_drawn: bool) -> Tensor:
    """A chord for each row of log probabilities, [B, N] → int64 [B]."""
    if not is_drawn:
        return scores.argmax(-1)
    return torch.multinomial(torch.softmax(SHARPNESS * scores, -1), 1)[:, 0]
