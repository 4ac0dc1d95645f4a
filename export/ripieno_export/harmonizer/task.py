"""What the harmonizer learns: three voices under every note of a melody.

Chorales are split by tune; there is so little of them that nothing is packed. For a
share of a batch's crops the history is what the network answers to them now
(`ripieno_export.harmonizer.history`). Held-out pieces are scored led by the true chords
and led by its own answers.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor, nn

from ripieno.layouts.voices import VOICES
from ripieno_export.harmonizer import crops, families
from ripieno_export.harmonizer.chorales import Chorale
from ripieno_export.harmonizer.crops import Batch, Crops
from ripieno_export.harmonizer.history import led_by_itself
from ripieno_export.harmonizer.network import UNKNOWN, Harmonies
from ripieno_export.harmonizer.recipe import Options
from ripieno_export.preset import Preset
from ripieno_export.task import Task

SEED_OF_ANSWERS: Final = 11
"""Of the answers that held-out pieces are led from."""


class VoicesTask(Task):
    """Learns voices; see `ripieno_export.task.Task`."""

    parts = VOICES

    def __init__(self, preset: Preset, pieces: Sequence[Chorale]) -> None:
        """Prepare.

        Args:
            preset: the recipe.
            pieces: all that was read; they are split here.
        """
        options = preset.options_as(Options)
        self._preset, self._options = preset, options
        torch.manual_seed(preset.seed)
        self._model = Harmonies(preset.hidden, preset.dropout)
        self.network = self._model
        learned, held_out = families.split(pieces)
        self._crops = Crops(learned, preset.events, options.motets, options.corrupted)
        self._held_out = held_out_batches(held_out)

    def losses(self, step: int) -> Tensor:
        """Mean nats per right voice, shape [3]."""
        batch = self._batch(step).rows(self.mine)
        found = nats_of(self.network, batch.tensors(self._model.device))
        return torch.stack([nats.mean() for nats in found])

    def judge(self) -> list[float]:
        """The same over held-out pieces, led by the truth as often as by itself."""
        true, own = validate(self._model, self._held_out)
        found: Any = ((true + own) / 2).tolist()
        return list(found)

    def _batch(self, step: int) -> Batch:
        preset, options = self._preset, self._options
        batch = self._crops.batch(preset.seed, step, preset.batch)
        size = int(options.own * preset.batch)
        if step < options.own_after or not size:
            return batch
        self._model.eval()
        first = batch.rows(slice(size))
        own, _ = led_by_itself(self._model, first, leash=options.leash)
        self._model.train()
        return replace(batch, before=np.concatenate([own.before, batch.before[size:]]))


def network_of(payload: dict[str, Any]) -> Harmonies:
    """The network in a checkpoint, ready to be run."""
    model = Harmonies(payload["preset"]["hidden"])
    model.load_state_dict(payload["model"])
    return model.eval()


def nats_of(model: nn.Module, tensors: tuple[Tensor, ...]) -> list[Tensor]:
    """Nats of every right voice, per voice [N]."""
    told = tensors[-1]
    found = []
    for voice, scores in enumerate(model(*tensors)):
        right = told[..., voice]
        is_known = right != UNKNOWN
        found.append(
            nn.functional.cross_entropy(
                scores[is_known].float(), right[is_known], reduction="none"
            )
        )
    return found


def validate(model: Harmonies, batches: Sequence[Batch]) -> tuple[Tensor, Tensor]:
    """Held-out nats per voice [3]: led from the truth, and from its own answers.

    Args:
        model: in eval mode.
        batches: whole pieces.
    """
    torch.manual_seed(SEED_OF_ANSWERS)
    with torch.no_grad():
        true = [nats_of(model, b.tensors(model.device)) for b in batches]
        led = [led_by_itself(model, batch)[0] for batch in batches]
        own = [nats_of(model, b.tensors(model.device)) for b in led]
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
