"""The generator as the graph that the daemon runs, one export a process.

``(noise, chords, before, manner) → (roll, logits)``: noise is an input, so a pattern
can be made again. The roll is 0 or 1 in float32; the logits are there for parity: a
roll only tells on which side of one half they fell.

Run as a module it exports: torch's exporter keeps state between exports.
"""

import contextlib
import io
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Final

import torch
from torch import Tensor, nn

from ripieno.errors import ModelError
from ripieno.music.pattern import BEATS, CHORD, MANNER, NOISE, ROWS, STEPS
from ripieno.think.manifest import Part, digest
from ripieno.think.manifest import Tensor as Spec
from ripieno_export import checkpoint
from ripieno_export.loops.task import generator_of
from ripieno_export.networks.loop import Generator, sounding
from ripieno_export.to_onnx import OPSET

INPUTS: Final = ("noise", "chords", "before", "manner")
OUTPUTS: Final = ("roll", "logits")


class Step(nn.Module):
    """One bar, as it is run: binary without its gradient."""

    def __init__(self, network: Generator) -> None:
        super().__init__()
        self.network = network

    def forward(
        self, noise: Tensor, chords: Tensor, before: Tensor, manner: Tensor
    ) -> tuple[Tensor, Tensor]:
        """[1, NOISE], [1, BEATS, CHORD], a roll, [1, MANNER] → a roll, its logits."""
        logits = self.network.logits(noise, chords, before, manner)
        onsets, holds = (logits > 0).to(logits.dtype).unbind(1)
        return torch.stack([onsets, sounding(onsets, holds)], 1), logits


def examples() -> tuple[Tensor, ...]:
    """Inputs of the right shapes, all distinct."""
    return (
        torch.randn(1, NOISE),
        torch.rand(1, BEATS, CHORD).round(),
        torch.rand(1, 2, STEPS, ROWS).round(),
        torch.rand(1, MANNER).round(),
    )


def part_of(graph: Path) -> Part:
    """What the manifest says of an exported graph."""
    shape = (1, 2, STEPS, ROWS)
    inputs = zip(INPUTS, examples(), strict=True)
    return Part(
        inputs=tuple(Spec(name, "float32", tuple(t.shape)) for name, t in inputs),
        outputs=tuple(Spec(name, "float32", shape) for name in OUTPUTS),
        state=(),
        sha256=digest(graph),
    )


def step_of(weights: Path, lean: float = 0.0) -> Step:
    """The mean generator of a checkpoint, as it is run; see `Generator.lean`."""
    network = generator_of(checkpoint.load(weights))
    network.lean = lean
    return Step(network).eval()


def export(weights: Path, graph: Path, lean: float = 0.0) -> None:
    """Export in a process of its own.

    Raises:
        ModelError: the export failed.
    """
    module = "ripieno_export.loops.graphs"
    command = [sys.executable, "-m", module, str(weights), str(graph), str(lean)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode or not graph.is_file():
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise ModelError(f"Exporting {weights} failed ({last}).")


def export_here(weights: Path, graph: Path, lean: float) -> None:
    """Export in this process; once."""
    step = step_of(weights, lean)
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
            examples(),
            str(graph),
            input_names=list(INPUTS),
            output_names=list(OUTPUTS),
            opset_version=OPSET,
            dynamo=True,
            external_data=False,
            verbose=False,
        )


if __name__ == "__main__":
    export_here(Path(sys.argv[1]), Path(sys.argv[2]), float(sys.argv[3]))
