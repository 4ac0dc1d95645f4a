"""The phrase model's three graphs; batch 1, no random nodes.

*Encode*: ``(tokens, meter) → (mean, deviation)``, a segment's meaning. *Conduct*:
``(latent, noise, distance, moves, meter) → (cues, begun)``: the latent, moved, as what
each step and each bar is given. *Distance* turns it towards a new phrase of its metre,
by a quarter of a circle at 1; *moves* go along the directions of the attributes. What
new phrases and directions are (`Space`) are constants of the graph.
*Model*: ``(cue, before, state) → (logits, state)``, one sixteenth. Sampling is the
daemon's (`ripieno.minds.writer`): a graph of all 32 steps with their sampling had 2000
nodes, and took minutes to export.

The recurrent cell is written out (`recurrent_step.Cell`), and embeddings are folded
into tables. `Decoder` is all of it in torch, for measuring many phrases at once.

Shapes: B phrases, S steps, V vocabulary, Z latent, A attributes, H hidden.
"""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple

import torch
from torch import Tensor, nn

from ripieno.inference.manifest import Part, digest
from ripieno.inference.manifest import Tensor as Spec
from ripieno.layouts.phrase import (
    ATTRIBUTES,
    CELL,
    FIRST_PITCH,
    HOLD,
    PLACES,
    REST,
    STEPS,
    VOCABULARY,
)
from ripieno.minds.writer import CLOSED
from ripieno_export import checkpoint
from ripieno_export.networks.phrase import TOKEN, PhraseVae
from ripieno_export.phrases.half import rounded
from ripieno_export.phrases.task import network_of
from ripieno_export.recurrent_step import Cell
from ripieno_export.step import sample
from ripieno_export.to_onnx import OPSET

SPACE: Final = "space"
"""Where a checkpoint that is about to be published keeps it."""


class Space(NamedTuple):
    """What is known of the latents of training music, beside the network.

    Attributes:
        directions: of the attributes, [A, Z].
        centre: of each metre's latents, [3, Z].
        spread: a square root of their covariance, lower triangular, [3, Z, Z].
    """

    directions: Tensor
    centre: Tensor
    spread: Tensor


class Encoder(nn.Module):
    """What a segment means."""

    opset = OPSET
    input_names = ("tokens", "meter")
    output_names = ("mean", "deviation")
    state: tuple[tuple[str, str], ...] = ()

    def __init__(self, network: PhraseVae) -> None:
        super().__init__()
        self.network = network

    def example_inputs(self) -> tuple[Tensor, ...]:
        """Inputs of the right shapes, all distinct."""
        return torch.arange(STEPS)[None] % VOCABULARY, torch.ones(1, 1).long()

    def forward(self, tokens: Tensor, meter: Tensor) -> tuple[Tensor, Tensor]:
        """[B, S], [B, 1] → [B, Z], [B, Z]."""
        mean, log_variance = self.network.encode(tokens, meter[:, 0])
        return mean, torch.exp(log_variance / 2)


class Conductor(nn.Module):
    """What the steps and bars of a segment are given."""

    opset = OPSET
    input_names = ("latent", "noise", "distance", "moves", "meter")
    output_names = ("cues", "begun")
    state: tuple[tuple[str, str], ...] = ()
    directions: Tensor
    centre: Tensor
    spread: Tensor
    by_rest: Tensor
    bias: Tensor

    def __init__(self, network: PhraseVae, space: Space) -> None:
        super().__init__()
        self.network, self.latent = network, network.latent
        cell = Cell("gru", network.blocks.decoder, 0)
        for name, tensor in space._asdict().items():
            self.register_buffer(name, tensor)
        self.register_buffer("by_rest", cell.weight_ih[:, 2 * TOKEN :])
        self.register_buffer("bias", cell.bias_ih)

    def example_inputs(self) -> tuple[Tensor, ...]:
        """Inputs of the right shapes, all distinct."""
        return (
            torch.zeros(1, self.latent),
            torch.ones(1, self.latent),
            torch.full((1, 1), 0.5),
            torch.ones(1, len(ATTRIBUTES)),
            torch.zeros(1, 1).long(),
        )

    def forward(
        self,
        latent: Tensor,
        noise: Tensor,
        distance: Tensor,
        moves: Tensor,
        meter: Tensor,
    ) -> tuple[Tensor, Tensor]:
        """[B, Z], [B, Z], [B, 1], [B, A], [B, 1] → [B, S, 3 H], [B, BARS, H]."""
        which, turn = meter[:, 0], distance * (math.pi / 2)
        new = self.centre[which] + (self.spread[which] @ noise[:, :, None])[:, :, 0]
        there = torch.cos(turn) * latent + torch.sin(turn) * new
        cues, begun = self.network.conduct(there + moves @ self.directions, which)
        places = self.network.places(which)
        told = torch.cat([places, cues.repeat_interleave(CELL, 1)], -1)
        return nn.functional.linear(told, self.by_rest, self.bias), begun


