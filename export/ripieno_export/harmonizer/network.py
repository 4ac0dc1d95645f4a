"""The harmonizer's network: a GRU over melody notes, and three chained heads.

What it reads at an onset is relative to the melody note that was just struck: how far
below it the melody and the voices lay before, and two histograms of pitch classes
(melody, voices; decaying) turned so that the melody's class comes first. So another key
is only a rotated histogram, and the network is the same in every key. Only the melody's
height is absolute: voices have ranges. Each head answers with a distance below the
melody; bass first, then tenor given the bass, then alto given both.

A head's scores are a sum of one score per distance and one per pitch class: octaves of
one class share what is learned of it.

Shapes: B crops, T onsets, H hidden, W head width, D depths.
"""

from typing import Final

import torch
from torch import Tensor, nn

from ripieno.layouts.voices import DEPTHS, STYLES, VOICES

HIGHEST_BEFORE: Final = 16
"""Before, a voice may have lain this far above the present melody note, or more."""
SPAN: Final = 72
"""Distances that are told apart: 16 above … 55 below."""
ABSENT: Final = SPAN
UNKNOWN: Final = DEPTHS
"""The depth of a voice that is not known, where heads are told of earlier voices."""
EMBEDDED: Final = 24
STYLED: Final = 8
WIDTH: Final = 128
DECAY: Final = 0.95
"""Of the histograms, per onset: half is gone after 14, two phrases of a chorale."""
MIDDLE: Final = 70.0
"""The middle of the soprano's range, for a height near zero."""
FEATURES: Final = 4 * EMBEDDED + STYLED + 24 + 2


class Harmonies(nn.Module):
    """Predicts three voices for every melody note."""

    def __init__(self, hidden: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.hidden = hidden
        self.embed_before = nn.ModuleList(
            nn.Embedding(SPAN + 1, EMBEDDED) for _ in range(1 + len(VOICES))
        )
        self.embed_style = nn.Embedding(len(STYLES), STYLED)
        self.cell = nn.GRU(FEATURES, hidden)
        self.drop = nn.Dropout(dropout)
        self.to_heads = nn.Linear(hidden + FEATURES, WIDTH * len(VOICES))
        self.given = nn.ModuleList(
            nn.ModuleList(nn.Embedding(DEPTHS + 1, WIDTH) for _ in range(voice))
            for voice in range(len(VOICES))
        )
        self.by_depth = nn.ModuleList(nn.Linear(WIDTH, DEPTHS) for _ in VOICES)
        self.by_class = nn.ModuleList(nn.Linear(WIDTH, 12) for _ in VOICES)
        for module in self.modules():
            if isinstance(module, nn.Embedding):
                nn.init.normal_(module.weight, std=0.3)

    def forward(
        self, melody: Tensor, before: Tensor, gap_s: Tensor, style: Tensor, told: Tensor
    ) -> list[Tensor]:
        """Teacher-forced scores.

        Args:
            melody: int64 [B, T].
            before: int64 [B, T, 4], melody, bass, tenor, alto of the onset before.
            gap_s: float32 [B, T].
            style: int64 [B, T].
            told: int64 [B, T, 3], depths of the right voices; `UNKNOWN` where none.

        Returns:
            Per voice, [B, T, D].
        """
        seen = self.read(melody, before, gap_s, style, histograms(melody, before))
        seen = self.drop(seen)
        after, _ = self.cell(seen.transpose(0, 1))
        hidden = self.prepare(self.drop(after.transpose(0, 1)), seen)
        voices = told.unbind(-1)
        return [self.scores(i, hidden, voices[:i]) for i in range(len(VOICES))]

    @property
    def device(self) -> torch.device:
        """Where it is."""
        return self.to_heads.weight.device

    def read(
        self, melody: Tensor, before: Tensor, gap_s: Tensor, style: Tensor, keys: Tensor
    ) -> Tensor:
        """Features [..., F] of onsets [...]; `keys` [..., 24] are absolute."""
        below = melody[..., None] - before + HIGHEST_BEFORE
        place = torch.clamp(below, 0, SPAN - 1)
        place = torch.where(before < 0, torch.full_like(place, ABSENT), place)
        parts = [
            embed(p)
            for embed, p in zip(self.embed_before, place.unbind(-1), strict=True)
        ]
        height = (melody[..., None].float() - MIDDLE) / 12.0
        pace = torch.log(torch.clamp(gap_s[..., None], 0.03, 10.0))
        told = [self.embed_style(style), turned(keys, melody), height, pace]
        return torch.cat([*parts, *told], -1)

    def prepare(self, after: Tensor, seen: Tensor) -> Tensor:
        """What all heads start from, [..., 3 W]."""
        prepared: Tensor = self.to_heads(torch.cat([after, seen], -1))
        return prepared

    def scores(self, voice: int, hidden: Tensor, earlier: tuple[Tensor, ...]) -> Tensor:
        """One head, [..., D].

        Args:
            voice: which.
            hidden: what `prepare` returned.
            earlier: the depths of the voices before it, each [...].
        """
        own = hidden[..., voice * WIDTH : (voice + 1) * WIDTH]
        given = self.given[voice]
        assert isinstance(given, nn.ModuleList)
        for embed, depth in zip(given, earlier, strict=True):
            own = own + embed(depth)
        own = self.drop(nn.functional.gelu(own))
        classes = self.by_class[voice](own)
        octaves = torch.cat([classes] * (DEPTHS // 12), -1)
        scored: Tensor = self.by_depth[voice](own) + octaves
        return scored


def turned(keys: Tensor, melody: Tensor) -> Tensor:
    """Two histograms [..., 24] as shares, the melody's pitch class first."""
    classes = torch.arange(12, device=melody.device)
    place = torch.remainder(melody[..., None] + classes, 12)
    place = torch.cat([place, place + 12], -1)
    whole = torch.clamp(keys.sum(-1, keepdim=True), min=1.0)
    return torch.gather(keys / whole, -1, place)


def heard(melody: Tensor, before: Tensor) -> Tensor:
    """What one onset adds to the histograms, [..., 24]."""
    classes = torch.arange(12, device=melody.device)
    own = (torch.remainder(melody, 12)[..., None] == classes).float()
    of_voice = torch.remainder(before[..., 1:], 12)[..., None] == classes
    is_there = (before[..., 1:] >= 0)[..., None]
    return torch.cat([own, (of_voice & is_there).float().sum(-2)], -1)


def histograms(melody: Tensor, before: Tensor) -> Tensor:
    """The histograms at every onset of crops that start from nothing, [B, T, 24]."""
    steps = torch.arange(melody.shape[1], device=melody.device)
    age = (steps[:, None] - steps[None, :]).float()
    weight = torch.where(age >= 0, DECAY ** age.clamp(min=0.0), torch.zeros_like(age))
    return torch.einsum("ts,bsk->btk", weight, heard(melody, before))
