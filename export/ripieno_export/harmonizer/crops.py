"""Chorales → batches: crops in any register and tempo, with a partly wrong history.

With teacher forcing, the network learns from the true chord before. In playing, it is
given its own answer. Against this difference, there are two measures, each with the
true chord as its target: a share of onsets gets a falsified history (a voice moved,
missing, all missing, all an octave away), and `ripieno_export.harmonizer.history`
replaces whole histories by answers.

A batch depends on (seed, step) alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from torch import Tensor

from ripieno.layouts.voices import LONGEST_GAP_S, NOBODY, STYLES
from ripieno_export.harmonizer.chorales import Chorale
from ripieno_export.harmonizer.network import UNKNOWN
from ripieno_export.tokenize import Floats, Ints

SEMITONES: Final = 5
"""The largest transposition in semitones; beyond it, no choir could sing a crop."""
MEDIAN_S: Final = (0.25, 1.2)
"""The median gap of a crop, drawn log-uniformly: a jig's quavers to a slow hymn."""
HELD_OUT_S: Final = 0.6
MOTET: Final = STYLES.index("motet")


@dataclass(frozen=True, slots=True)
class Batch:
    """Crops, padded at the end.

    Attributes:
        melody: (B, T); padding repeats a pitch.
        before: (B, T, 4), melody, bass, tenor and alto of the onset before.
        gap_s: (B, T).
        style: (B, T).
        voices: (B, T, 3), pitches; `NOBODY` where nothing is to be learned.
    """

    melody: Ints
    before: Ints
    gap_s: Floats
    style: Ints
    voices: Ints

    @property
    def depths(self) -> Ints:
        """The voices below the melody, `UNKNOWN` where there is none."""
        below = self.melody[..., None] - self.voices
        return np.where(self.voices == NOBODY, UNKNOWN, below)

    def rows(self, which: slice) -> "Batch":
        """Some of the crops."""
        return Batch(
            self.melody[which],
            self.before[which],
            self.gap_s[which],
            self.style[which],
            self.voices[which],
        )

    def tensors(self, device: torch.device) -> tuple[Tensor, ...]:
        """What `Harmonies.forward` takes, copied."""
        gap_s = self.gap_s.astype(np.float32)
        arrays = (self.melody, self.before, gap_s, self.style, self.depths)
        return tuple(torch.tensor(array, device=device) for array in arrays)


class Crops:
    """Where training batches come from."""

    def __init__(
        self, pieces: Sequence[Chorale], onsets: int, motets: float, corrupted: float
    ) -> None:
        self._onsets, self._motets, self._corrupted = onsets, motets, corrupted
        self._old = [piece for piece in pieces if piece.style == MOTET]
        self._new = [piece for piece in pieces if piece.style != MOTET]

    def batch(self, seed: int, step: int, size: int) -> Batch:
        """The batch of a step."""
        rng = np.random.default_rng((seed, step))
        rows = []
        for _ in range(size):
            is_old = rng.random() < self._motets
            pool = (self._old if is_old else self._new) or self._new or self._old
            lengths = np.array([len(piece.melody) for piece in pool], np.float64)
            piece = pool[int(rng.choice(len(pool), p=lengths / lengths.sum()))]
            last = max(len(piece.melody) - self._onsets, 0)
            first = int(rng.integers(last + 1))
            shift = int(rng.integers(-SEMITONES, SEMITONES + 1))
            median_s = float(np.exp(rng.uniform(*np.log(MEDIAN_S))))
            end = first + self._onsets
            rows.append(crop(piece, first, end, shift=shift, median_s=median_s))
        return falsified(collated(rows, self._onsets), self._corrupted, rng)


def crop(
    piece: Chorale,
    first: int,
    end: int,
    *,
    shift: int = 0,
    median_s: float = HELD_OUT_S,
) -> Batch:
    """Onsets `first` … `end` of a piece, B = 1; before the first there is nothing."""
    melody = piece.melody[first:end] + shift
    voices = piece.voices[first:end]
    voices = np.where(voices == NOBODY, NOBODY, voices + shift)
    gap_s = np.minimum(piece.gaps[first:end] * median_s, LONGEST_GAP_S)
    gap_s[0] = LONGEST_GAP_S
    before = np.full((len(melody), 4), NOBODY, np.int64)
    before[1:, 0], before[1:, 1:] = melody[:-1], voices[:-1]
    style = np.full(len(melody), piece.style, np.int64)
    return Batch(melody[None], before[None], gap_s[None], style[None], voices[None])


def collated(rows: Sequence[Batch], onsets: int | None = None) -> Batch:
    """Crops as one batch of `onsets`, or as long as the longest."""
    size = onsets or max(row.melody.shape[1] for row in rows)

    def padded(name: str, value: int) -> Ints:
        arrays = [getattr(row, name) for row in rows]
        ends = [
            [(0, 0), (0, size - a.shape[1])] + [(0, 0)] * (a.ndim - 2) for a in arrays
        ]
        filled = [
            np.pad(a, e, constant_values=value)
            for a, e in zip(arrays, ends, strict=True)
        ]
        return np.concatenate(filled)

    return Batch(
        melody=padded("melody", 70),
        before=padded("before", NOBODY),
        gap_s=padded("gap_s", 1).astype(np.float64),
        style=padded("style", 0),
        voices=padded("voices", NOBODY),
    )


def falsified(batch: Batch, share: float, rng: np.random.Generator) -> Batch:
    """A batch in which the chord before is falsified at a share of the onsets."""
    before = batch.before.copy()
    shape = before.shape[:2]
    is_false = rng.random(shape) < share
    kind = rng.random(shape)
    voice = rng.integers(1, 4, shape)[..., None] == np.arange(4)
    step = rng.integers(1, 6, shape) * rng.choice((-1, 1), shape)
    is_there = before != NOBODY
    moved = is_false & (kind < 0.6)
    before += np.where(voice & is_there & moved[..., None], step[..., None], 0)
    gone = is_false & (kind >= 0.6) & (kind < 0.8)
    before[voice & gone[..., None]] = NOBODY
    silent = is_false & (kind >= 0.8) & (kind < 0.95)
    before[silent, 1:] = NOBODY
    away = is_false & (kind >= 0.95)
    octave = 12 * rng.choice((-1, 1), shape)[..., None]
    before += np.where(is_there & away[..., None], octave, 0)
    return Batch(batch.melody, before, batch.gap_s, batch.style, batch.voices)
