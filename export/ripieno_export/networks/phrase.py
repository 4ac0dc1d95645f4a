"""A variational autoencoder over two bars of one voice.

The encoder reads a quarter's four sixteenths at once, with a bidirectional GRU over the
quarters, of which each tells the latent. The decoder is hierarchical: a conductor GRU
makes one embedding a quarter from the latent alone, and a GRU that begins anew at every
bar writes the sixteenths, told the token before and the last pitch struck. Since a
bar's state does not reach the next bar, the rest has to pass through the latent.

Shapes: B phrases, S steps (bars x places), C cells (quarters), Z latent, H hidden,
V vocabulary.
"""

from typing import Final, NamedTuple

import torch
from torch import Tensor, nn

from ripieno.layouts.phrase import BARS, CELL, METERS, PLACES, STEPS, USED, VOCABULARY

CELLS: Final = STEPS // CELL
UNKNOWN: Final = VOCABULARY
"""An input that was dropped, so that the decoder learns to do without."""
TOKEN: Final = 64
"""The size of a token's embedding."""
PLACE: Final = 32
"""The size of a place's embedding, of which each metre has its own."""


class Posterior(NamedTuple):
    """What the encoder believes; both [B, Z]."""

    mean: Tensor
    log_variance: Tensor


def used_places() -> Tensor:
    """Which steps each metre uses, bool [3, S]."""
    place = torch.arange(STEPS) % PLACES
    return place[None] < torch.tensor(USED)[:, None]


class Blocks(nn.Module):
    """All matrices between the embeddings and the output, which Muon is for."""

    def __init__(self, hidden: int, latent: int) -> None:
        super().__init__()
        self.read = nn.Linear(CELL * (TOKEN + PLACE), hidden)
        self.encoder = nn.GRU(hidden, hidden, batch_first=True, bidirectional=True)
        self.tell = nn.Linear(2 * hidden, TOKEN)
        self.posterior = nn.Linear(CELLS * TOKEN, 2 * latent)
        self.conductor = nn.GRU(latent + PLACE, hidden, batch_first=True)
        self.cue = nn.Linear(hidden + latent, hidden // 2)
        self.begin = nn.Linear(hidden + latent, hidden)
        given = 2 * TOKEN + PLACE + hidden // 2
        self.decoder = nn.GRU(given, hidden, batch_first=True)


class PhraseVae(nn.Module):
    """Encoder and decoder; attention to shapes in the module's docstring."""

    used: Tensor

    def __init__(self, hidden: int, latent: int, dropout: float) -> None:
        super().__init__()
        self.hidden, self.latent = hidden, latent
        self.embed = nn.Embedding(VOCABULARY + 1, TOKEN)
        self.embed_place = nn.Embedding(len(METERS) * PLACES, PLACE)
        self.embed_cell = nn.Embedding(len(METERS) * CELLS, PLACE)
        self.blocks = Blocks(hidden, latent)
        self.dropout = nn.Dropout(dropout)
        self.out = nn.Linear(hidden, VOCABULARY)
        self.register_buffer("used", used_places(), persistent=False)

    def places(self, meter: Tensor) -> Tensor:
        """The embedded place of every step; [B] → [B, S, PLACE]."""
        place = torch.arange(STEPS, device=meter.device) % PLACES
        found: Tensor = self.embed_place(meter[:, None] * PLACES + place)
        return found

    def encode(self, tokens: Tensor, meter: Tensor) -> Posterior:
        """The posterior of a phrase's latent; tokens [B, S], metre [B]."""
        above = torch.cat([self.embed(tokens), self.places(meter)], -1)
        cells = above.reshape(-1, CELLS, CELL * above.shape[-1])  # [B, C, …]
        read = nn.functional.gelu(self.blocks.read(cells))
        heard, _ = self.blocks.encoder(read)
        told = nn.functional.gelu(self.blocks.tell(heard))  # [B, C, TOKEN]
        is_used = self.used[meter][:, ::CELL, None]
        both = self.blocks.posterior((told * is_used).flatten(1))
        mean, log_variance = both.float().chunk(2, -1)
        return Posterior(mean, log_variance.clamp(-8.0, 2.0))

    def conduct(self, latent: Tensor, meter: Tensor) -> tuple[Tensor, Tensor]:
        """Cues for every cell [B, C, H/2], and each bar's first state [B, BARS, H]."""
        cell = torch.arange(CELLS, device=meter.device)
        place = self.embed_cell(meter[:, None] * CELLS + cell)
        told = latent[:, None].expand(-1, CELLS, -1)
        plan, _ = self.blocks.conductor(torch.cat([told, place], -1))
        plan = torch.cat([plan, told], -1)
        begun = torch.tanh(self.blocks.begin(plan[:, :: CELLS // BARS]))
        return self.blocks.cue(plan), begun

    def decode(
        self, latent: Tensor, meter: Tensor, before: Tensor, last: Tensor
    ) -> Tensor:
        """Scores of every step's token, given those before it.

        Args:
            latent: [B, Z].
            meter: [B].
            before: the token before each step, [B, S]; `UNKNOWN` where dropped.
            last: the pitch struck last before each step, as a token; likewise.

        Returns:
            Logits [B, S, V].
        """
        cues, begun = self.conduct(latent, meter)
        told = torch.cat(
            [
                self.embed(before),
                self.embed(last),
                self.places(meter),
                cues.repeat_interleave(CELL, 1),
            ],
            -1,
        )
        bars = told.reshape(-1, PLACES, told.shape[-1])  # [B · BARS, PLACES, …]
        above, _ = self.blocks.decoder(bars, begun.flatten(0, 1)[None].contiguous())
        logits: Tensor = self.out(self.dropout(above))
        return logits.reshape(-1, STEPS, VOCABULARY)

    def forward(
        self,
        tokens: Tensor,
        meter: Tensor,
        before: Tensor,
        last: Tensor,
        noise: Tensor,
    ) -> tuple[Tensor, Posterior]:
        """Logits of a phrase's tokens through a noisy latent, and the posterior."""
        posterior = self.encode(tokens, meter)
        latent = posterior.mean + noise * torch.exp(posterior.log_variance / 2)
        return self.decode(latent, meter, before, last), posterior
