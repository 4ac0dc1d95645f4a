"""What harmony learns: the chord of each span, from what was heard by then.

A crop is heard with a random staleness, which may change once within the crop. So one
network serves every latency. Its place in four and in eight bars is hidden at times,
since a musician need not begin on bar 1. Crops begin *cold* at times, with nothing
heard before; and in some of them melody and chords jump to another key together.

The network is told the chord that sounded before each span. If that were always the
written one, it would learn to rely on it, and repeat its own mistakes when it plays
(exposure bias). So of each batch, some crops are told nothing, some what the network
itself chose, with the written chord as the target, and the rest the written chord.
"""

from collections.abc import Sequence
from typing import Any, Final, TypeVar, cast

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from ripieno.layouts import duet
from ripieno.music.chords import N_CHORDS, NO_CHORD, QUALITIES
from ripieno_export.duet.packing import Floats, Spans
from ripieno_export.duet.songs import Frames
from ripieno_export.networks.harmony import OWN, Harmony
from ripieno_export.preset import Preset
from ripieno_export.task import Task

A = TypeVar("A", bound=npt.NDArray[Any])

SHARES: Final = (0.6, 0.2, 0.1, 0.1)
"""How often each staleness is trained; deciding on the beat is the most frequent."""
CHANGES: Final = 0.3
HIDDEN_PHASE: Final = 0.2
COLD: Final = 0.35
"""The share of crops that begin with nothing heard before."""
JUMPS: Final = 0.25
"""The share of crops, cold as well, in which the music jumps to another key."""
SETTLED: Final = 4
"""The least number of spans before a jump."""
UNTOLD: Final = 0.125
"""The share of a batch that is told no chord."""
OWN_SHARE: Final = 0.375
"""The share that is told what the network chose."""
FIRST_OWN: Final = 150
"""Before this step the network's choices are random, and nobody is told them."""
AT_ONCE: Final = 16
"""Songs that are judged at once; the network chooses chord by chord."""
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
        told = self._told(step, [chords for *_, chords in picked])
        rows, scalars, chords = zip(*picked[self.mine], strict=True)
        stacked = np.stack(rows), np.stack(scalars), np.stack(chords)
        return nats(self.network, *stacked, told[self.mine])[None]

    def judge(self) -> list[float]:
        """Deciding on the beat, mean nats a span over held-out songs.

        A teacher is told no chord; any other network its own.
        """
        told = NO_CHORD if self._is_teacher else OWN
        return [judged(self.network, self._held_out, 0, told)]

    def _told(self, step: int, chords: Sequence[Frames]) -> Frames:
        """What chord comes before each span, by the crop's place in the batch."""
        told = np.array([before(row) for row in chords])
        untold = round(UNTOLD * len(told))
        if self._is_teacher:
            untold = len(told)
        told[:untold] = NO_CHORD
        if step >= FIRST_OWN:
            told[untold : untold + round(OWN_SHARE * len(told))] = OWN
        return told

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
        heard, chords = song.rows[crop], song.chords[crop]
        kind = chance.random()
        if kind < JUMPS:
            at = int(chance.integers(SETTLED, length // 2))
            heard, chords = jumped(heard, chords, at, int(chance.integers(1, 12)))
        elif kind < JUMPS + COLD:
            heard = cold(heard)
        rows, scalars = inputs(heard, phases, ages)
        return (
            _padded(rows, length),
            _padded(scalars, length),
            _padded(chords, length, NO_CHORD),
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


def before(chords: Frames) -> Frames:
    """The chord before each span: [T] → [T]."""
    return np.concatenate([[NO_CHORD], chords[:-1]])


def cold(rows: Floats) -> Floats:
    """The same rows with nothing heard before the first one; see `duet.Ear`."""
    rows, memory = rows.copy(), np.zeros(12, np.float32)
    for row in rows:
        memory = memory * np.float32(duet.MEMORY) + row[2]
        total = memory.sum()
        row[5] = memory / total if total > 0 else 0.0
    return rows


def jumped(
    rows: Floats, chords: Frames, at: int, semitones: int
) -> tuple[Floats, Frames]:
    """A cold beginning, and from a span on the same music in another key.

    The first two rows are of the span itself, the next three of the one before it.
    """
    rows, chords = rows.copy(), chords.copy()
    rows[at:, :2] = np.roll(rows[at:, :2], semitones, -1)
    rows[at + 1 :, 2:5] = np.roll(rows[at + 1 :, 2:5], semitones, -1)
    moved = (chords[at:] + semitones * QUALITIES) % N_CHORDS
    chords[at:] = np.where(chords[at:] == NO_CHORD, NO_CHORD, moved)
    return cold(rows), chords


def nats(
    model: nn.Module, rows: Floats, scalars: Floats, chords: Frames, told: Frames
) -> Tensor:
    """Mean cross-entropy over the spans whose chord is known; scalar.

    Args:
        model: of `Harmony`.
        rows: the pitch classes that are heard, [B, T, 6, 12].
        scalars: what else is heard, [B, T, S].
        chords: the targets, [B, T].
        told: the chord before each span; see `Harmony.forward`.
    """
    device = next(model.parameters()).device
    given = (torch.from_numpy(array).to(device) for array in (rows, scalars, told))
    target = torch.from_numpy(chords).to(device)
    known = target != NO_CHORD
    return nn.functional.nll_loss(model(*given)[known], target[known])


def judged(
    model: nn.Module, songs: Sequence[Spans], staleness: int, told: int = OWN
) -> float:
    """Mean nats a span over songs, each heard from its beginning.

    Args:
        model: of `Harmony`.
        songs: with chords.
        staleness: how many spans ago the newest note was heard.
        told: which chord the model is told before each span: `OWN` or `NO_CHORD`.
    """
    total = count = 0.0
    for first in range(0, len(songs), AT_ONCE):
        group = songs[first : first + AT_ONCE]
        length = min(max(map(len, group)), JUDGED)
        rows, scalars, chords = zip(
            *(_whole(song, staleness, length) for song in group), strict=True
        )
        stacked = np.stack(rows), np.stack(scalars), np.stack(chords)
        known = float((stacked[2] != NO_CHORD).sum())
        if known:
            given = np.full(stacked[2].shape, told)
            total += known * float(nats(model, *stacked, given))
            count += known
    return total / max(count, 1.0)


def _whole(song: Spans, staleness: int, length: int) -> tuple[Floats, Floats, Frames]:
    """A song from its beginning, filled up to a length in spans."""
    ages = np.full(len(song), staleness)
    rows, scalars = inputs(song.rows[:length], song.phases[:length], ages)
    return (
        _padded(rows, length),
        _padded(scalars, length),
        _padded(song.chords[:length], length, NO_CHORD),
    )


def _padded(array: A, length: int, value: float = 0.0) -> A:
    missing = length - len(array)
    if missing <= 0:
        return array
    pad = np.full((missing, *array.shape[1:]), value, array.dtype)
    return cast("A", np.concatenate([array, pad]))
