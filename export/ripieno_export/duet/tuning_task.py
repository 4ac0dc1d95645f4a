"""Fine-tunes harmony by reward: to fit the melody, and to adapt to another key.

Likelihood teaches what people wrote; it says nothing of a musician who jumps into
another key. Here the network is the policy and a chord is its action. The reward has
the terms that `ripieno_export.judge` measures:

* *fit*: the share of the span in which the melody's note is in the chord;
* *listening*: that, minus the same for the song's other moments, so that a chord which
  merely stays in the key earns nothing;
* *plainness*: a chord of many tones fits everything, so each tone beyond three has a
  cost.

The machine's chord does not change what the human plays next, so the expectation over
all chords is a sum and the policy gradient is exact: nothing has to be sampled. The
state of hearing does depend on what happened before. So crops begin *cold*, with
nothing heard, and in some of them the melody jumps by any interval. KL is measured from
the anchor, the untuned network, which is *warm*: it heard the song from its start and
without the jump, and its answer is transposed. So the anchor keeps the policy close to
what people play, and teaches it what to play after a jump (on-policy distillation).

Shapes: B crops, T spans, C chords.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Self

import msgspec
import numpy as np
import torch
from torch import Tensor, nn

from ripieno.layouts import duet
from ripieno.music.chords import N_CHORDS, QUALITIES
from ripieno.music.spans import Span
from ripieno.rules.harmony import TONES
from ripieno_export.duet.harmony_task import inputs
from ripieno_export.duet.packing import Floats, Spans, heard
from ripieno_export.duet.songs import Song
from ripieno_export.preset import Preset
from ripieno_export.task import Task

JUDGED: Final = 96
"""Spans of a held-out song that are judged."""
JUDGED_JUMP: Final = 6
"""The jump to the farthest key, in semitones."""


class Options(msgspec.Struct, frozen=True):
    """What only this task knows.

    Attributes:
        jumps: the share of crops in which the melody jumps.
        listening: the weight of listening beside fit.
        plainness: what a tone beyond three costs.
        leash: the weight of KL from the anchor, in nats.
        staleness: how often each of `duet.STALENESS` is drawn.
    """

    jumps: float = 0.5
    listening: float = 1.0
    plainness: float = 0.1
    leash: float = 0.25
    staleness: tuple[float, float, float, float] = (0.4, 0.3, 0.1, 0.2)


@dataclass(frozen=True, slots=True)
class Tune:
    """A melody, as it is heard span by span, and how it is packed."""

    spans: tuple[Span, ...]
    packed: Spans

    @classmethod
    def of(cls, song: Song, packed: Spans) -> Self:
        """A song's."""
        return cls(tuple(heard(song)), packed)


@dataclass(frozen=True, slots=True)
class Crop:
    """What a crop sounds like, and what it should be answered with.

    Attributes:
        rows, scalars: what the network is given, [T, 6, 12] and [T, S].
        reward: of every chord, [T, C].
        anchor: log shares of the warm network without the jump, [T, C], on its device.
    """

    rows: Floats
    scalars: Floats
    reward: Floats
    anchor: Tensor


