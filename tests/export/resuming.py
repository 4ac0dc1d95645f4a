"""A run that is interrupted and resumed ends as one that never was, to the last bit."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor

from ripieno.clock import SimulatedClock
from ripieno_export import checkpoint, train
from ripieno_export.checkpoint import LAST
from ripieno_export.preset import Preset
from ripieno_export.task import Task


class Stopped(Exception):  # noqa: N818 (it is no error: someone pressed a key)
    """The run was interrupted."""


def interrupted(task: Task, at: int) -> Task:
    """A task whose run is interrupted at a step."""
    losses = task.losses

    def stopping(step: int) -> Tensor:
        if step == at:
            raise Stopped
        return losses(step)

    task.losses = stopping  # type: ignore[method-assign]
    return task


def same(one: object, other: object) -> bool:
    """Whether two checkpoints are equal to the last bit."""
    if isinstance(one, Tensor) and isinstance(other, Tensor):
        return torch.equal(one, other)
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(one[k], other[k]) for k in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    return one == other


def assert_it_ends_the_same(
    make: Callable[[], Task], recipe: Preset, place: Path, at: int
) -> None:
    """Train at once, and with an interruption at a step; a checkpoint is of step 3."""
    clock = SimulatedClock()
    train.train(make(), recipe, place / "whole", clock=clock)
    with pytest.raises(Stopped):
        train.train(interrupted(make(), at), recipe, place / "parts", clock=clock)
    assert checkpoint.load(place / "parts" / LAST)["progress"]["step"] == 3
    train.train(make(), recipe, place / "parts", clock=clock)
    whole, parts = (checkpoint.load(place / n / LAST) for n in ("whole", "parts"))
    assert whole.keys() == parts.keys()
    for name, value in whole.items():
        assert same(value, parts[name]), name
