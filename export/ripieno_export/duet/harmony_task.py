"""What harmony learns: the chord of each span, from what was heard by then.

A crop is heard with a random staleness, which may change once within the crop. So one
network serves every latency. Its place in four and in eight bars is hidden at times,
since a musician need not begin on bar 1. The network is not given its own chords, so
its history cannot be wrong. Figures with teacher forcing are therefore also those of
playing.
"""

from collections.abc import Sequence
from typing import Any, Final, TypeVar, cast

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from ripieno.layouts import duet
from ripieno.music.chords import NO_CHORD
from ripieno_export.duet.packing import Floats, Spans
from ripieno_export.duet.songs import Frames
from ripieno_export.networks.harmony import Harmony
from ripieno_export.preset import Preset
from ripieno_export.task import Task

A = TypeVar("A", bound=npt.NDArray[Any])

SHARES: Final = (0.6, 0.2, 0.1, 0.1)
"""How often each staleness is trained; deciding on the beat is the most frequent."""
CHANGES: Final = 0.3
HIDDEN_PHASE: Final = 0.2
JUDGED: Final = 512
"""Spans of a held-out song that are judged."""


class HarmonyTask(Task):
    """Learns chords; see `ripieno_export.task.Task`."""

    parts = ("chord",)

    def __init__(
        self,
        preset: Preset,
        songs: Sequence[Spans],
        held_out: Sequence[Spans],
        *,
        odds: Sequence[float] | None = None,
        is_teacher: bool = False,
    ) -> None:
        """Prepare.

        Args:
            preset: the recipe.
            songs: to learn from.
            held_out: to judge by.
            odds: how often each song is drawn, relative to the others.
            is_teacher: whether the network hears the future as well.
        """
        weights = np.ones(len(songs)) if odds is None else np.array(odds, float)
        self._odds = np.cumsum(weights / weights.sum())
        torch.manual_seed(preset.seed)
        self.network = Harmony(preset.hidden, preset.dropout, is_teacher=is_teacher)
        self._preset, self._songs, self._held_out = preset, songs, held_out
        self._is_teacher = is_teacher

    def losses(self, step: int) -> Tensor:
        """Mean nats a span, [1]."""
        chance = np.random.default_rng((self._preset.seed, step))
        picked = [self._crop(chance) for _ in range(self._preset.batch)]
        rows, scalars, chords = zip(*picked[self.mine], strict=True)
        found = nats(self.network, np.stack(rows), np.stack(scalars), np.stack(chords))
        return found[None]

    def judge(self) -> list[float]:
        """Deciding on the beat, mean nats a span over held-out songs."""
        return [judged(self.network, self._held_out, 0)]

    def _crop(self, chance: np.random.Generator) -> tuple[Floats, Floats, Frames]:
        length = self._preset.events
        drawn = int(np.searchsorted(self._odds, chance.random() * self._odds[-1]))
        song = self._songs[drawn]
        first = int(chance.integers(max(1, len(song) - length // 2)))
        crop = slice(first, first + length)
        ages = np.full(length, self._staleness(chance))
        if chance.random() < CHANGES:
            ages[chance.integers(length) :] = self._staleness(chance)
        phases = song.phases[crop].copy()
        if chance.random() < HIDDEN_PHASE:
            phases[:, 10:] = 0.0
        rows, scalars = inputs(song.rows[crop], phases, ages)
        return (
            _padded(rows, length),
            _padded(scalars, length),
            _padded(song.chords[crop], length, NO_CHORD),
        )

    def _staleness(self, chance: np.random.Generator) -> int:
        if self._is_teacher:
            return 0
        return int(chance.choice(duet.STALENESS, p=SHARES))


def inputs(
    rows: Floats, phases: Floats, ages: npt.NDArray[np.int64]
) -> tuple[Floats, Floats]:
    """A line as it is heard with some staleness: rows [T, 6, 12], scalars [T, S].

    Equal to `duet.scalars` value for value; a test holds the two together.
    """
    ages = ages[: len(rows)]
    at = np.arange(len(rows)) - ages
    heard = np.where((at >= 0)[:, None, None], rows[np.maximum(at, 0)], 0.0)
    struck, held = heard[:, 0].any(1), heard[:, 1].any(1)
    flags = np.stack([struck, held & ~struck, ~struck & ~held], 1)
    aged = np.equal.outer(ages, duet.STALENESS)
    scalars = np.concatenate([flags, phases, aged], 1)
    return heard.astype(np.float32), scalars.astype(np.float32)


def nats(model: nn.Module, rows: Floats, scalars: Floats, chords: Frames) -> Tensor:
    """Mean cross-entropy over the spans whose chord is known; scalar."""
    device = next(model.parameters()).device
    logits = model(*(torch.from_numpy(a).to(device) for a in (rows, scalars)))
    told = torch.from_numpy(chords).to(device)
    known = told != NO_CHORD
    return nn.functional.cross_entropy(logits[known], told[known])


def judged(model: nn.Module, songs: Sequence[Spans], staleness: int) -> float:
    """Mean nats a span over songs, each heard from its beginning."""
    total = count = 0.0
    for song in songs:
        ages = np.full(len(song), staleness)
        rows, scalars = inputs(song.rows[:JUDGED], song.phases[:JUDGED], ages)
        told = song.chords[:JUDGED]
        known = float((told != NO_CHORD).sum())
        if known:
            mean = nats(model, rows[None], scalars[None], told[None])
            total, count = total + known * float(mean), count + known
    return total / max(count, 1.0)


def _padded(array: A, length: int, value: float = 0.0) -> A:
    missing = length - len(array)
    if missing <= 0:
        return array
    pad = np.full((missing, *array.shape[1:]), value, array.dtype)
    return cast("A", np.concatenate([array, pad]))
