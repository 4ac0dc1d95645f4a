"""The training of the loop's generator and critic, in turns.

By its number a step is the critic's or the generator's: `Options.critic_steps` of the
one, then one of the other. The critic learns by a hinge loss. The generator learns to
raise the critic's score, and to reproduce real bars from the noise that an encoder
finds for them. Without the second term, other noise soon made the same bar. The
generator's running mean is what is judged and published.

Half of the bars are shown without the bar before them, and half without their density:
so a new pattern can begin from noise alone, and a density need not be chosen.

The bars of the mean generator for held-out chords are judged, by `loops.figures.gaps`
and not by the critic.
"""

from typing import Any, Final

import msgspec
import numpy as np
import torch
from torch import Tensor, nn

from ripieno.layouts import pattern
from ripieno.layouts.pattern import MANNER, NOISE, ONSET, ROWS, SOUND
from ripieno_export.loops import figures
from ripieno_export.loops.bars import Bars, Bools, Rows
from ripieno_export.networks.loop import Generator, Loop
from ripieno_export.preset import Preset
from ripieno_export.task import Task

PARTS: Final = ("critic", "generator", "recall", "spread", "counts", "tones", "rhythm")
JUDGED_AT_ONCE: Final = 256
NATS: Final = 32.0
"""About the loss of a bar that is reproduced: so the two terms weigh the same."""


