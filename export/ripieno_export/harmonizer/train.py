"""Training the harmonizer, from top to bottom.

1. Chorales are read and split by tune; there is so little that nothing is packed.
2. Each step: a batch that depends on (seed, step) alone; for a share of its crops the
   history is what the network answers to them now; three cross-entropies, AdamW.
3. Every `valid_every` steps the held-out pieces are scored, led from the network's own
   answers and from the true ones; the best sum stays.

A run cannot be resumed: it takes minutes.
"""

from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor, nn

from ripieno.clock import NS_PER_S, Clock, SystemClock
from ripieno.think.harmonizer import DEPTHS, NOBODY, VOICES
from ripieno_export import checkpoint, display
from ripieno_export.checkpoint import BEST, Progress
from ripieno_export.harmonizer import chorales, crops, families
from ripieno_export.harmonizer.chorales import Chorale
from ripieno_export.harmonizer.crops import Batch, Crops
from ripieno_export.harmonizer.network import DECAY, UNKNOWN, Harmonies, heard
from ripieno_export.harmonizer.recipe import Recipe
from ripieno_export.tokenize import Ints
from ripieno_export.train import learning_rate, optimiser

SEED_OF_ANSWERS: Final = 11
"""Of the answers that held-out pieces are led from."""


def network(recipe: Recipe) -> Harmonies:
    """The untrained network of a recipe; the same for the same seed."""
    torch.manual_seed(recipe.preset.seed)
    return Harmonies(recipe.preset.hidden, recipe.preset.dropout)


def tensors(batch: Batch) -> tuple[Tensor, ...]:
    """What `Harmonies.forward` takes."""
    return (
        torch.from_numpy(batch.melody),
        torch.from_numpy(batch.before),
        torch.from_numpy(batch.gap_s.astype(np.float32)),
        torch.from_numpy(batch.style),
        torch.from_numpy(batch.depths),
    )


def nats_of(model: Harmonies, batch: Batch) -> list[Tensor]:
    """Nats of every right voice, per voice [N]."""
    told = tensors(batch)[-1]
    found = []
    for voice, scores in enumerate(model(*tensors(batch))):
        right = told[..., voice]
        is_known = right != UNKNOWN
        found.append(
            nn.functional.cross_entropy(
                scores[is_known], right[is_known], reduction="none"
            )
        )
    return found


def led_by_itself(
    model: Harmonies, batch: Batch, *, leash: float = 0.0
) -> tuple[Batch, Ints]:
    """A batch with the network's own answers as its history.

    Args:
        model: in eval mode.
        batch: whose targets stay.
        leash: how often an onset is told its true history all the same.

    Returns:
        The batch, and the answers [B, T, 3].
    """
    melody, before, gap_s, style, _ = tensors(batch)
    before = before.clone()
    size, onsets = melody.shape
    keys = torch.zeros(size, 24)
    state = torch.zeros(1, size, model.hidden)
    answers = torch.full((size, onsets, len(VOICES)), NOBODY)
    with torch.no_grad():
        for t in range(onsets):
            if t:
                is_own = torch.rand(size, 1) >= leash
                before[:, t, 1:] = torch.where(
                    is_own, answers[:, t - 1], before[:, t, 1:]
                )
            keys = DECAY * keys + heard(melody[:, t], before[:, t])
            seen = model.read(
                melody[:, t], before[:, t], gap_s[:, t], style[:, t], keys
            )
            after, state = model.cell(seen[None], state)
            hidden = model.prepare(after[0], seen)
            answers[:, t] = melody[:, t, None] - _drawn(model, hidden)
    return replace(batch, before=before.numpy()), answers.numpy()


def _drawn(model: Harmonies, hidden: Tensor) -> Tensor:
    """Depths [B, 3], drawn in order; no voice crosses the one before it."""
    told: tuple[Tensor, ...] = ()
    for voice in range(len(VOICES)):
        scores = model.scores(voice, hidden, told)
        if told:
            is_crossing = torch.arange(DEPTHS) > told[-1][:, None]
            scores = scores.masked_fill(is_crossing, -torch.inf)
        drawn = torch.multinomial(torch.softmax(scores, -1), 1)[:, 0]
        told = (*told, drawn)
    return torch.stack(told, -1)


def validate(model: Harmonies, batches: Sequence[Batch]) -> tuple[Tensor, Tensor]:
    """Held-out nats per voice [3]: led from the truth, and from its own answers."""
    model.eval()
    torch.manual_seed(SEED_OF_ANSWERS)
    with torch.no_grad():
        true = [nats_of(model, batch) for batch in batches]
        own = [nats_of(model, led_by_itself(model, b)[0]) for b in batches]
    model.train()
    columns = [list(zip(*rows, strict=True)) for rows in (true, own)]
    first, second = (
        torch.stack([torch.cat(c).mean() for c in rows]) for rows in columns
    )
    return first, second


