"""The encoder as the graph that the daemon runs: rolls → embedding, detail."""

from pathlib import Path
from typing import Final

import numpy as np
import torch
from torch import Tensor, nn

from ripieno.errors import ModelError
from ripieno.inference.graph import Graph
from ripieno.layouts.likeness import SHAPE
from ripieno_export.likeness.encoder_task import network_of
from ripieno_export.networks.encoder import Encoder
from ripieno_export.parity import TOLERANCE, Golden

BATCH: Final = 16
"""Windows a run: 68 beats of music."""


class EncoderGraph(nn.Module):
    """A batch of windows."""

    opset = 20
    input_names = ("roll",)
    output_names = ("embedding", "detail")

    def __init__(self, encoder: Encoder) -> None:
        super().__init__()
        # torch's stubs leave this overload out.
        encoder.to(memory_format=torch.contiguous_format)  # type: ignore[call-overload]
        self.encoder = encoder

    def example_inputs(self) -> tuple[Tensor, ...]:
        """Rolls."""
        return (torch.rand(BATCH, *SHAPE),)

    def forward(self, roll: Tensor) -> tuple[Tensor, Tensor]:
        """[B, 2, 32, 72] → [B, D], [B, E]."""
        embedding, detail = self.encoder(roll)
        return embedding, detail


def graph_in(weights: Path) -> EncoderGraph:
    """What is exported of a checkpoint."""
    graph = EncoderGraph(network_of(weights).encoder)
    graph.eval()
    return graph


def record(graph: EncoderGraph, rolls: Tensor) -> Golden:
    """Golden vectors: rolls and what torch makes of them.

    =============  ======================  =========================================
    array          shape, dtype            meaning
    =============  ======================  =========================================
    ``roll``       (W, 2, 32, 9) uint8     zeros and ones, by `numpy.packbits`
    ``embedding``  (W, D) float32          of unit length
    ``detail``     (W, E) float32          of length √E
    =============  ======================  =========================================
    """
    with torch.no_grad():
        embedding, detail = graph(rolls)
    return {
        "roll": np.packbits(rolls.numpy().astype(np.bool_), axis=-1),
        "embedding": embedding.numpy(),
        "detail": detail.numpy(),
    }


def check(graph: Graph, golden: Golden) -> float:
    """Replay golden vectors through a loaded graph.

    Returns:
        The largest difference.

    Raises:
        ModelError: it is more than `TOLERANCE`.
    """
    bits = golden["roll"].astype(np.uint8)
    rolls = np.unpackbits(bits, axis=-1).astype(np.float32)
    largest = 0.0
    for first in range(0, len(rolls), BATCH):
        graph.put["roll"][...] = rolls[first : first + BATCH]
        graph.run()
        for name in EncoderGraph.output_names:
            expected = golden[name][first : first + BATCH]
            largest = max(largest, float(np.abs(graph.out[name] - expected).max()))
    if largest > TOLERANCE:
        raise ModelError(
            f"The golden vectors differ by {largest:.1e} ({TOLERANCE:.0e} is allowed); "
            "the graph is not the network: export it again."
        )
    return largest
