"""The duet's two networks as the graphs that the daemon runs, one export a process.

*Harmony*: ``(rows, scalars, before, lasted, state) → (logits, fresh, state)``; `fresh`
are the logits as if no chord sounded, and the state is twelve rows of one layer.
*Texture*: ``(token, length, context, state, mask, noise, temperature, top_p) → (next
token, next length, state, logits)``: token, then the length given the token, both
sampled by `ripieno_export.step.sample`, so noise is an input and a run can be repeated.

Either is what `ripieno_export.to_onnx.export` exports.
"""

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor, nn

from ripieno.inference.manifest import Part, digest
from ripieno.inference.manifest import Tensor as Spec
from ripieno.layouts import duet
from ripieno.music.chords import NO_CHORD
from ripieno_export import checkpoint
from ripieno_export.networks.harmony import ROOTS, Harmony
from ripieno_export.networks.texture import Texture
from ripieno_export.recurrent_step import Cell
from ripieno_export.step import sample
from ripieno_export.to_onnx import OPSET


class HarmonyStep(nn.Module):
    """One span."""

    opset = OPSET
    input_names = ("rows", "scalars", "before", "lasted", "state")
    output_names = ("logits", "fresh", "next_state")

    def __init__(self, network: Harmony) -> None:
        super().__init__()
        self.network = network
        self.cell = Cell("gru", network.recurrent, 0)

    def example_inputs(self) -> tuple[Tensor, ...]:
        """Inputs of the right shapes, all distinct."""
        rows = torch.rand(1, duet.CLASS_ROWS, 12)
        before, lasted = torch.tensor([3]), torch.tensor([1])
        return rows, torch.rand(1, duet.SCALARS), before, lasted, self.states()[0]

    def states(self) -> tuple[Tensor, ...]:
        """A state."""
        return (torch.zeros(ROOTS, self.network.hidden),)

    def forward(
        self,
        rows: Tensor,
        scalars: Tensor,
        before: Tensor,
        lasted: Tensor,
        state: Tensor,
    ) -> tuple[Tensor, ...]:
        """[1, 6, 12], [1, S], int [1], int [1], [R, H] → twice [1, N], [R, H]."""
        seen = self.network.per_root(rows, scalars)[0]  # [R, H]
        after = self.cell(self.cell.project(seen), (state,))[0]
        mixed = self.network.mixed(after[None])
        none = torch.full_like(before, NO_CHORD)
        fresh = self.network.logits(mixed, none, torch.zeros_like(lasted))
        return self.network.logits(mixed, before, lasted), fresh, after


class TextureStep(nn.Module):
    """One token."""

    opset = OPSET
    input_names = (
        "token", "length", "context", "state", "mask", "noise", "temperature", "top_p",
    )  # fmt: skip
    output_names = (
        "next_token",
        "next_length",
        "next_state",
        "logits",
        "length_logits",
    )

    def __init__(self, network: Texture) -> None:
        super().__init__()
        self.network = network
        self.cell = Cell("gru", network.recurrent, 0)

    def example_inputs(self) -> tuple[Tensor, ...]:
        """Inputs of the right shapes, all distinct."""
        return (
            torch.tensor([3]),
            torch.tensor([1]),
            torch.rand(1, duet.CONTEXT),
            self.states()[0],
            torch.ones(1, duet.TOKENS, dtype=torch.bool),
            torch.full((1, 2), 0.5),
            torch.ones(1),
            torch.full((1,), 0.9),
        )

    def states(self) -> tuple[Tensor, ...]:
        """A state."""
        return (torch.zeros(1, self.network.hidden),)

    def forward(  # noqa: PLR0913, PLR0917 (a graph's inputs are positional)
        self,
        token: Tensor,
        length: Tensor,
        context: Tensor,
        state: Tensor,
        mask: Tensor,
        noise: Tensor,
        temperature: Tensor,
        top_p: Tensor,
    ) -> tuple[Tensor, ...]:
        """Int [1], int [1], [1, C], [1, H], … → int [1], int [1], [1, H], logits."""
        given = self.network.given(token, length, context)
        after = self.cell(self.cell.project(given), (state,))[0]
        logits = self.network.token_logits(after, given)
        chosen = sample(
            logits, mask, temperature[:, None], top_p[:, None], noise[:, :1]
        )
        lengths = self.network.length_logits(after, chosen)
        how_long = sample(
            lengths,
            torch.ones_like(lengths, dtype=torch.bool),
            temperature[:, None],
            top_p[:, None],
            noise[:, 1:],
        )
        return chosen, how_long, after, logits, lengths


Step = HarmonyStep | TextureStep


def harmony_in(weights: Path) -> HarmonyStep:
    """The step of the harmony in a checkpoint."""
    payload = checkpoint.load(weights)
    network = Harmony(payload["preset"]["hidden"])
    network.load_state_dict(payload["model"])
    return HarmonyStep(network).eval()


def texture_in(weights: Path) -> TextureStep:
    """The step of the texture in a checkpoint."""
    payload = checkpoint.load(weights)
    network = Texture(payload["preset"]["hidden"])
    network.load_state_dict(payload["model"])
    return TextureStep(network).eval()


def part_of(step: Step, graph: Path) -> Part:
    """What the manifest says of a graph that was exported from a step."""
    examples = step.example_inputs()
    with torch.no_grad():
        results = step(*examples)
    return Part(
        inputs=_specs(step.input_names, examples),
        outputs=_specs(step.output_names, results),
        state=(("state", "next_state"),),
        sha256=digest(graph),
    )


def _specs(names: Sequence[str], tensors: Sequence[Tensor]) -> tuple[Spec, ...]:
    return tuple(
        Spec(name, str(tensor.dtype).removeprefix("torch."), tuple(tensor.shape))
        for name, tensor in zip(names, tensors, strict=True)
    )
