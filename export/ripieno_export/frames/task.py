"""What a frame network learns: the next frame, by both heads at once.

The two heads share the backbone and their losses are added: one training gives both
rows of the table, and the best weights are those with the lowest sum.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import msgspec
import torch
from torch import Tensor

from ripieno_export import checkpoint, preset
from ripieno_export.frames import score
from ripieno_export.frames.crops import Crops, Moves
from ripieno_export.frames.rolls import Roll
from ripieno_export.networks.frames import HEADS, FrameNetwork, Shape
from ripieno_export.preset import Preset
from ripieno_export.task import Task

RECIPES: Final = {"jsb": "frames-jsb", "": "frames-nottingham"}
"""By what a file's name begins with; any other file is taken for a large set."""


class Own(msgspec.Struct, forbid_unknown_fields=True):
    """Where a network's recipe differs from its file's."""

    hidden: int | None = None
    layers: int | None = None
    events: int | None = None
    dropout: float | None = None
    learning_rate: float | None = None
    steps: int | None = None


class FrameOptions(msgspec.Struct, forbid_unknown_fields=True):
    """What only frame networks know.

    Attributes:
        moved: the share of training crops that are transposed.
        semitones: by how much at most.
        kernel: frames that a convolution sees.
        own: what each network has of its own.
    """

    moved: float = 0.0
    semitones: int = 6
    kernel: int = 3
    own: dict[str, Own] = {}


def recipe(file: str, backbone: str) -> Preset:
    """The preset for a file's name and a network."""
    general = preset.load(RECIPES[_start(file)])
    own = general.options_as(FrameOptions).own.get(backbone, Own())
    name = f"{general.name}-{backbone}"
    return general.with_(name=name, family=backbone, **msgspec.structs.asdict(own))


def why(file: str) -> str:
    """Which recipe a file's name gets, in a sentence."""
    start = _start(file)
    known = ", ".join(repr(name) for name in RECIPES if name)
    reason = (
        f"the file's name begins with {start!r}"
        if start
        else f"it is for large sets, and the file's name does not begin with {known}"
    )
    return f"{file} is trained by the recipe {RECIPES[start]}: {reason}."


def _start(file: str) -> str:
    return next(start for start in RECIPES if file.lower().startswith(start))


def network(preset: Preset) -> FrameNetwork:
    """The untrained network of a preset; the same for the same seed."""
    torch.manual_seed(preset.seed)
    options = preset.options_as(FrameOptions)
    shape = Shape(
        preset.family,
        preset.hidden,
        preset.layers,
        preset.dropout,
        kernel=options.kernel,
        reach=preset.events,
    )
    return FrameNetwork(shape)


def network_of(weights: Path) -> FrameNetwork:
    """The network in a checkpoint, ready to judge."""
    payload = checkpoint.load(weights)
    model = network(Preset(**payload["preset"]))
    model.load_state_dict(payload["model"])
    return model.eval()


class FrameTask(Task):
    """Learns frames."""

    parts = HEADS

    def __init__(
        self, preset: Preset, train: Sequence[Roll], valid: Sequence[Roll]
    ) -> None:
        options = preset.options_as(FrameOptions)
        self._preset, self._valid = preset, valid
        self._crops = Crops(
            train, preset.events, Moves(options.moved, options.semitones)
        )
        self.network = network(preset)

    def losses(self, step: int) -> Tensor:
        """Mean nats a frame by each head, shape [2]."""
        preset = self._preset
        batch = self._crops.batch(preset.seed, step, preset.batch)
        device = next(self.network.parameters()).device
        rolls = batch.rolls[self.mine].to(device)
        nats: Tensor = self.network(rolls, batch.real[self.mine].to(device))
        return nats.mean(1)

    def judge(self) -> list[float]:
        """The same on the whole of the held-out part."""
        found = score.score(score.nats(self.network, self._valid))
        return [found.a_frame[head] for head in HEADS]