def held_out_batches(pieces: Sequence[Chorale], size: int = 32) -> list[Batch]:
    """Whole pieces, chorales and hymns only, as they are."""
    judged = [p for p in pieces if p.style != crops.MOTET]
    judged.sort(key=lambda piece: len(piece.melody))
    rows = [crops.crop(piece, 0, len(piece.melody)) for piece in judged]
    return [crops.collated(rows[i : i + size]) for i in range(0, len(rows), size)]


class Trainer:
    """A run: the network, its optimiser, and where it stands."""

    def __init__(self, recipe: Recipe, pieces: Sequence[Chorale], run: Path) -> None:
        preset = recipe.preset
        torch.set_num_threads(preset.threads)
        torch.set_float32_matmul_precision(preset.matmul)
        self.recipe, self.run, self.progress = recipe, run, Progress()
        self.model = network(recipe)
        self.optimiser = optimiser(self.model, preset)
        train, held_out = families.split(pieces)
        self.crops = Crops(train, preset.events, recipe.motets, recipe.corrupted)
        self.held_out = held_out_batches(held_out)
        run.mkdir(parents=True, exist_ok=True)

    def step(self) -> Tensor:
        """One step; the losses of its batch, shape [3]."""
        preset, number = self.recipe.preset, self.progress.step
        torch.manual_seed(preset.seed * 1_000_003 + number)
        for group in self.optimiser.param_groups:
            group["lr"] = learning_rate(preset, number)
        batch = self._batch(number)
        nats = torch.stack([n.mean() for n in nats_of(self.model, batch)])
        self.optimiser.zero_grad(set_to_none=True)
        torch.autograd.backward(nats.sum())
        nn.utils.clip_grad_norm_(self.model.parameters(), preset.clip)
        self.optimiser.step()
        self.progress.step += 1
        return nats.detach()

    def _batch(self, number: int) -> Batch:
        preset, recipe = self.recipe.preset, self.recipe
        batch = self.crops.batch(preset.seed, number, preset.batch)
        size = int(recipe.own * preset.batch)
        if number < recipe.own_after or not size:
            return batch
        self.model.eval()
        own, _ = led_by_itself(self.model, _first(batch, size), leash=recipe.leash)
        self.model.train()
        before = np.concatenate([own.before, batch.before[size:]])
        return replace(batch, before=before)

    def judge(self) -> str:
        """Score the held-out pieces, and keep these weights if they are the best."""
        true, own = validate(self.model, self.held_out)
        total = float(true.sum() + own.sum())
        if total < self.progress.best:
            self.progress.best, self.progress.best_step = total, self.progress.step
            checkpoint.save(self.run / BEST, self._payload())
        return f"led by the truth {_shown(true)}, by itself {_shown(own)}"

    def _payload(self) -> dict[str, Any]:
        return {
            "recipe": self.recipe.as_dict(),
            "model": self.model.state_dict(),
            "progress": asdict(self.progress),
        }


def _first(batch: Batch, size: int) -> Batch:
    return Batch(
        batch.melody[:size],
        batch.before[:size],
        batch.gap_s[:size],
        batch.style[:size],
        batch.voices[:size],
    )


def _shown(nats: Tensor) -> str:
    each = " ".join(f"{v} {n:.3f}" for v, n in zip(VOICES, nats.tolist(), strict=True))
    return f"{float(nats.sum()):.3f} ({each})"


def train(
    recipe: Recipe, data: Path, run: Path, *, clock: Clock | None = None
) -> Progress:
    """Train to the end.

    Args:
        recipe: what decides what is learned.
        data: the folder of sources.
        run: where the checkpoint is written.
        clock: for the display.
    """
    clock = clock or SystemClock()
    trainer = Trainer(recipe, chorales.read(data), run)
    begun_ns = clock.now_ns()
    while trainer.progress.step < recipe.preset.steps:
        nats = trainer.step()
        number = trainer.progress.step
        if number % recipe.preset.valid_every == 0 or number == recipe.preset.steps:
            spent_s = (clock.now_ns() - begun_ns) / NS_PER_S
            display.say(
                f"step {number}/{recipe.preset.steps}, {spent_s:.0f} s: "
                f"{_shown(nats)}; held out: {trainer.judge()}"
            )
    return trainer.progress
