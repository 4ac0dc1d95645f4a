"""What every event network shares: embedded events, and four chained heads.

An event's four fields are embedded and concatenated; a backbone reads them in order.
The heads run in the order source → delta → key → velocity; each sees the backbone's
output and the fields before it through added embeddings, then one GELU and a linear
map.

Shapes: B crops, T steps, E embedded, H hidden, W a head's width, V a field's size.
"""

from abc import ABC, abstractmethod
from typing import Final

import torch
from torch import Tensor, nn

from ripieno.layouts.vocabulary import SIZES

EMBEDDED: Final = (8, 72, 152, 24)
"""Width of each field's embedding; with the sizes of the heads, tuned by nobody yet."""
HEADS: Final = (32, 128, 256, 64)


class EventNetwork(nn.Module, ABC):
    """Predicts event t + 1 from the events up to t.

    A subclass sets its backbone, then calls `add_heads`; that order is the order in
    which a seed's random weights are drawn.
    """

    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.ModuleList(
            nn.Embedding(v, e) for v, e in zip(SIZES, EMBEDDED, strict=True)
        )

    def add_heads(self, hidden: int) -> None:
        """The heads over a backbone's output [..., H], and every embedding's scale."""
        self.to_heads = nn.Linear(hidden, sum(HEADS))
        self.given = nn.ModuleList(
            nn.ModuleList(nn.Embedding(SIZES[j], width) for j in range(i))
            for i, width in enumerate(HEADS)
        )
        self.out = nn.ModuleList(
            nn.Linear(w, v) for w, v in zip(HEADS, SIZES, strict=True)
        )
        for module in self.modules():
            if isinstance(module, nn.Embedding):
                nn.init.normal_(
                    module.weight, std=0.5 if module.embedding_dim in EMBEDDED else 0.1
                )

    @abstractmethod
    def backbone(self, heard: Tensor) -> Tensor:
        """What is known after each event.

        Args:
            heard: embedded events [B, T, E].

        Returns:
            [B, T, H].
        """

    def forward(self, events: Tensor) -> list[Tensor]:
        """Teacher-forced logits.

        Args:
            events: int64 [B, T + 1, 4].

        Returns:
            Per field, logits [B, T, V] of the T successors.
        """
        hidden = self.to_heads(self.backbone(self.read(events[:, :-1])))  # [B, T, ΣW]
        told = events[:, 1:].unbind(-1)
        return [self.logits(i, hidden, told[:i]) for i in range(len(SIZES))]

    def read(self, events: Tensor) -> Tensor:
        """Events [..., 4] embedded, [..., E]."""
        fields = events.unbind(-1)
        return torch.cat(
            [embed(f) for embed, f in zip(self.embed, fields, strict=True)], -1
        )

    def logits(self, head: int, hidden: Tensor, earlier: tuple[Tensor, ...]) -> Tensor:
        """One head, given the event's fields before it.

        Args:
            head: which field.
            hidden: [..., ΣW], what `to_heads` made of the backbone's output.
            earlier: the fields before it, each [...].
        """
        first = sum(HEADS[:head])
        own = hidden[..., first : first + HEADS[head]]
        given = self.given[head]
        assert isinstance(given, nn.ModuleList)
        for embed, value in zip(given, earlier, strict=True):
            own = own + embed(value)
        scores: Tensor = self.out[head](nn.functional.gelu(own))
        return scores