class Options(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What only this family knows.

    Attributes:
        critic_steps: of the critic, to one of the generator.
        kept: how much of the running mean stays at a generator's step.
        alone: the share of bars shown without the bar before.
        free: the share of bars whose density is not told.
        recall: the weight of bringing real bars back.
        chance: the cost of a nat of KL between the encoder's noise and random noise.
        struck: how much more an onset counts than its absence; else bars have too few
            notes.
    """

    critic_steps: int = 1
    kept: float = 0.998
    alone: float = 0.5
    free: float = 0.5
    recall: float = 1.0
    chance: float = 0.5
    struck: float = 3.0


class Lesson(msgspec.Struct, frozen=True):
    """Bars as tensors: what is told of them, and what was played."""

    rolls: Tensor
    chords: Tensor
    before: Tensor
    manner: Tensor

    @property
    def told(self) -> tuple[Tensor, Tensor, Tensor]:
        """All but the bar itself, as the networks take it."""
        return self.chords, self.before, self.manner


class LoopTask(Task):
    """Learns to make bars. See the module."""

    parts = PARTS

    def __init__(self, preset: Preset, learned: Bars, held_out: Bars) -> None:
        """Begin.

        Args:
            preset: the recipe.
            learned: bars to learn from.
            held_out: bars of songs that are judged on.
        """
        torch.manual_seed(preset.seed)
        self.network = Loop(preset.hidden)
        self._model = self.network
        self._preset, self._options = preset, preset.options_as(Options)
        self._bars = learned
        chance = np.random.default_rng((preset.seed, 0))
        chosen = chance.permutation(len(held_out))[: preset.valid_crops]
        self._judged = [
            lesson(held_out, half, chance, Options(alone=alone))
            for alone, half in zip((1.0, 0.0), np.array_split(chosen, 2), strict=True)
        ]
        self._noise = [noise(chance, len(half.rolls)) for half in self._judged]

    def losses(self, step: int) -> Tensor:
        """The critic's hinge, or the generator's terms; the others are 0."""
        options = self._options
        is_critics = step % (options.critic_steps + 1) < options.critic_steps
        chance = np.random.default_rng((self._preset.seed, step))
        rows = chance.integers(len(self._bars), size=self._preset.batch)
        batch = lesson(self._bars, rows, chance, options)
        drawn = noise(chance, len(rows))
        device = next(self._model.parameters()).device
        batch, drawn = _rows(batch, self.mine, device), drawn[self.mine].to(device)
        self._model.critic.requires_grad_(is_critics)
        if is_critics:
            return _at(0, self._critics(batch, drawn))
        self._model.average(options.kept)
        pleased, recalled = self._generators(batch, drawn)
        return _at(1, pleased) + _at(2, options.recall * recalled)

    def judge(self) -> list[float]:
        """How far bars to held-out chords are from the real ones; see `PARTS`.

        Those that begin a pattern and those that follow another bar are judged apart:
        too much of one kind and too little of the other would look right together.
        """
        both = zip(self._judged, self._noise, strict=True)
        found = [self._apart(half, drawn) for half, drawn in both]
        return [sum(parts) / len(found) for parts in zip(*found, strict=True)]

    def _apart(self, half: Lesson, drawn: Tensor) -> list[float]:
        made = generated(self._model.mean, half, drawn)
        real = measured(half.rolls, half.chords)
        apart = figures.gaps(measured(made, half.chords), real)
        return [
            0.0,
            0.0,
            0.0,
            apart["distance"],
            apart["notes"] + apart["chords"],
            apart["classes"] + apart["chord_tones"] + apart["rows"],
            apart["at"] + apart["lengths"] + apart["one_step"] + apart["empty"],
        ]

    def _critics(self, batch: Lesson, drawn: Tensor) -> Tensor:
        with torch.no_grad():
            made = self.network("generator", drawn, *batch.told)
        both = [torch.cat(pair) for pair in zip(batch.told, batch.told, strict=True)]
        scores = self.network("critic", torch.cat([batch.rolls, made]), *both)
        real, false = scores.chunk(2)
        return torch.relu(1 - real).mean() + torch.relu(1 + false).mean()

    def _generators(self, batch: Lesson, drawn: Tensor) -> tuple[Tensor, Tensor]:
        """The generator's losses: against the critic, and for reproduced real bars."""
        made = self.network("generator", drawn, *batch.told)
        pleased = -self.network("critic", made, *batch.told).mean()
        half = _rows(batch, slice(len(drawn) // 2), drawn.device)
        guess = self.network("encoder", half.rolls, half.chords, half.before)
        mean, log_variance = guess.chunk(2, 1)
        found = mean + (0.5 * log_variance).exp() * drawn[: len(mean)]
        logits = self.network("logits", found, *half.told)
        away = 0.5 * (mean**2 + log_variance.exp() - 1 - log_variance).sum(1)
        lost = missed(logits, half.rolls, self._options.struck)
        return pleased, (lost + self._options.chance * away).mean() / NATS


def lesson(
    bars: Bars,
    rows: Rows,
    chance: np.random.Generator,
    options: Options,
) -> Lesson:
    """Some bars as tensors."""
    count = len(rows)
    is_alone, is_free = chance.random((2, count)) < [[options.alone], [options.free]]
    rolls, before = bars.rolls[rows], bars.before[rows].copy()
    before[is_alone] = False
    manner = np.zeros((count, MANNER), np.float32)
    crowds = np.searchsorted(pattern.CROWDS, rolls[:, ONSET].sum((1, 2)), side="right")
    manner[np.arange(count), np.where(is_free, pattern.UNKNOWN, crowds)] = 1.0
    manner[:, -1] = before[:, ONSET].any((1, 2))
    return Lesson(
        torch.from_numpy(rolls.astype(np.float32)),
        torch.from_numpy(bars.told[rows]),
        torch.from_numpy(before.astype(np.float32)),
        torch.from_numpy(manner),
    )


def missed(logits: Tensor, rolls: Tensor, struck: float) -> Tensor:
    """The loss of reproduced real bars, in nats a bar, [B].

    Holds count only where a note could go on, as elsewhere they are silent.
    """
    lost = nn.functional.binary_cross_entropy_with_logits
    onsets, sound = rolls.unbind(1)
    weight = 1 + (struck - 1) * onsets
    begun = lost(logits[:, ONSET], onsets, weight, reduction="none")
    could = (sound[:, :-1] * (1 - onsets[:, 1:])).flatten(1)
    held = lost(logits[:, SOUND, 1:], sound[:, 1:], reduction="none").flatten(1)
    return begun.flatten(1).sum(1) + (held * could).sum(1)


def noise(chance: np.random.Generator, count: int) -> Tensor:
    """So many patterns, drawn."""
    return torch.from_numpy(chance.standard_normal((count, NOISE)).astype(np.float32))


@torch.no_grad()
def generated(model: Generator, batch: Lesson, drawn: Tensor) -> Tensor:
    """Bars for all that a lesson tells, on the CPU."""
    device = next(model.parameters()).device
    starts = range(0, len(drawn), JUDGED_AT_ONCE)
    parts = [slice(start, start + JUDGED_AT_ONCE) for start in starts]
    made = (
        model(drawn[part].to(device), *(told[part].to(device) for told in batch.told))
        for part in parts
    )
    return torch.cat([rolls.float().cpu() for rolls in made])


def measured(rolls: Tensor, chords: Tensor) -> figures.Figures:
    """Figures of bars that are tensors."""
    return figures.figures(rolls.numpy() > 0, tones_of(chords))


def tones_of(chords: Tensor) -> Bools:
    """Which rows are chord tones, [N, BEATS, ROWS]."""
    tones: Bools = np.tile(chords[..., :12].numpy() > 0, ROWS // 12)
    return tones


def generator_of(payload: dict[str, Any]) -> Generator:
    """The mean generator of a checkpoint, ready to be run."""
    network = Loop(int(payload["preset"]["hidden"]))
    network.load_state_dict(payload["model"])
    return network.mean.eval()


def _rows(batch: Lesson, rows: slice, device: torch.device) -> Lesson:
    whole = (batch.rolls, *batch.told)
    return Lesson(*(each[rows].to(device) for each in whole))


def _at(place: int, value: Tensor) -> Tensor:
    """A loss in its place among `PARTS`."""
    hot = torch.zeros(len(PARTS), device=value.device)
    hot[place] = 1.0
    return hot * value
