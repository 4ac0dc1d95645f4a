"""Training on another device than the CPU.

Where there is no such device, tensors on torch's ``meta`` device stand for it: they
have shapes and no values, and torch refuses to compute with them and with CPU tensors
together, as it does with a GPU's.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("lightning_fabric")

import torch
from lightning_fabric import Fabric
from lightning_fabric.accelerators.cpu import CPUAccelerator
from lightning_fabric.strategies.single_device import SingleDeviceStrategy
from tests.export.duet.walks import MADE
from tests.export.tiny import TINY
from torch import Tensor, nn

from ripieno_export import checkpoint, train
from ripieno_export.checkpoint import LAST
from ripieno_export.duet import packing
from ripieno_export.duet.harmony_task import HarmonyTask
from ripieno_export.task import Task

pytestmark = [pytest.mark.torch, pytest.mark.usefixtures("torch_as_it_was")]

TWO = TINY.with_(steps=2, save_every=1)


class Blocks(Task):
    """A task of one matrix for Muon, and one for AdamW."""

    parts = ("square",)

    def __init__(self) -> None:
        torch.manual_seed(1)
        self.network = nn.ModuleDict(
            {"blocks": nn.Linear(4, 4), "out": nn.Linear(4, 1)}
        )

    def losses(self, step: int) -> Tensor:
        device = next(self.network.parameters()).device
        given = torch.from_numpy(np.random.default_rng(step).random((8, 4), np.float32))
        inner = self.network.get_submodule("blocks")(given.to(device))
        out: Tensor = self.network.get_submodule("out")(inner)
        return out.square().mean()[None]

    def judge(self) -> list[float]:
        return [0.0]


class Anywhere(CPUAccelerator):
    """An accelerator that has any device that it is asked for."""

    def setup_device(self, device: torch.device) -> None:
        """There is nothing to set up."""


@pytest.fixture
def elsewhere() -> Iterator[Fabric]:
    """Puts networks on the meta device; their weights stay the same objects."""
    torch.__future__.set_swap_module_params_on_conversion(True)
    strategy = SingleDeviceStrategy(torch.device("meta"), accelerator=Anywhere())
    yield Fabric(strategy=strategy)
    torch.__future__.set_swap_module_params_on_conversion(False)


def harmony_task() -> HarmonyTask:
    learned = [packing.spans_of(piece) for piece in MADE]
    return HarmonyTask(TWO, learned, learned[:1])


@pytest.mark.parametrize("optimiser", ["adamw", "muon"])
def test_a_resumed_optimiser_is_on_the_device_of_the_weights(
    optimiser: str, elsewhere: Fabric, tmp_path: Path
) -> None:
    recipe = TWO.with_(optimiser=optimiser)
    train.train(Blocks(), recipe, tmp_path)
    trainer = train.Trainer(Blocks(), recipe, tmp_path, elsewhere)
    assert len(trainer.optimisers) == (1 if optimiser == "adamw" else 2)
    count = 0
    for made in trainer.optimisers:
        for weight, state in made.state.items():
            assert weight.device.type == "meta"
            averages = [s for s in state.values() if s.shape == weight.shape]
            assert averages
            assert {average.device.type for average in averages} == {"meta"}
            count += 1
    assert count == 4


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device")
@pytest.mark.parametrize("make", [Blocks, harmony_task])
def test_a_run_on_a_gpu_is_resumed_and_ends_as_one_that_was_not_interrupted(
    make: type[Task], tmp_path: Path
) -> None:
    train.train(make(), TWO.with_(steps=4), tmp_path / "whole")
    train.train(make(), TWO.with_(steps=4), tmp_path / "parts", minutes=0)
    assert checkpoint.load(tmp_path / "parts" / LAST)["progress"]["step"] == 1
    train.train(make(), TWO.with_(steps=4), tmp_path / "parts")
    whole, parts = (
        checkpoint.load(tmp_path / name / LAST) for name in ("whole", "parts")
    )
    assert whole["progress"]["step"] == parts["progress"]["step"] == 4
    for name, weight in whole["model"].items():
        torch.testing.assert_close(parts["model"][name], weight)
