"""What every event model's step graph ends with: four heads that sample in turn.

``(event, state, controls) → (event, state)``: a backbone advances by one event, then
source, delta, key and velocity are sampled, each given the ones before it. Sampling is
`ripieno.think.sampling.sample`, word for word: mask, temperature, sort, the smallest
likeliest set that holds top-p, inverse CDF of a noise that is an input.

A key that goes down has a velocity of at least 1, one that comes up has 0: the graph
overrides its velocity mask by the key that it sampled.

How a backbone advances: `recurrent_step`, `transformer_step`.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Final

import torch
from torch import Tensor, nn

from ripieno.music.vocabulary import FIELDS, N_DOWN, SIZES
from ripieno_export.networks.events import EventNetwork

COLDEST: Final = 1e-4

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
    """`ripieno.think.sampling.sample` in tensors.

    Args:
        logits: [1, V].
        mask: bool [1, V], True where allowed; at least one must be.
        temperature: [1, 1].
        top_p: [1, 1].
        noise: [1, 1].

    Returns:
        int64 [1].
    """
    scaled = logits / torch.clamp(temperature, min=COLDEST)
    scaled = torch.where(mask, scaled, torch.full_like(scaled, -torch.inf))
    # Ties: ONNX's TopK puts the lower index first, as the definition does; torch's own
    # does not promise it, and its stable sort has no ONNX translation.
    shares, order = torch.topk(torch.softmax(scaled, -1), logits.shape[-1])
    before = torch.cumsum(shares, -1) - shares
    is_kept = (before < top_p) & (shares > 0)
    kept = torch.cumsum(torch.where(is_kept, shares, torch.zeros_like(shares)), -1)
    passed = (kept <= noise * kept[:, -1:]) & is_kept
    count = is_kept.to(torch.int64).sum(-1, keepdim=True)
    place = torch.minimum(passed.to(torch.int64).sum(-1, keepdim=True), count - 1)
    return torch.gather(order, 1, place)[:, 0]


class Heads(nn.Module):
    """The heads of a trained network, and what is sampled from them."""

    def __init__(self, model: EventNetwork) -> None:
        super().__init__()
        self.to_heads, self.given, self.out = model.to_heads, model.given, model.out
        self._logits = model.logits

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
        hidden = self.to_heads(above)
        told: tuple[Tensor, ...] = ()
        logits: list[Tensor] = []
        for head in range(len(SIZES)):
            scores = self._logits(head, hidden, told)
            mask = masks[head] if head < 3 else velocities(masks[head], told[2])
            at = slice(head, head + 1)
            chosen = sample(
                scores, mask, temperature[:, at], top_p[:, at], noise[:, at]
            )
            told, logits = (*told, chosen), [*logits, scores]
        return torch.stack(told, -1), logits


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


def velocities(mask: Tensor, key: Tensor) -> Tensor:
    """The velocities that a key may have: 0 going up, 1 and more going down.

    A mask that would leave a key no velocity at all is ignored.
    """
    level = torch.arange(SIZES[3])[None]
    fits = (level > 0) == (key < N_DOWN)[:, None]
    both = mask & fits
    is_some = both.any(-1, keepdim=True)
    # ONNX Runtime has no Where for bool.
    return both | (fits & ~is_some)
