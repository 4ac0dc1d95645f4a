"""One step of a recurrent model, as the graph that the daemon runs.

What is folded: an embedding followed by a linear map is a table, so the first layer's
input product becomes four look-ups (half of a one-layer GRU's multiplications), and
the cells are written out in Gemm and pointwise nodes instead of ONNX's GRU or LSTM.
Measured in `NOTES.md`.
"""

from typing import Final

import torch
from torch import Tensor, nn

from ripieno.layouts.vocabulary import FIELDS
from ripieno_export.networks.events import EMBEDDED
from ripieno_export.networks.recurrent import EventRecurrent
from ripieno_export.step import (
    CONTROLS,
    Heads,
    Step,
    example_controls,
    example_event,
)

STATES: Final = {"gru": ("state",), "rnn": ("state",), "lstm": ("state_h", "state_c")}


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


class RecurrentStep(Step):
    """An RNN, LSTM or GRU that advances by one event."""

    context_events = 0
    opset = 20  # the oldest with all that the graph needs in one node each

    def __init__(self, model: EventRecurrent) -> None:
        super().__init__()
        model = model.eval()
        self.hidden, self.layers = model.hidden, model.layers
        names = STATES[model.cell_name]
        self.state = tuple((name, f"next_{name}") for name in names)
        self.cells = nn.ModuleList(
            Cell(model.cell_name, model.cell, n) for n in range(model.layers)
        )
        self.heads = Heads(model)
        first = self.layered()[0]
        weights = torch.split(first.weight_ih, list(EMBEDDED), dim=1)
        embeddings = [e for e in model.embed if isinstance(e, nn.Embedding)]
        pairs = zip(embeddings, weights, strict=True)
        tables = [embed.weight.detach() @ weight.T for embed, weight in pairs]
        tables[0] = tables[0] + first.bias_ih
        for name, table in zip(FIELDS, tables, strict=True):
            self.register_buffer(f"table_{name}", table)

    @property
    def input_names(self) -> list[str]:
        """The graph's inputs in order."""
        return ["event", *(into for into, _ in self.state), *CONTROLS]

    def example_inputs(self) -> tuple[Tensor, ...]:
        """Inputs of the right shapes, all distinct."""
        state = [torch.zeros(self.layers, 1, self.hidden) for _ in self.state]
        return (example_event(), *state, *example_controls())

    def forward(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        """See `input_names` and `output_names`."""
        count = len(self.state)
        above, state = self._advance(inputs[0], inputs[1 : 1 + count])
        event, logits = self.heads(above, inputs[1 + count :])
        return (event, *state, *logits)

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
