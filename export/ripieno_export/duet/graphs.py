"""The duet's two networks as the graphs that the daemon runs, one export a process.

*Harmony*: ``(rows, scalars, state) → (logits, state)``; the state is twelve rows of one
layer. *Texture*: ``(token, length, context, state, mask, noise, temperature, top_p) →
(next token, next length, state, logits)``: token, then the length given the token, both
sampled by `ripieno_export.step.sample`, so noise is an input and a run can be repeated.

Run as a module it exports one graph: torch's exporter keeps state between exports.
"""

import contextlib
import io
import subprocess
import sys
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import torch
from torch import Tensor, nn

from ripieno.errors import ModelError
from ripieno.music import duet
from ripieno.think.manifest import Part, digest
from ripieno.think.manifest import Tensor as Spec
from ripieno_export import checkpoint
from ripieno_export.networks.harmony import ROOTS, Harmony
from ripieno_export.networks.texture import Texture
from ripieno_export.step import Cell, sample
from ripieno_export.to_onnx import OPSET

KINDS: Final = ("harmony", "texture")


class HarmonyStep(nn.Module):
    """One span."""

    inputs = ("rows", "scalars", "state")
    outputs = ("logits", "next_state")

    def __init__(self, network: Harmony) -> None:
        super().__init__()
        self.network = network
        self.cell = Cell("gru", network.recurrent, 0)

    def examples(self) -> tuple[Tensor, ...]:
        """Inputs of the right shapes, all distinct."""
        rows = torch.rand(1, duet.CLASS_ROWS, 12)
        return rows, torch.rand(1, duet.SCALARS), self.states()[0]

    def states(self) -> tuple[Tensor, ...]:
        """A state."""
        return (torch.zeros(ROOTS, self.network.hidden),)

    def forward(
        self, rows: Tensor, scalars: Tensor, state: Tensor
    ) -> tuple[Tensor, ...]:
        """[1, 6, 12], [1, S], [R, H] → [1, N_CHORDS], [R, H]."""
        seen = self.network.per_root(rows, scalars)[0]  # [R, H]
        after = self.cell(self.cell.project(seen), (state,))[0]
        return self.network.logits(after[None]), after


class TextureStep(nn.Module):
    """One token."""

    inputs = (
        "token", "length", "context", "state", "mask", "noise", "temperature", "top_p",
    )  # fmt: skip
    outputs = ("next_token", "next_length", "next_state", "logits", "length_logits")

    def __init__(self, network: Texture) -> None:
        super().__init__()
        self.network = network
        self.cell = Cell("gru", network.recurrent, 0)

    def examples(self) -> tuple[Tensor, ...]:
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


def step_of(path: Path, kind: str) -> Step:
    """The step module of a checkpoint."""
    payload = checkpoint.load(path)
    hidden = payload["preset"]["hidden"]
    network = Harmony(hidden) if kind == "harmony" else Texture(hidden)
    network.load_state_dict(payload["model"])
    network.eval()
    if isinstance(network, Harmony):
        return HarmonyStep(network).eval()
    return TextureStep(network).eval()


def part_of(step: Step, graph: Path) -> Part:
    """What the manifest says of a graph that was exported from a step."""
    examples = step.examples()
    with torch.no_grad():
        results = step(*examples)
    return Part(
        inputs=_specs(step.inputs, examples),
        outputs=_specs(step.outputs, results),
        state=(("state", "next_state"),),
        sha256=digest(graph),
    )


def _specs(names: Sequence[str], tensors: Sequence[Tensor]) -> tuple[Spec, ...]:
    return tuple(
        Spec(name, str(tensor.dtype).removeprefix("torch."), tuple(tensor.shape))
        for name, tensor in zip(names, tensors, strict=True)
    )


def export(weights: Path, kind: str, graph: Path) -> None:
    """Export in a process of its own.

    Raises:
        ModelError: the export failed.
    """
    module = "ripieno_export.duet.graphs"
    command = [sys.executable, "-m", module, str(weights), kind, str(graph)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode or not graph.is_file():
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise ModelError(f"Exporting {weights} failed ({last}).")


def export_here(weights: Path, kind: str, graph: Path) -> None:
    """Export in this process; once."""
    step = step_of(weights, kind)
    with (
        warnings.catch_warnings(),
        contextlib.redirect_stdout(io.StringIO()),
        torch.no_grad(),
    ):
        # The exporter's own deprecations; ours are errors in the tests.
        warnings.simplefilter("ignore", DeprecationWarning)
        warnings.simplefilter("ignore", FutureWarning)
        torch.onnx.export(
            step,
            step.examples(),
            str(graph),
            input_names=list(step.inputs),
            output_names=list(step.outputs),
            opset_version=OPSET,
            dynamo=True,
            external_data=False,
            verbose=False,
        )


if __name__ == "__main__":
    export_here(Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3]))
