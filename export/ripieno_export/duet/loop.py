"""One training loop for the duet's networks: deterministic, resumable, plain.

All randomness of a step hangs on (seed, step): a run that was interrupted goes on from
its last checkpoint, bit for bit.
"""

from dataclasses import asdict
from pathlib import Path
from typing import Protocol

import torch
from torch import Tensor, nn

from ripieno.clock import NS_PER_S, Clock, SystemClock
from ripieno.errors import SettingsError
from ripieno_export import checkpoint, display
from ripieno_export.checkpoint import BEST, LAST, Progress
from ripieno_export.preset import Preset
from ripieno_export.train import SHAPES, learning_rate, optimiser


class Task(Protocol):
    """What is learned."""

    @property
    def model(self) -> nn.Module:
        """The network."""
        ...

    @property
    def parts(self) -> tuple[str, ...]:
        """What its losses are called."""
        ...

    def losses(self, step: int) -> Tensor:
        """The batch of a step: nats of each part, shape [K]; their sum is descended."""
        ...

    def judge(self) -> list[float]:
        """Nats of each part on held-out music; the lowest sum is the best."""
        ...


def run(
    task: Task,
    preset: Preset,
    folder: Path,
    *,
    minutes: float | None = None,
    clock: Clock | None = None,
) -> Progress:
    """Train, or go on training, until the steps or the minutes are over."""
    clock = clock or SystemClock()
    torch.set_num_threads(preset.threads)
    torch.set_float32_matmul_precision(preset.matmul)
    folder.mkdir(parents=True, exist_ok=True)
    adam, progress = optimiser(task.model, preset), Progress()
    if (folder / LAST).is_file():
        progress = _resume(task, adam, preset, folder)
    begun_ns, begun = clock.now_ns(), progress.step
    while progress.step < preset.steps:
        told = _step(task, adam, preset, progress.step)
        progress.step += 1
        spent_s = (clock.now_ns() - begun_ns) / NS_PER_S
        display.step(
            preset, progress.step, told, spent_s / (progress.step - begun), task.parts
        )
        late = minutes is not None and spent_s > 60 * minutes
        is_last = progress.step == preset.steps or late
        if progress.step % preset.valid_every == 0 or is_last:
            _judge(task, preset, progress, folder)
        if progress.step % preset.save_every == 0 or is_last:
            _save(task, preset, progress, folder / LAST, adam)
        if late:
            break
    return progress


def _step(
    task: Task, adam: torch.optim.Optimizer, preset: Preset, number: int
) -> list[float]:
    torch.manual_seed(preset.seed * 1_000_003 + number)
    for group in adam.param_groups:
        group["lr"] = learning_rate(preset, number)
    nats = task.losses(number)
    adam.zero_grad(set_to_none=True)
    torch.autograd.backward(nats.sum())
    nn.utils.clip_grad_norm_(task.model.parameters(), preset.clip)
    adam.step()
    return [float(part) for part in nats.detach()]


def _judge(task: Task, preset: Preset, progress: Progress, folder: Path) -> None:
    task.model.eval()
    with torch.no_grad():
        nats = task.judge()
    task.model.train()
    told = display.per_field(nats, task.parts)
    display.say(f"held out, step {progress.step}: {told}")
    if sum(nats) < progress.best:
        progress.best, progress.best_step = sum(nats), progress.step
        _save(task, preset, progress, folder / BEST)


def _save(
    task: Task,
    preset: Preset,
    progress: Progress,
    path: Path,
    adam: torch.optim.Optimizer | None = None,
) -> None:
    payload = {
        "preset": preset.as_dict(),
        "model": task.model.state_dict(),
        "progress": asdict(progress),
    }
    if adam is not None:
        payload["optimiser"] = adam.state_dict()
    checkpoint.save(path, payload)


def _resume(
    task: Task, adam: torch.optim.Optimizer, preset: Preset, folder: Path
) -> Progress:
    payload = checkpoint.load(folder / LAST)
    for name in SHAPES:
        if (was := payload["preset"][name]) != (now := getattr(preset, name)):
            raise SettingsError(
                f"The run {folder} was begun with {name} = {was}, not {now}; "
                "choose another --run folder, or delete this one."
            )
    task.model.load_state_dict(payload["model"])
    adam.load_state_dict(payload["optimiser"])
    return Progress(**payload["progress"])
