"""Training, from top to bottom, for every family.

1. A task knows the network, its losses and its held-out music; a preset knows the rest.
2. Each step: a batch that depends on (seed, step) alone, losses, gradients, clipping,
   AdamW (and Muon for inner matrices) under warm-up and cosine.
3. Every `valid_every` steps the held-out music is judged; the best weights stay, and
   a run that has got no better for `patience` judgements stops.
4. Every `save_every` steps, at the deadline and at the end, a checkpoint: network,
   optimisers, step. A run that finds one goes on from it, bit for bit: a stop between
   two judgements judges nothing, or patience would count from it.

The whole state of randomness is the step: dropout is seeded by it, too. Under
``torchrun`` every process takes its share of each batch and draws dropout masks of its
own; Lightning Fabric does the devices, mixed precision and the exchange of gradients.
"""

import contextlib
import math
import os
import warnings
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

import torch
from lightning_fabric import Fabric
from lightning_fabric.strategies.ddp import DDPStrategy
from torch import nn

from ripieno.clock import NS_PER_S, Clock, SystemClock
from ripieno.errors import SettingsError
from ripieno_export import checkpoint, display
from ripieno_export.checkpoint import BEST, LAST, Progress
from ripieno_export.preset import Preset
from ripieno_export.task import Task

SHAPES: Final = ("family", "hidden", "layers", "events", "batch", "optimiser", "seed")
"""Settings that a resumed run may not change."""
BOOKKEEPING: Final = ("name", "threads", "save_every")
"""Settings that do not change what is learned."""
RANK_SEED: Final = 500_000_003
"""How far apart the seeds of two processes are. A run has fewer steps; and torch takes
the low 32 bits of a seed, so multiples of 2 ** 32 would be no difference."""
INNER: Final = ("blocks.",)
"""Where the matrices are that Muon is for: between the embeddings and the heads."""


def world() -> int:
    """How many processes train together; 1 without ``torchrun``."""
    return int(os.environ.get("WORLD_SIZE", "1"))


@contextlib.contextmanager
def matmul_precision(precision: str) -> Iterator[None]:
    """Multiply float32 matrices with this precision, inside alone.

    It holds for the whole process. Left at "medium" after training, on a processor with
    AMX, it makes a network differ from its exported graph by 5e-4.
    """
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision(precision)
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(before)


def fabric_of(preset: Preset) -> Fabric:
    """Devices and processes: what ``torchrun`` started, or this one alone."""
    torch.set_num_threads(preset.threads)
    # Autocast hands bfloat16 to norms with float32 weights on purpose.
    warnings.filterwarnings("ignore", "Mismatch dtype between input and weight")
    here = int(os.environ.get("LOCAL_WORLD_SIZE", "1"))
    # A critic's step leaves the generator's weights without gradients, and so on.
    many = DDPStrategy(find_unused_parameters=True)
    fabric = Fabric(
        accelerator="cuda" if torch.cuda.is_available() else "cpu",
        devices=here,
        num_nodes=world() // here,
        strategy=many if world() > 1 else "auto",
        precision=preset.precision,  # type: ignore[arg-type]  # checked by the preset
    )
    fabric.launch()
    return fabric


def optimisers(network: nn.Module, preset: Preset) -> list[torch.optim.Optimizer]:
    """AdamW, and Muon if asked; only matrices decay, embeddings and biases do not."""
    inner: list[nn.Parameter] = []
    decay: list[nn.Parameter] = []
    free: list[nn.Parameter] = []
    for name, weight in network.named_parameters():
        is_matrix = weight.ndim >= 2 and not name.startswith(("embed", "given"))
        is_inner = weight.ndim == 2 and name.startswith(INNER)
        if preset.optimiser == "muon" and is_inner:
            inner.append(weight)
        else:
            (decay if is_matrix else free).append(weight)
    adam = torch.optim.AdamW(
        [
            {"params": decay, "weight_decay": preset.weight_decay},
            {"params": free, "weight_decay": 0.0},
        ],
        lr=preset.learning_rate,
        betas=(0.9, 0.98),
    )
    if not inner:
        return [adam]
    muon = torch.optim.Muon(
        inner,
        lr=preset.learning_rate,
        weight_decay=preset.weight_decay,
        adjust_lr_fn="match_rms_adamw",
    )
    return [muon, adam]


def learning_rate(preset: Preset, step: int) -> float:
    """Linear warm-up, then a cosine down to `final_share`."""
    if step < preset.warmup:
        return preset.learning_rate * (step + 1) / preset.warmup
    done = (step - preset.warmup) / max(preset.steps - preset.warmup, 1)
    cosine = 0.5 * (1 + math.cos(math.pi * min(done, 1.0)))
    return preset.learning_rate * (
        preset.final_share + (1 - preset.final_share) * cosine
    )


