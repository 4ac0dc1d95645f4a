"""What the phrase encoder learns: which windows are of one piece, and what they hold.

*contrast*: among the windows of a batch, which is from the same piece as this one
(InfoNCE, both ways). *roll*: the decoder's roll against the one that was seen.
"""

from pathlib import Path
from typing import Final

import msgspec
import numpy as np
import torch
from torch import Tensor, nn

from ripieno.layouts.likeness import Rolls
from ripieno_export import checkpoint, display
from ripieno_export.likeness import pieces
from ripieno_export.likeness.pairs import Pairs
from ripieno_export.likeness.pieces import CHOOSING, TRAINED, Music
from ripieno_export.networks.encoder import Autoencoder
from ripieno_export.preset import Preset
from ripieno_export.task import Task

MUSIC: Final = "music.npz"
HELD_OUT_SEED: Final = 20_251
HELD_OUT_BATCHES: Final = 4


class Options(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What only this family knows.

    Attributes:
        width: channels of the first convolution.
        detail: numbers in the detail.
        temperature: of the contrast's softmax over cosines.
        roll: the weight of reconstruction beside the contrast, per cell and nat.
    """

    width: int = 32
    detail: int = 128
    temperature: float = 0.1
    roll: float = 20.0


def network(preset: Preset) -> Autoencoder:
    """The untrained network of a preset; the same for the same seed."""
    torch.manual_seed(preset.seed)
    options = preset.options_as(Options)
    return Autoencoder(options.width, preset.hidden, options.detail, preset.dropout)


def network_of(weights: Path) -> Autoencoder:
    """The network in a checkpoint, ready to be run."""
    payload = checkpoint.load(weights)
    model = network(Preset(**payload["preset"]))
    model.load_state_dict(payload["model"])
    return model.eval()


def music_of(data: Path, run: Path) -> Music:
    """The music of a run, packed when it is first asked for."""
    cache = run / MUSIC
    if not cache.is_file():
        display.say(f"packing {data} ...")
        pieces.save(pieces.read(data), cache)
    return pieces.load(cache)


def contrast(first: Tensor, second: Tensor, temperature: float) -> Tensor:
    """Nats to find a window's partner among all seconds, and back; [B, D] each."""
    alike = first @ second.T / temperature
    mine = torch.arange(len(first), device=first.device)
    there = nn.functional.cross_entropy(alike, mine)
    return (there + nn.functional.cross_entropy(alike.T, mine)) / 2


class EncoderTask(Task):
    """Learns likeness and content together."""

    parts = ("contrast", "roll")

    def __init__(self, preset: Preset, music: Music) -> None:
        self._preset, self._options = preset, preset.options_as(Options)
        self.network = network(preset)
        self._pairs = Pairs(music, TRAINED)
        held_out = Pairs(music, CHOOSING)
        self._held_out = [
            held_out.batch(HELD_OUT_SEED, number, preset.batch)
            for number in range(HELD_OUT_BATCHES)
        ]

    def losses(self, step: int) -> Tensor:
        """Both losses, shape [2]."""
        preset = self._preset
        pairs = self._pairs.batch(preset.seed, step, preset.batch)
        return self._losses(pairs[:, self.mine])

    def judge(self) -> list[float]:
        """The same on held-out pieces, those that choices are made on."""
        found = torch.stack([self._losses(pairs) for pairs in self._held_out])
        return [float(part) for part in found.mean(0)]

    def _losses(self, pairs: Rolls) -> Tensor:
        device = next(self.network.parameters()).device
        both = torch.from_numpy(np.concatenate(pairs)).to(device)
        half = len(both) // 2
        embedding, logits = self.network(both, half)
        embedding = embedding.float()
        near = contrast(embedding[:half], embedding[half:], self._options.temperature)
        cells = nn.functional.binary_cross_entropy_with_logits(
            logits.float(), both[:half]
        )
        return torch.stack([near, self._options.roll * cells])
