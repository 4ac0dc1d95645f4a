"""The history of a batch, replaced by the network's own answers.

Trained on the written chords only, a network learns to rely on them. In playing, it is
given its own. `led_by_itself` replaces a batch's histories by the network's own
answers, the right chord staying the target.
"""

from dataclasses import replace

import torch
from torch import Tensor

from ripieno.layouts.voices import DEPTHS, NOBODY, VOICES
from ripieno_export.harmonizer.crops import Batch
from ripieno_export.harmonizer.network import DECAY, Harmonies, heard
from ripieno_export.tokenize import Ints


def led_by_itself(
    model: Harmonies, batch: Batch, *, leash: float = 0.0
) -> tuple[Batch, Ints]:
    """A batch with the network's own answers as its history.

    Args:
        model: in eval mode.
        batch: whose targets stay.
        leash: how often an onset is told its true history all the same.

    Returns:
        The batch, and the answers [B, T, 3].
    """
    melody, before, gap_s, style, _ = batch.tensors(model.device)
    size, onsets = melody.shape
    keys = melody.new_zeros(size, 24, dtype=torch.float32)
    state = keys.new_zeros(1, size, model.hidden)
    answers = melody.new_full((size, onsets, len(VOICES)), NOBODY)
    with torch.no_grad():
        for t in range(onsets):
            if t:
                is_own = torch.rand(size, 1).to(melody.device) >= leash
                before[:, t, 1:] = torch.where(
                    is_own, answers[:, t - 1], before[:, t, 1:]
                )
            keys = DECAY * keys + heard(melody[:, t], before[:, t])
            seen = model.read(
                melody[:, t], before[:, t], gap_s[:, t], style[:, t], keys
            )
            after, state = model.cell(seen[None], state)
            hidden = model.prepare(after[0], seen)
            answers[:, t] = melody[:, t, None] - _drawn(model, hidden)
    return replace(batch, before=before.cpu().numpy()), answers.cpu().numpy()


def _drawn(model: Harmonies, hidden: Tensor) -> Tensor:
    """Depths [B, 3], drawn in order; no voice crosses the one before it."""
    told: tuple[Tensor, ...] = ()
    depths = torch.arange(DEPTHS, device=hidden.device)
    for voice in range(len(VOICES)):
        scores = model.scores(voice, hidden, told)
        if told:
            scores = scores.masked_fill(depths > told[-1][:, None], -torch.inf)
        drawn = torch.multinomial(torch.softmax(scores, -1), 1)[:, 0]
        told = (*told, drawn)
    return torch.stack(told, -1)