class Step(nn.Module):
    """One sixteenth."""

    opset = OPSET
    input_names = ("cue", "before", "state")
    output_names = ("logits", "next_state")
    state = (("state", "next_state"),)
    by_token: Tensor
    by_last: Tensor

    def __init__(self, network: PhraseVae) -> None:
        super().__init__()
        self.hidden = network.hidden
        self.cell = Cell("gru", network.blocks.decoder, 0)
        self.out = network.out
        table = network.embed.weight.detach()[:VOCABULARY]
        told, last = self.cell.weight_ih[:, : 2 * TOKEN].chunk(2, 1)
        self.register_buffer("by_token", table @ told.T)
        self.register_buffer("by_last", table @ last.T)

    def example_inputs(self) -> tuple[Tensor, ...]:
        """Inputs of the right shapes, all distinct."""
        return (
            torch.zeros(1, 3 * self.hidden),
            torch.tensor([[HOLD, FIRST_PITCH]]),
            torch.zeros(1, self.hidden),
        )

    def forward(
        self, cue: Tensor, before: Tensor, state: Tensor
    ) -> tuple[Tensor, Tensor]:
        """[B, 3 H], [B, 2], [B, H] → [B, V], [B, H]."""
        own = cue + nn.functional.embedding(before[:, 0], self.by_token)
        own = own + nn.functional.embedding(before[:, 1], self.by_last)
        (after,) = self.cell(own, (state,))
        return self.out(after), after


class Decoder(nn.Module):
    """A whole segment, sampled as the daemon does it, for many phrases at once."""

    def __init__(self, network: PhraseVae, space: Space) -> None:
        super().__init__()
        self.conductor, self.step = Conductor(network, space), Step(network)
        self.used = network.used

    def forward(  # noqa: PLR0913, PLR0917 (all that a phrase's writing hangs on)
        self,
        latent: Tensor,
        toward: Tensor,
        distance: Tensor,
        moves: Tensor,
        meter: Tensor,
        before: Tensor,
        bias: Tensor,
        noise: Tensor,
        temperature: Tensor,
        top_p: Tensor,
    ) -> tuple[Tensor, Tensor]:
        """Write.

        Args:
            latent: [B, Z].
            toward: [B, Z], normal.
            distance: [B, 1].
            moves: [B, A].
            meter: int64 [B, 1].
            before: int64 [B, 2], the token before, and the last pitch struck.
            bias: [B, S, V]; below `CLOSED` it is a mask.
            noise: [B, S], uniform.
            temperature: [B, 1].
            top_p: [B, 1].

        Returns:
            Tokens [B, S]; logits [B, S, V] without bias, given the tokens before.
        """
        cues, begun = self.conductor(latent, toward, distance, moves, meter)
        is_used = self.used[meter[:, 0]]
        found, logits = [], []
        for at in range(STEPS):
            if at % PLACES == 0:
                state = begun[:, at // PLACES]
            scores, state = self.step(cues[:, at], before, state)
            ruled = scores + bias[:, at]
            is_open = (ruled > CLOSED) & _sounding(before[:, 0])
            told = sample(ruled, is_open, temperature, top_p, noise[:, at : at + 1])
            here = is_used[:, at]
            last = torch.where(told >= FIRST_PITCH, told, before[:, 1])
            after = torch.stack([told, last], 1)
            before = torch.where(here[:, None], after, before)
            found.append(torch.where(here, told, torch.full_like(told, REST)))
            logits.append(scores)
        return torch.stack(found, 1), torch.stack(logits, 1)


def _sounding(token: Tensor) -> Tensor:
    """What may follow a token: all, but for a hold after a rest; bool [B, V]."""
    is_hold = torch.arange(VOCABULARY)[None] == HOLD
    return ~(is_hold & (token == REST)[:, None])


def encoder_in(weights: Path) -> Encoder:
    """The encoder of the network in a checkpoint."""
    return rounded(Encoder(rounded(network_of(weights))).eval())


def conductor_in(weights: Path) -> Conductor:
    """The conductor of the network in a checkpoint that has its space."""
    space = Space(**checkpoint.load(weights)[SPACE])
    return rounded(Conductor(rounded(network_of(weights)), space).eval())


def step_in(weights: Path) -> Step:
    """The step of the network in a checkpoint."""
    return rounded(Step(rounded(network_of(weights))).eval())


def with_space(weights: Path, space: Space, path: Path) -> Path:
    """A copy of a checkpoint that has a space."""
    checkpoint.save(path, {**checkpoint.load(weights), SPACE: space._asdict()})
    return path


Built = Encoder | Conductor | Step


def part_of(built: Built, graph: Path) -> Part:
    """What the manifest says of a graph that was exported."""
    examples = built.example_inputs()
    with torch.no_grad():
        results = built(*examples)
    return Part(
        inputs=_specs(built.input_names, examples),
        outputs=_specs(built.output_names, results),
        state=built.state,
        sha256=digest(graph),
    )


def _specs(names: Sequence[str], tensors: Sequence[Tensor]) -> tuple[Spec, ...]:
    return tuple(
        Spec(name, str(tensor.dtype).removeprefix("torch."), tuple(tensor.shape))
        for name, tensor in zip(names, tensors, strict=True)
    )