class Trainer:
    """A run: a task, its optimisers, and where it stands."""

    def __init__(
        self, task: Task, preset: Preset, run: Path, fabric: Fabric | None = None
    ) -> None:
        self.task, self.preset, self.run = task, preset, run
        self.progress = Progress()
        self.fabric = fabric or fabric_of(preset)
        made = optimisers(task.network, preset)
        run.mkdir(parents=True, exist_ok=True)
        found = checkpoint.load(run / LAST) if (run / LAST).is_file() else None
        if found is not None:
            self._resume(task.network, found)
        self.inner = task.network
        self.network, *self.optimisers = self.fabric.setup(task.network, *made)
        if found is not None:  # only now: states are put where the weights are
            for optimiser, state in zip(made, found["optimisers"], strict=True):
                optimiser.load_state_dict(state)
        task.network = self.network
        task.share = (self.fabric.global_rank, self.fabric.world_size)

    def step(self) -> list[float]:
        """One step; the losses of its batch."""
        preset, number = self.preset, self.progress.step
        rank = self.fabric.global_rank
        torch.manual_seed(preset.seed * 1_000_003 + number + rank * RANK_SEED)
        for optimiser in self.optimisers:
            for group in optimiser.param_groups:
                group["lr"] = learning_rate(preset, number)
            optimiser.zero_grad(set_to_none=True)
        with matmul_precision(preset.matmul):
            losses = self.task.losses(number)
            self.fabric.backward(losses.sum())
        nn.utils.clip_grad_norm_(self.network.parameters(), preset.clip)
        for optimiser in self.optimisers:
            with matmul_precision(preset.matmul):  # Muon multiplies, too
                optimiser.step()
        self.progress.step += 1
        return [float(part) for part in losses.detach()]

    def judge(self) -> list[float]:
        """Judge held-out music, and keep these weights if they are the best."""
        self.network.eval()
        with torch.no_grad(), matmul_precision(self.preset.matmul):
            found = self.fabric.broadcast(self.task.judge())
        self.network.train()
        if sum(found) < self.progress.best:
            self.progress.best, self.progress.best_step = sum(found), self.progress.step
            self.save(BEST)
        return found

    def save(self, name: str = LAST) -> None:
        """Write a checkpoint; one process does it for all."""
        payload: dict[str, Any] = {
            "preset": self.preset.as_dict(),
            "model": self.inner.state_dict(),
            "progress": asdict(self.progress),
        }
        if name == LAST:
            payload["optimisers"] = [made.state_dict() for made in self.optimisers]
        if self.fabric.is_global_zero:
            checkpoint.save(self.run / name, payload)
        self.fabric.barrier()

    def agreed(self, answer: bool) -> bool:  # noqa: FBT001 (it is what is agreed on)
        """The first process's answer: each has a clock of its own."""
        return bool(self.fabric.broadcast(answer))

    @property
    def is_over(self) -> bool:
        """Whether all steps are done, or it has long got no better."""
        progress, preset = self.progress, self.preset
        waited = progress.step - progress.best_step
        is_stale = (
            preset.patience > 0 and waited >= preset.patience * preset.valid_every
        )
        return progress.step >= preset.steps or is_stale

    def _resume(self, network: nn.Module, payload: dict[str, Any]) -> None:
        before, now_all = payload["preset"], self.preset.as_dict()
        for name in SHAPES:
            if (was := before[name]) != (now := now_all[name]):
                raise SettingsError(
                    f"The run {self.run} was begun with {name} = {was}, not {now}; "
                    "choose another --run folder, or delete this one."
                )
        network.load_state_dict(payload["model"])
        self.progress = Progress(**payload["progress"])
        changed = {
            name: [before.get(name), now]
            for name, now in now_all.items()
            if name not in BOOKKEEPING and before.get(name) != now
        }
        if changed:
            self.progress.changes.append({"step": self.progress.step, **changed})


def train(
    task: Task,
    preset: Preset,
    run: Path,
    *,
    minutes: float | None = None,
    clock: Clock | None = None,
    fabric: Fabric | None = None,
) -> Progress:
    """Train, or go on training, until the steps or the minutes are over.

    Args:
        task: what is learned.
        preset: the recipe.
        run: the folder of its checkpoints and of its TensorBoard curves.
        minutes: stop after this long, with a checkpoint; a run that has judged nothing
            yet judges once more, so that there are weights to publish.
        clock: for the deadline and the display.
        fabric: of this process, if it was made before.
    """
    clock = clock or SystemClock()
    trainer = Trainer(task, preset, run, fabric)
    begun_ns, begun_step = clock.now_ns(), trainer.progress.step
    is_first = trainer.fabric.is_global_zero
    shown = display.Display(preset, task.parts, run, begun_step, is_on=is_first)
    late = False
    while not trainer.is_over and not late:
        losses = trainer.step()
        number = trainer.progress.step
        spent_s = (clock.now_ns() - begun_ns) / NS_PER_S
        shown.step(number, losses, spent_s / (number - begun_step))
        late = minutes is not None and trainer.agreed(spent_s > 60 * minutes)
        if number % preset.valid_every == 0 or number == preset.steps:
            shown.judged(number, trainer.judge())
        if number % preset.save_every == 0 or trainer.is_over or late:
            trainer.save()
    if late and math.isinf(trainer.progress.best):
        # Something to publish; last.pt is written, so what goes on knows nothing of it.
        shown.judged(trainer.progress.step, trainer.judge())
    shown.close()
    return trainer.progress
