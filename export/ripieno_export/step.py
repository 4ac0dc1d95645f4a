"""One step of a recurrent model, as the graph that the daemon runs.

``(event, state, controls) → (event, state)``: the backbone advances by one event, then
source, delta, key and velocity are sampled in turn, each given the ones before it.
Sampling is `ripieno.think.sampling.sample`, word for word: mask, temperature, sort,
the smallest likeliest set that holds top-p, inverse CDF of a noise that is an input.

What is folded: an embedding followed by a linear map is a table, so the first layer's
input product becomes four look-ups (half of a one-layer GRU's multiplications), and
the cells are written out in Gemm and pointwise nodes instead of ONNX's GRU or LSTM.
Measured in `NOTES.md`.

A key that goes down has a velocity of at least 1, one that comes up has 0: the graph
overrides its velocity mask by the key that it sampled.
"""

from typing import Final

import torch
from torch import Tensor, nn

from ripieno.music.vocabulary import FIELDS, N_DOWN, SIZES
from ripieno_export.networks.events import EMBEDDED
from ripieno_export.networks.recurrent import EventRecurrent

COLDEST: Final = 1e-4
STATES: Final = {"gru": ("state",), "rnn": ("state",), "lstm": ("state_h", "state_c")}

INPUTS: Final = ("noise", "temperature", "top_p", *(f"mask_{name}" for name in FIELDS))
LOGITS: Final = tuple(f"logits_{name}" for name in FIELDS)


def input_names(cell: str) -> list[str]:
    """The graph's inputs in order."""
    return ["event", *STATES[cell], *INPUTS]


def output_names(cell: str) -> list[str]:
    """The graph's outputs in order."""
    return ["next_event", *(f"next_{name}" for name in STATES[cell]), *LOGITS]


def example_inputs(model: EventRecurrent) -> tuple[Tensor, ...]:
    """Inputs of the right shapes, all distinct: else the exporter merges them."""
    state = [
        torch.zeros(model.layers, 1, model.hidden) for _ in STATES[model.cell_name]
    ]
    controls = [torch.full((1, 4), 0.5), torch.ones(1, 4), torch.ones(1, 4)]
    masks = [torch.ones(1, size, dtype=torch.bool) for size in SIZES]
    event = torch.tensor([[0, 0, 60, 16]])
    return (event, *state, *controls, *masks)


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


class Cell(nn.Module):
    """One layer's weights and its step, without ONNX's own recurrent nodes."""

    def __init__(self, kind: str, rnn: nn.RNNBase, layer: int) -> None:
        super().__init__()
        self.kind = kind
        for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh"):
            self.register_buffer(
                name, getattr(rnn, f"{name}_l{layer}").detach().clone()
            )

    weight_ih: Tensor
    weight_hh: Tensor
    bias_ih: Tensor
    bias_hh: Tensor

    def project(self, below: Tensor) -> Tensor:
        """The input's share of the gates, [1, G H]."""
        return nn.functional.linear(below, self.weight_ih, self.bias_ih)

    def forward(self, given: Tensor, state: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        """Advance.

        Args:
            given: the input's share of the gates, [1, G H].
            state: each [1, H]; the first is the output.
        """
        own = nn.functional.linear(state[0], self.weight_hh, self.bias_hh)
        if self.kind == "gru":
            return (_gru(given, own, state[0]),)
        if self.kind == "lstm":
            return _lstm(given + own, state[1])
        return (torch.tanh(given + own),)


def _gru(given: Tensor, own: Tensor, state: Tensor) -> Tensor:
    size = state.shape[-1]
    reset, update = torch.sigmoid(given[:, : 2 * size] + own[:, : 2 * size]).chunk(
        2, -1
    )
    new = torch.tanh(given[:, 2 * size :] + reset * own[:, 2 * size :])
    return new + update * (state - new)


def _lstm(gates: Tensor, memory: Tensor) -> tuple[Tensor, Tensor]:
    into, forget, new, out = gates.chunk(4, -1)
    memory = torch.sigmoid(forget) * memory + torch.sigmoid(into) * torch.tanh(new)
    return torch.sigmoid(out) * torch.tanh(memory), memory


class StepModule(nn.Module):
    """The step graph of a trained network. Batch 1, all shapes fixed."""

    def __init__(self, model: EventRecurrent) -> None:
        super().__init__()
        model = model.eval()
        self.kind, self.count = model.cell_name, len(STATES[model.cell_name])
        self.hidden = model.hidden
        self.cells = nn.ModuleList(
            Cell(self.kind, model.cell, n) for n in range(model.layers)
        )
        self.to_heads, self.given, self.out = model.to_heads, model.given, model.out
        self.head_logits = model.logits
        first = self.layered()[0]
        weights = torch.split(first.weight_ih, list(EMBEDDED), dim=1)
        embeddings = [e for e in model.embed if isinstance(e, nn.Embedding)]
        pairs = zip(embeddings, weights, strict=True)
        tables = [embed.weight.detach() @ weight.T for embed, weight in pairs]
        tables[0] = tables[0] + first.bias_ih
        for name, table in zip(FIELDS, tables, strict=True):
            self.register_buffer(f"table_{name}", table)

    def forward(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        """See `input_names` and `output_names`."""
        event, state = inputs[0], inputs[1 : 1 + self.count]
        noise, temperature, top_p, *masks = inputs[1 + self.count :]
        above, state = self._advance(event, state)
        hidden = self.to_heads(above)
        told: tuple[Tensor, ...] = ()
        logits: list[Tensor] = []
        for head in range(len(SIZES)):
            scores = self.head_logits(head, hidden, told)
            mask = masks[head] if head < 3 else _velocities(masks[head], told[2])
            at = slice(head, head + 1)
            chosen = sample(
                scores, mask, temperature[:, at], top_p[:, at], noise[:, at]
            )
            told, logits = (*told, chosen), [*logits, scores]
        return (torch.stack(told, -1), *state, *logits)

    def layered(self) -> list[Cell]:
        """The cells, the lowest layer first."""
        return [cell for cell in self.cells if isinstance(cell, Cell)]

    def _advance(
        self, event: Tensor, state: tuple[Tensor, ...]
    ) -> tuple[Tensor, tuple[Tensor, ...]]:
        fields = event.unbind(-1)
        tables = [getattr(self, f"table_{name}") for name in FIELDS]
        given = sum(
            nn.functional.embedding(f, t) for f, t in zip(fields, tables, strict=True)
        )
        layers: list[tuple[Tensor, ...]] = []
        for number, cell in enumerate(self.layered()):
            if number:
                given = cell.project(layers[-1][0])
            layers.append(cell(given, tuple(s[number] for s in state)))
        return layers[-1][0], tuple(torch.stack(s) for s in zip(*layers, strict=True))


def _velocities(mask: Tensor, key: Tensor) -> Tensor:
    """The velocities that a key may have: 0 going up, 1 and more going down.

    A mask that would leave a key no velocity at all is ignored.
    """
    level = torch.arange(SIZES[3])[None]
    fits = (level > 0) == (key < N_DOWN)[:, None]
    both = mask & fits
    is_some = both.any(-1, keepdim=True)
    # ONNX Runtime has no Where for bool.
    return both | (fits & ~is_some)
