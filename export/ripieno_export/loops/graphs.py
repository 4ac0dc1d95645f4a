"""The generator as the graph that the daemon runs, one export a process.

``(noise, chords, before, manner) → (roll, logits)``: noise is an input, so a pattern
can be made again. The roll is 0 or 1 in float32; the logits are there for parity: a
roll only tells whether a probability was above one half. `step_of` is what
`ripieno_export.to_onnx.export` exports.
"""

from pathlib import Path
from typing import Final

import torch
from torch import Tensor, nn

from ripieno.inference.manifest import Part, digest
from ripieno.inference.manifest import Tensor as Spec
from ripieno.layouts.pattern import BEATS, CHORD, MANNER, NOISE, ROWS, STEPS
from ripieno_export import checkpoint
from ripieno_export.loops.task import generator_of
from ripieno_export.networks.loop import Generator, sounding
from ripieno_export.to_onnx import OPSET

INPUTS: Final = ("noise", "chords", "before", "manner")
OUTPUTS: Final = ("roll", "logits")


class Step(nn.Module):
    """One bar, as it is run: binary without its gradient."""

    opset = OPSET
    input_names = INPUTS
    output_names = OUTPUTS

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

    def example_inputs(self) -> tuple[Tensor, ...]:
        """Inputs of the right shapes, all distinct."""
        return examples()


def examples() -> tuple[Tensor, ...]:
    """Inputs as they may come: noise, and zeros and ones."""
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


def step_of(weights: Path, lean: float = 0.0, hold: float = 0.0) -> Step:
    """The mean generator of a checkpoint, as it is run; see `Generator`."""
    network = generator_of(checkpoint.load(weights))
    network.lean, network.hold = lean, hold
    return Step(network).eval()
