"""One melody note in, three voices out: the graph that the daemon runs.

The network's step and three rules: biases are added (scale, range, register), no voice
crosses the one below it, and motion in parallel fifths or octaves costs `strictness`
nats. The last rule cannot be a mask from outside: whether tenor and bass move in
parallel is known only when the bass has been sampled.

If the bias and the rules leave no pitch for a voice, it sings in unison with the voice
below it, and the bass with the melody. Sampling is `ripieno_export.step.sample`, whose
noise is an input. All pitches are int64; a bias below `CLOSED` is a mask.

Shapes: D depths; batch 1.
"""

from pathlib import Path
from typing import Final

import torch
from torch import Tensor, nn

from ripieno.layouts.voices import DEPTHS, NOBODY, VOICES
from ripieno.minds.writer import FORBIDDEN
from ripieno_export import checkpoint
from ripieno_export.harmonizer.network import DECAY, Harmonies, heard
from ripieno_export.harmonizer.task import network_of
from ripieno_export.recurrent_step import Cell
from ripieno_export.step import sample
from ripieno_export.to_onnx import OPSET

CLOSED: Final = FORBIDDEN / 2
INPUTS: Final = (
    "melody", "before", "gap_s", "style", "state", "keys",
    "bias", "strictness", "temperature", "top_p", "noise",
)  # fmt: skip
OUTPUTS: Final = ("voices", "next_state", "next_keys", "logits")
STATE: Final = (("state", "next_state"), ("keys", "next_keys"))
IF_ABOVE: Final = 7
IF_BELOW: Final = 5
"""Classes of (another voice − this voice) where the other is a fifth above, below."""


def output_shapes(model: Harmonies) -> tuple[tuple[int, ...], ...]:
    """Of `OUTPUTS`."""
    voices = len(VOICES)
    return (1, voices), (1, 1, model.hidden), (1, 24), (1, voices, DEPTHS)


class StepModule(nn.Module):
    """The step graph of a trained network. Batch 1, all shapes fixed."""

    opset = OPSET
    input_names = INPUTS
    output_names = OUTPUTS

    def __init__(self, model: Harmonies) -> None:
        super().__init__()
        self.model, self.hidden = model.eval(), model.hidden
        self.cell = Cell("gru", model.cell, 0)

    def example_inputs(self) -> tuple[Tensor, ...]:
        """Inputs of the right shapes, all distinct."""
        return (
            torch.tensor([[72]]),
            torch.tensor([[71, 55, 62, 67]]),
            torch.full((1, 1), 0.5),
            torch.zeros(1, 1, dtype=torch.int64),
            torch.zeros(1, 1, self.hidden),
            torch.zeros(1, 24),
            torch.zeros(1, len(VOICES), 128),
            torch.full((1, 1), 6.0),
            torch.full((1, len(VOICES)), 0.7),
            torch.full((1, len(VOICES)), 0.9),
            torch.full((1, len(VOICES)), 0.4),
        )

    def forward(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        """See `INPUTS` and `OUTPUTS`."""
        melody, before, gap_s, style, state, keys, bias, strictness, *chance = inputs
        pitch = melody[:, 0]
        keys = DECAY * keys + heard(pitch, before)
        seen = self.model.read(pitch, before, gap_s[:, 0], style[:, 0], keys)
        (after,) = self.cell(self.cell.project(seen), (state[0],))
        hidden = self.model.prepare(after, seen)
        depths: tuple[Tensor, ...] = ()
        found: list[Tensor] = []
        for voice in range(len(VOICES)):
            scores = self.model.scores(voice, hidden, depths)
            ruled = scores + self._ruled(melody, before, bias, strictness, depths)
            is_open = _open(ruled, depths)
            how = [control[:, voice : voice + 1] for control in chance]
            depths = (*depths, sample(ruled, is_open, *how))
            found.append(scores)
        voices = melody - torch.stack(depths, -1)
        return voices, after[None], keys, torch.stack(found, 1)

    def _ruled(
        self,
        melody: Tensor,
        before: Tensor,
        bias: Tensor,
        strictness: Tensor,
        depths: tuple[Tensor, ...],
    ) -> Tensor:
        """What is added to the scores of the next voice, [1, D]."""
        voice = len(depths)
        pitch = melody - torch.arange(DEPTHS)  # [1, D]
        own = torch.gather(bias[:, voice], 1, torch.clamp(pitch, min=0))
        own = torch.where(pitch < 0, torch.full_like(own, FORBIDDEN), own)
        chord = (melody, *(melody - depth[:, None] for depth in depths))
        count = torch.zeros_like(own)
        for other, at in enumerate(chord):
            then = before[:, other : other + 1], before[:, voice + 1 : voice + 2]
            fifth = IF_BELOW if other else IF_ABOVE
            count = count + parallels(then, at, pitch, fifth)
        return own - strictness * count


def parallels(
    then: tuple[Tensor, Tensor], other: Tensor, pitch: Tensor, fifth: int
) -> Tensor:
    """Where two voices would move alike from a fifth or octave to one: 1.0, else 0.0.

    Args:
        then: int64 [1, 1], the pitches of both before, `NOBODY` for none.
        other: int64 [1, 1], the other voice's pitch now.
        pitch: int64 [1, D], what this voice may sing now.
        fifth: `IF_ABOVE` or `IF_BELOW`, where the other voice lies.
    """
    other_then, own_then = then
    interval = torch.remainder(other_then - own_then, 12)
    is_perfect = (interval == 0) | (interval == fifth)
    is_there = (other_then != NOBODY) & (own_then != NOBODY)
    is_kept = torch.remainder(other - pitch, 12) == interval
    is_similar = (other - other_then) * (pitch - own_then) > 0
    return (is_perfect & is_there & is_kept & is_similar).float()


def _open(ruled: Tensor, depths: tuple[Tensor, ...]) -> Tensor:
    """Which depths a voice may take, [1, D]; at least one."""
    place = torch.arange(DEPTHS)[None]
    below = depths[-1][:, None] if depths else torch.full((1, 1), DEPTHS)
    is_open = (ruled > CLOSED) & (place <= below)
    is_some = is_open.any(-1, keepdim=True)
    unison = place == (below if depths else torch.zeros_like(below))
    # ONNX Runtime has no Where for bool.
    return is_open | (unison & ~is_some)


def step_in(weights: Path) -> StepModule:
    """The step of the network in a checkpoint."""
    return StepModule(network_of(checkpoint.load(weights))).eval()
