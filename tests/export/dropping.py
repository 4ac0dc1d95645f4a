"""The program that `test_scale` starts: each process writes its dropout mask."""

import sys
from pathlib import Path

import torch
from torch import Tensor, nn

from ripieno_export import train
from ripieno_export.preset import Preset
from ripieno_export.task import Task


class Dropping(Task):
    """A task of one weight behind a dropout of a half."""

    parts = ("sum",)

    def __init__(self, folder: Path) -> None:
        self.network = nn.Sequential(nn.Linear(1, 256), nn.Dropout(0.5))
        self._folder = folder

    def losses(self, step: int) -> Tensor:
        out: Tensor = self.network(torch.ones(1, 1))
        rank, _ = self.share
        torch.save(out == 0, self._folder / f"{step} {rank}.pt")
        return out.sum()[None]

    def judge(self) -> list[float]:
        return [0.0]


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    recipe = Preset(name="dropping", hidden=16, steps=1, warmup=1, threads=1)
    train.train(Dropping(folder), recipe, folder / "run")
