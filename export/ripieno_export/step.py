"""What every event model's step graph ends with: four heads that sample in turn.

``(event, state, controls) → (event, state)``: a backbone advances by one event, then
source, delta, key and velocity are sampled, each given the ones before it. Sampling is
`ripieno.inference.sampling.sample` in fewer words: mask, temperature, sort, the
smallest likeliest set that holds top-p, inverse CDF of a noise that is an input.

A key that goes down has a velocity of at least 1, one that comes up has 0: the graph
overrides its velocity mask by the key that it sampled.

How a backbone advances: `recurrent_step`, `transformer_step`.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Final

import torch
from torch import Tensor, nn

from ripieno.layouts.vocabulary import FIELDS, N_DOWN, SIZES
from ripieno_export.networks.events import HEADS, EventNetwork

COLDEST: Final = 1e-4
MOST_NOISE: Final = 1 - 2**-20
"""The largest noise: its part of a sum is less than the sum in float32, too."""

CONTROLS: Final = (
    "noise",
    "temperature",
    "top_p",
    *(f"mask_{name}" for name in FIELDS),
)
LOGITS: Final = tuple(f"logits_{name}" for name in FIELDS)


def example_controls() -> tuple[Tensor, ...]:
    """Controls of the right shapes, all distinct: else the exporter merges them."""
    controls = [torch.full((1, 4), 0.5), torch.ones(1, 4), torch.ones(1, 4)]
    masks = [torch.ones(1, size, dtype=torch.bool) for size in SIZES]
    return (*controls, *masks)


def example_event() -> Tensor:
    """A middle C that goes down."""
    return torch.tensor([[0, 0, 60, 16]])


def sample(
    logits: Tensor, mask: Tensor, temperature: Tensor, top_p: Tensor, noise: Tensor
) -> Tensor:
    """`ripieno.inference.sampling.sample` in tensors.

    Args:
        logits: [1, V].
        mask: bool [1, V], True where allowed; at least one must be.
        temperature: [1, 1].
        top_p: [1, 1].
        noise: [1, 1].

    Returns:
        int64 [1].
    """
    warmth = 1 / torch.clamp(temperature, min=COLDEST)
    return choose(logits * warmth, mask, top_p, torch.clamp(noise, max=MOST_NOISE))[
        :, 0
    ]


def choose(scaled: Tensor, mask: Tensor, top_p: Tensor, noise: Tensor) -> Tensor:
    """Mask, sort, cut at top-p, and the inverse CDF, in as few nodes as will do.

    The choices that are kept are a prefix, whose sum is the first one that reaches
    top-p. Where the shares first exceed the noise's part of it, the share is above
    zero, so that nothing masked is ever chosen.

    Args:
        scaled: logits over temperature, [1, V].
        mask: see `sample`.
        top_p: see `sample`.
        noise: at most `MOST_NOISE`.

    Returns:
        int64 [1, 1].
    """
    scaled = torch.where(mask, scaled, -torch.inf)
    # Ties: ONNX's TopK puts the lower index first, as the definition does; torch's own
    # does not promise it, and its stable sort has no ONNX translation.
    shares, order = torch.topk(torch.softmax(scaled, -1), scaled.shape[-1])
    sums = torch.cumsum(shares, -1)
    kept = torch.where(sums >= top_p, sums, 1.0).amin(-1, keepdim=True)
    is_beyond = (sums > noise * kept).to(torch.float32)
    return torch.gather(order, 1, is_beyond.argmax(-1, keepdim=True))


class Heads(nn.Module):
    """The heads of a trained network, and what is sampled from them.

    What a head is given of a field is one row of one table for all heads that follow,
    and what does not depend on the sampled fields is worked out for all heads at once:
    a third of the nodes, and of the time, of the heads written one by one.
    """

    def __init__(self, model: EventNetwork) -> None:
        super().__init__()
        self.to_heads, self.out = model.to_heads, model.out
        for told, name in enumerate(FIELDS[:-1]):
            rows = [
                _embedding(model, head, told) for head in range(told + 1, len(HEADS))
            ]
            self.register_buffer(f"given_{name}", torch.cat(rows, 1))
        is_level = torch.arange(SIZES[3])[None] > 0
        is_down = torch.arange(SIZES[2])[:, None] < N_DOWN
        self.register_buffer("fitting", is_level == is_down)

    fitting: Tensor

    def forward(
        self, above: Tensor, controls: Sequence[Tensor]
    ) -> tuple[Tensor, list[Tensor]]:
        """Sample an event.

        Args:
            above: the backbone's output, [1, H].
            controls: see `CONTROLS`.

        Returns:
            The event [1, 4], and each field's logits [1, V] given the fields before.
        """
        noise, temperature, top_p, *masks = controls
        chance = torch.split(torch.clamp(noise, max=MOST_NOISE), 1, -1)
        warmth = torch.split(1 / torch.clamp(temperature, min=COLDEST), 1, -1)
        share = torch.split(top_p, 1, -1)
        hidden = self.to_heads(above)
        told: list[Tensor] = []
        logits: list[Tensor] = []
        for head, name in enumerate(FIELDS):
            if told:
                rows = getattr(self, f"given_{FIELDS[head - 1]}")
                hidden = hidden + nn.functional.embedding(told[-1][:, 0], rows)
            own, hidden = self._apart(head, hidden)
            logits.append(self.out[head](nn.functional.gelu(own)))
            mask = masks[head]
            if name == "velocity":
                mask = velocities(mask, self.fitting[told[-1][:, 0]])
            scaled = logits[-1] * warmth[head]
            told.append(choose(scaled, mask, share[head], chance[head]))
        return torch.cat(told, -1), logits

    @staticmethod
    def _apart(head: int, hidden: Tensor) -> tuple[Tensor, Tensor]:
        """What is a head's own, and what is left for those after it."""
        if head == len(HEADS) - 1:
            return hidden, hidden
        sizes = [HEADS[head], sum(HEADS[head + 1 :])]
        own, left = torch.split(hidden, sizes, -1)
        return own, left


def _embedding(model: EventNetwork, head: int, told: int) -> Tensor:
    """What a head is given of a field before its own, by the field's value."""
    given = model.given[head]
    assert isinstance(given, nn.ModuleList)
    embed = given[told]
    assert isinstance(embed, nn.Embedding)
    return embed.weight.detach()


class Step(nn.Module, ABC):
    """The step graph of a trained network. Batch 1, all shapes fixed.

    Attributes:
        state: pairs (input name, output name) of what is carried from step to step.
        context_events: how far back it hears; 0 for no limit.
        opset: of ONNX, that its nodes need.
    """

    state: tuple[tuple[str, str], ...]
    context_events: int
    opset: int

    @property
    @abstractmethod
    def input_names(self) -> list[str]:
        """The graph's inputs in order."""

    @property
    def output_names(self) -> list[str]:
        """The graph's outputs in order."""
        return ["next_event", *(out for _, out in self.state), *LOGITS]

    @abstractmethod
    def example_inputs(self) -> tuple[Tensor, ...]:
        """Inputs of the right shapes, all distinct."""


def velocities(mask: Tensor, fits: Tensor) -> Tensor:
    """The velocities that a key may have: 0 going up, 1 and more going down.

    A mask that would leave a key no velocity at all is ignored.

    Args:
        mask: bool [1, V], what is allowed.
        fits: bool [1, V], what the key may have.
    """
    both = mask & fits
    is_some = both.any(-1, keepdim=True)
    # ONNX Runtime has no Where for bool.
    return both | (fits & ~is_some)
