"""What the phrase model learns: two bars through a narrow latent.

The loss is the nats of a step's token, and the KL divergence of the latent from a unit
Gaussian per step, weighed by `beta` and spared its first `free_nats` a dimension. What
the decoder is told of its own past is dropped or falsified in part. So it does not rely
on it too much, and recovers from its own errors.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import msgspec
import numpy as np
import torch
from torch import Tensor, nn

from ripieno.layouts.phrase import FIRST_PITCH, VOCABULARY, Ints
from ripieno_export import checkpoint
from ripieno_export.networks.phrase import (
    UNKNOWN,
    PhraseVae,
    Posterior,
    used_places,
)
from ripieno_export.phrases import crops
from ripieno_export.phrases.crops import Batch
from ripieno_export.phrases.windows import Windows
from ripieno_export.preset import Preset
from ripieno_export.task import Task

JUDGE_SEED: Final = 20_253


class Options(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What only this family's recipe knows.

    Attributes:
        latent: Z.
        beta: the weight of the KL divergence, after it has risen.
        free_nats: a dimension's KL divergence below this costs nothing.
        rise_steps: how long beta rises from nothing, as a square: first it learns to
            keep phrases, then to order them.
        dropped: the share of the decoder's inputs that is hidden from it.
        falsified: the share of them that is another pitch nearby.
    """

    latent: int = 64
    beta: float = 0.18
    free_nats: float = 0.02
    rise_steps: int = 1000
    dropped: float = 0.3
    falsified: float = 0.05


def network(preset: Preset) -> PhraseVae:
    """The untrained network of a preset; the same for the same seed."""
    torch.manual_seed(preset.seed)
    options = preset.options_as(Options)
    return PhraseVae(preset.hidden, options.latent, preset.dropout)


def network_of(weights: Path) -> PhraseVae:
    """The network in a checkpoint, ready to be run."""
    payload = checkpoint.load(weights)
    model = network(Preset(**payload["preset"]).with_(dropout=0.0))
    model.load_state_dict(payload["model"])
    return model.eval()


def judged(windows: Windows) -> Ints:
    """Numbers of the windows that choose the weights: half of the held-out songs."""
    mine = windows.chosen("valid", aligned=True)
    return np.asarray(mine[windows.song[mine] % 2 == 0])


def held_out(windows: Windows, *, aligned: bool = True) -> Ints:
    """Numbers of the windows for figures: never trained on, and choosing nothing."""
    valid = windows.chosen("valid", aligned=aligned)
    valid = valid[windows.song[valid] % 2 == 1]
    return np.asarray(np.concatenate([valid, windows.chosen("test", aligned=aligned)]))


def divergence(posterior: Posterior) -> Tensor:
    """KL divergence from the prior in nats, per dimension, [B, Z]."""
    mean, log_variance = posterior
    return 0.5 * (mean**2 + log_variance.exp() - 1.0 - log_variance)


def tensors(batch: Batch) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """A batch's tokens, metre, and what the decoder is told."""
    arrays = (batch.tokens, batch.meter, batch.before, batch.last)
    told, meter, before, last = (torch.from_numpy(array) for array in arrays)
    return told, meter, before, last


class PhraseTask(Task):
    """Learns phrases."""

    parts = ("notes", "divergence")

    def __init__(self, preset: Preset, windows: Windows) -> None:
        self._preset, self._windows = preset, windows
        self._options = preset.options_as(Options)
        self.network: nn.Module = network(preset)
        self._learned = windows.chosen("train")
        chosen = judged(windows)
        rng = np.random.default_rng(JUDGE_SEED)
        if len(chosen) > preset.valid_crops:
            chosen = rng.choice(chosen, preset.valid_crops, replace=False)
        self._judged = crops.plain(windows, np.sort(chosen))

    def losses(self, step: int) -> Tensor:
        """Nats of notes a step, and of the latent, shape [2]."""
        preset, options = self._preset, self._options
        batch = crops.training(
            self._windows, self._learned, preset.seed, step, preset.batch
        )
        given = [tensor[self.mine] for tensor in tensors(batch)]
        beta = options.beta * min(1.0, step / max(options.rise_steps, 1)) ** 2
        return self._losses(given, beta, learns=True)

    def judge(self) -> list[float]:
        """The same on held-out phrases, told the truth."""
        given = tensors(self._judged)
        found = self._losses(given, self._options.beta, learns=False)
        return [float(part) for part in found.detach()]

    def _losses(self, given: Sequence[Tensor], beta: float, *, learns: bool) -> Tensor:
        device = next(self.network.parameters()).device
        tokens, meter, before, last = (tensor.to(device) for tensor in given)
        noise = torch.zeros(len(tokens), self._options.latent, device=device)
        if learns:
            before, last = self._corrupted(before, last)
            noise = torch.randn_like(noise)
        logits, posterior = self.network(tokens, meter, before, last, noise)
        is_used = used_places().to(device)[meter]
        notes = nn.functional.cross_entropy(logits[is_used].float(), tokens[is_used])
        spared = divergence(posterior).mean(0).clamp(min=self._options.free_nats)
        steps = is_used.sum(1).float().mean()
        return torch.stack([notes, beta * spared.sum() / steps])

    def _corrupted(self, before: Tensor, last: Tensor) -> tuple[Tensor, Tensor]:
        """What the decoder is told, part of it hidden and part of it wrong."""
        options = self._options
        hidden = torch.rand(before.shape, device=before.device) < options.dropped
        wrong = torch.rand(before.shape, device=before.device) < options.falsified
        away = torch.randint(-4, 5, before.shape, device=before.device)
        told = []
        for tokens in (before, last):
            moved = (tokens + away).clamp(FIRST_PITCH, VOCABULARY - 1)
            near = torch.where(wrong & (tokens >= FIRST_PITCH), moved, tokens)
            told.append(torch.where(hidden, UNKNOWN, near))
        return told[0], told[1]
