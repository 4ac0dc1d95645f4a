"""Training, from top to bottom.

1. The corpus is packed once into the run folder.
2. Each step: a batch that depends on (seed, step) alone, teacher-forced logits, the sum
   of four cross-entropies in nats per event, AdamW under warm-up and cosine.
3. Every `valid_every` steps the fixed held-out crops are scored; the best weights stay.
4. Every `save_every` steps, at the deadline and at the end, a checkpoint: model,
   optimiser, step. A run that finds one goes on from it, bit for bit.

The whole state of randomness is the step: dropout is seeded by it, too.
"""

import math
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Final

import torch
from torch import Tensor, nn

from ripieno.clock import NS_PER_S, Clock, SystemClock
from ripieno.errors import SettingsError
from ripieno_export import checkpoint, dataset, display
from ripieno_export.checkpoint import BEST, LAST, Progress
from ripieno_export.dataset import Batch, Crops
from ripieno_export.networks.recurrent import EventRecurrent
from ripieno_export.preset import Preset

CORPUS: Final = "corpus.npz"
SHAPES: Final = ("cell", "hidden", "layers", "events", "batch", "seed")
"""What a resumed run may not change."""


def packed(data: Path, run: Path) -> dataset.Packed:
    """The corpus of a run, packed when it is first asked for."""
    cache = run / CORPUS
    if not cache.is_file():
        display.say(f"packing {data} ...")
        dataset.save(dataset.pack(data), cache)
    return dataset.load(cache)


def network(preset: Preset) -> EventRecurrent:
    """The untrained network of a preset; the same for the same seed."""
    torch.manual_seed(preset.seed)
    return EventRecurrent(preset.cell, preset.hidden, preset.layers, preset.dropout)


def optimiser(model: nn.Module, preset: Preset) -> torch.optim.AdamW:
    """AdamW; only matrices decay, embeddings and biases do not."""
    decay: list[nn.Parameter] = []
    free: list[nn.Parameter] = []
    for name, weight in model.named_parameters():
        is_matrix = weight.ndim == 2 and not name.startswith(("embed", "given"))
        (decay if is_matrix else free).append(weight)
    groups = [
        {"params": decay, "weight_decay": preset.weight_decay},
        {"params": free, "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=preset.learning_rate, betas=(0.9, 0.98))


def learning_rate(preset: Preset, step: int) -> float:
    """Linear warm-up, then a cosine down to `final_share`."""
    if step < preset.warmup:
        return preset.learning_rate * (step + 1) / preset.warmup
    done = (step - preset.warmup) / max(preset.steps - preset.warmup, 1)
    cosine = 0.5 * (1 + math.cos(math.pi * min(done, 1.0)))
    return preset.learning_rate * (
        preset.final_share + (1 - preset.final_share) * cosine
    )


def losses(model: EventRecurrent, batch: Batch) -> Tensor:
    """Mean nats per real event of each field, shape [4]."""
    events, real = torch.from_numpy(batch.events), torch.from_numpy(batch.real)
    told = events[:, 1:][real]  # [N, 4]
    scores = [logits[real] for logits in model(events)]
    return torch.stack(
        [nn.functional.cross_entropy(s, told[:, i]) for i, s in enumerate(scores)]
    )


def validate(model: EventRecurrent, batches: Sequence[Batch]) -> Tensor:
    """Mean nats per event of each field over held-out crops, shape [4]."""
    model.eval()
    with torch.no_grad():
        sums = [losses(model, batch) * float(batch.real.sum()) for batch in batches]
    model.train()
    return torch.stack(sums).sum(0) / sum(float(batch.real.sum()) for batch in batches)


class Trainer:
    """A run: the network, its optimiser, and where it stands."""

    def __init__(self, preset: Preset, packed_: dataset.Packed, run: Path) -> None:
        torch.set_num_threads(preset.threads)
        torch.set_float32_matmul_precision(preset.matmul)
        self.preset, self.run, self.progress = preset, run, Progress()
        self.model = network(preset)
        self.optimiser = optimiser(self.model, preset)
        self.crops = Crops(packed_, preset.events, held_out=False)
        self.held_out = dataset.held_out_batches(
            packed_, preset.events, preset.valid_crops
        )
        run.mkdir(parents=True, exist_ok=True)
        if (run / LAST).is_file():
            self._resume()

    def step(self) -> Tensor:
        """One step; the losses of its batch, shape [4]."""
        preset, number = self.preset, self.progress.step
        torch.manual_seed(preset.seed * 1_000_003 + number)
        for group in self.optimiser.param_groups:
            group["lr"] = learning_rate(preset, number)
        nats = losses(self.model, self.crops.batch(preset.seed, number, preset.batch))
        self.optimiser.zero_grad(set_to_none=True)
        torch.autograd.backward(nats.sum())
        nn.utils.clip_grad_norm_(self.model.parameters(), preset.clip)
        self.optimiser.step()
        self.progress.step += 1
        return nats.detach()

    def judge(self) -> Tensor:
        """Score the held-out crops, and keep these weights if they are the best."""
        nats = validate(self.model, self.held_out)
        total = float(nats.sum())
        if total < self.progress.best:
            self.progress.best, self.progress.best_step = total, self.progress.step
            self.save(BEST)
        return nats

    def save(self, name: str = LAST) -> None:
        """Write a checkpoint."""
        payload = {
            "preset": self.preset.as_dict(),
            "model": self.model.state_dict(),
            "progress": asdict(self.progress),
        }
        if name == LAST:
            payload["optimiser"] = self.optimiser.state_dict()
        checkpoint.save(self.run / name, payload)

    def _resume(self) -> None:
        payload = checkpoint.load(self.run / LAST)
        for name in SHAPES:
            if (was := payload["preset"][name]) != (now := getattr(self.preset, name)):
                raise SettingsError(
                    f"The run {self.run} was begun with {name} = {was}, not {now}; "
                    "choose another --run folder, or delete this one."
                )
        self.model.load_state_dict(payload["model"])
        self.optimiser.load_state_dict(payload["optimiser"])
        self.progress = Progress(**payload["progress"])


def train(
    preset: Preset,
    data: Path,
    run: Path,
    *,
    minutes: float | None = None,
    clock: Clock | None = None,
) -> Progress:
    """Train, or go on training, until the steps or the minutes are over.

    Args:
        preset: the recipe.
        data: the folder of sources.
        run: where the packed corpus and the checkpoints are.
        minutes: stop after this long, with a checkpoint.
        clock: for the deadline and the display.
    """
    clock = clock or SystemClock()
    trainer = Trainer(preset, packed(data, run), run)
    begun_ns, begun_step = clock.now_ns(), trainer.progress.step
    while trainer.progress.step < preset.steps:
        nats = trainer.step()
        number = trainer.progress.step
        spent_s = (clock.now_ns() - begun_ns) / NS_PER_S
        display.step(preset, number, nats.tolist(), spent_s / (number - begun_step))
        late = minutes is not None and spent_s > 60 * minutes
        if number % preset.valid_every == 0 or number == preset.steps or late:
            told = display.per_field(trainer.judge().tolist())
            display.say(f"held out, step {number}: {told}")
        if number % preset.save_every == 0 or number == preset.steps or late:
            trainer.save()
        if late:
            break
    return trainer.progress