class TuningTask(Task):
    """Learns to adapt; see the module."""

    parts = ("reward", "anchor")

    def __init__(
        self,
        preset: Preset,
        network: nn.Module,
        anchor: nn.Module,
        tunes: Sequence[Tune],
        held_out: Sequence[Tune],
    ) -> None:
        """Prepare.

        Args:
            preset: the recipe.
            network: to be tuned, from where likelihood left it.
            anchor: a copy that does not change; it is moved to the network's device.
            tunes: to learn from.
            held_out: to judge by.
        """
        self._preset, self._options = preset, preset.options_as(Options)
        self.network, self._anchor = network, anchor.eval()
        self._anchor.requires_grad_(requires_grad=False)
        self._tunes, self._held_out = tunes, held_out

    def losses(self, step: int) -> Tensor:
        """Minus the expected reward a span, and the weighted KL; shape [2]."""
        preset, options = self._preset, self._options
        chance = np.random.default_rng((preset.seed, step))
        crops = [self._drawn(chance) for _ in range(preset.batch)]
        return torch.stack(judged(self.network, crops[self.mine], options.leash))

    def judge(self) -> list[float]:
        """The same over held-out tunes that begin cold and jump by a tritone."""
        found = []
        for tune in self._held_out:
            jump_at = min(JUDGED, len(tune.spans)) // 2
            window = slice(0, JUDGED)
            crop = self.crop(tune, window, 0, jump_at, JUDGED_JUMP)
            found.append(judged(self.network, [crop], self._options.leash))
        return [
            float(torch.stack(column).mean()) for column in zip(*found, strict=True)
        ]

    def crop(
        self, tune: Tune, window: slice, staleness: int, jump_at: int, jump: int
    ) -> Crop:
        """A part of a tune, with nothing heard before.

        Args:
            tune: whose.
            window: which spans.
            staleness: how many spans ago the human was last heard.
            jump_at: the span of the window from which the melody is elsewhere.
            jump: by how many semitones; 0 for none.
        """
        phases, spans = tune.packed.phases[window], tune.spans[window]
        moved = [
            transposed(s, jump if n >= jump_at else 0) for n, s in enumerate(spans)
        ]
        ages = np.full(len(spans), staleness)
        rows, scalars = inputs(rows_of(moved), phases, ages)
        anchor = self._answers(tune, window.start, len(spans), staleness)
        later = anchor[jump_at:].reshape(-1, 12, QUALITIES)
        moved_on = later.roll(jump, 1).reshape(-1, N_CHORDS)
        anchor = torch.cat([anchor[:jump_at], moved_on])
        return Crop(rows, scalars, reward(moved, self._options), anchor)

    def _drawn(self, chance: np.random.Generator) -> Crop:
        preset, options = self._preset, self._options
        tune = self._tunes[int(chance.integers(len(self._tunes)))]
        first = int(chance.integers(max(1, len(tune.spans) - preset.events // 2)))
        jumps = chance.random() < options.jumps
        age = int(chance.choice(duet.STALENESS, p=options.staleness))
        jump_at = int(chance.integers(4, preset.events // 2))
        jump = int(chance.integers(1, 12)) if jumps else 0
        window = slice(first, first + preset.events)
        return self.crop(tune, window, age, jump_at, jump)

    def _answers(self, tune: Tune, first: int, count: int, staleness: int) -> Tensor:
        """The anchor's answer after hearing the tune from its start; [T, C]."""
        whole = tune.packed
        upto = slice(0, first + count)
        ages = np.full(first + count, staleness)
        rows, scalars = inputs(whole.rows[upto], whole.phases[upto], ages)
        device = next(self.network.parameters()).device
        with torch.no_grad():
            logits = self._anchor.to(device)(
                torch.from_numpy(rows[None]).to(device),
                torch.from_numpy(scalars[None]).to(device),
            )
            return torch.log_softmax(logits[0, first:], -1)


def judged(policy: nn.Module, crops: Sequence[Crop], leash: float) -> list[Tensor]:
    """Minus the mean expected reward of a span, and the weighted KL."""
    spans = sum(len(crop.rows) for crop in crops)
    device = next(policy.parameters()).device
    earned, strayed = torch.zeros((2,), device=device)
    longest = max(len(crop.rows) for crop in crops)
    rows = np.stack([_padded(crop.rows, longest) for crop in crops])
    scalars = np.stack([_padded(crop.scalars, longest) for crop in crops])
    logits = policy(
        torch.from_numpy(rows).to(device), torch.from_numpy(scalars).to(device)
    )
    for line, crop in zip(torch.log_softmax(logits, -1), crops, strict=True):
        told = line[: len(crop.rows)]
        shares = told.exp()
        earned = earned + (shares * torch.from_numpy(crop.reward).to(device)).sum()
        strayed = strayed + (shares * (told - crop.anchor)).sum()
    return [-earned / spans, leash * strayed / spans]


def reward(spans: Sequence[Span], options: Options) -> Floats:
    """The reward of each chord in each span, [T, C]; 0 where the melody rests."""
    sung = np.stack([melody_classes(span) for span in spans])  # [T, 12]
    fit = sung @ TONES.T
    usual = sung.mean(0) / max(float(sung.sum(1).mean()), 1e-6) @ TONES.T  # [C]
    extra = np.maximum(TONES.sum(1) - 3, 0)
    is_sung = sung.sum(1) > 0
    earned = fit + options.listening * (fit - usual) - options.plainness * extra
    return np.asarray(earned * is_sung[:, None], np.float32)


def melody_classes(span: Span) -> Floats:
    """The share of sounding frames in which each pitch class is the highest, [12]."""
    found = np.zeros(12, np.float32)
    for pitches in span.sounding:
        if pitches:
            found[max(pitches) % 12] += 1
    return found / max(float(found.sum()), 1.0)


def transposed(span: Span, semitones: int) -> Span:
    """A span, transposed."""
    if not semitones:
        return span
    struck, sounding = (
        tuple(tuple(pitch + semitones for pitch in frame) for frame in side)
        for side in (span.struck, span.sounding)
    )
    return Span(struck, sounding)


def rows_of(spans: Sequence[Span]) -> Floats:
    """Spans as the daemon hears them, with nothing heard before; [T, 6, 12]."""
    ear, rows = duet.Ear(), []
    for span in spans:
        rows.append(ear.rows(span))
        ear.heard(span)
    return np.stack(rows)


def _padded(array: Floats, length: int) -> Floats:
    pad = [(0, length - len(array)), *((0, 0) for _ in array.shape[1:])]
    return np.pad(array, pad)
