"""Figures of four-part writing: what chords it makes, and how its voices move.

All are of a melody and three voices, whoever wrote them, and need no right answer.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from ripieno.layouts.voices import NOBODY, VOICES
from ripieno.minds.harmonizer import RANGES
from ripieno.music.chords import SHAPES
from ripieno_export.harmonizer.rules import scale_of
from ripieno_export.tokenize import Floats, Ints

CHORDS: Final = ("", "m", "dim", "aug", "7", "maj7", "m7", "m7b5", "dim7")
PERFECT: Final = (0, 7)


@dataclass(frozen=True, slots=True)
class Harmony:
    """A melody with its voices: shapes (N,) and (N, 3), bass, tenor, alto."""

    melody: Ints
    voices: Ints

    @property
    def chords(self) -> Ints:
        """Shape (N, 4), from the bass up."""
        return np.concatenate([self.voices, self.melody[:, None]], 1)


def _valid_sets() -> frozenset[frozenset[int]]:
    """Pitch classes of every triad and seventh, with or without its fifth."""
    found = set()
    for name in CHORDS:
        shape = SHAPES[name]
        for steps in (shape, tuple(s for s in shape if s not in (6, 7, 8))):
            found |= {frozenset((r + s) % 12 for s in steps) for r in range(12)}
    return frozenset(found)


VALID: Final = _valid_sets()


def figures(pieces: Sequence[Harmony]) -> dict[str, float]:
    """All figures of some pieces together; a move is from one whole chord to the next.

    Returns:
        chords: the share of whole chords that are triads or sevenths, the fifth may
            be missing; parallels: fifths and octaves per 100 moves, over all six pairs;
            out_of_range, crossings, outside: shares of voices (outside: of the scale
            of the whole melody); still_bass: the share of moves of the melody in which
            the bass stays; roots: pitch classes of the bass per 16 onsets; and mean
            motion of each voice in semitones.
    """
    whole = [_whole(piece) for piece in pieces]
    chords = np.concatenate([piece.chords for piece in whole])
    moves = [m for m in (_moves(piece) for piece in pieces) if len(m)]
    then_now = np.concatenate(moves)  # [M, 2, 4]
    steps = np.abs(then_now[:, 1] - then_now[:, 0])
    melody_moves = steps[:, 3] > 0
    sung = [piece.voices[piece.voices != NOBODY] for piece in pieces]
    outside = [
        ~np.isin(v % 12, list(scale_of(p.melody)))
        for v, p in zip(sung, pieces, strict=True)
    ]
    return {
        "chords": _share([frozenset(c) in VALID for c in (chords % 12).tolist()]),
        "parallels": round(100 * float(_parallels(then_now).mean()), 2),
        "out_of_range": _share(np.concatenate([_strays(p) for p in pieces])),
        "crossings": _share(np.diff(chords, axis=1).ravel() < 0),
        "outside": _share(np.concatenate(outside)),
        "still_bass": _share(steps[melody_moves, 0] == 0),
        "roots": round(float(np.mean([_roots(piece) for piece in whole])), 2),
        **{
            f"motion_{name}": round(float(steps[:, i].mean()), 2)
            for i, name in enumerate(VOICES)
        },
    }


def _share(values: object) -> float:
    return round(float(np.mean(np.asarray(values))), 4)


def _whole(piece: Harmony) -> Harmony:
    kept = (piece.voices != NOBODY).all(1)
    return Harmony(piece.melody[kept], piece.voices[kept])


def _moves(piece: Harmony) -> Ints:
    """Pairs of whole chords that follow each other, [M, 2, 4]."""
    chords, is_whole = piece.chords, (piece.voices != NOBODY).all(1)
    kept = is_whole[1:] & is_whole[:-1]
    return np.asarray(np.stack([chords[:-1], chords[1:]], 1)[kept])


def _parallels(then_now: Ints) -> Floats:
    """How many pairs of voices move in parallel fifths or octaves, per move [M]."""
    count = np.zeros(len(then_now))
    for low in range(4):
        for high in range(low + 1, 4):
            interval = (then_now[:, :, high] - then_now[:, :, low]) % 12
            step = np.diff(then_now[:, :, (low, high)], axis=1)[:, 0]
            is_kept = (interval[:, 0] == interval[:, 1]) & np.isin(
                interval[:, 0], PERFECT
            )
            count += is_kept & (step[:, 0] * step[:, 1] > 0)
    return count


def _strays(piece: Harmony) -> Ints:
    low, high = np.array(RANGES).T
    is_out = (piece.voices < low) | (piece.voices > high)
    return np.asarray(is_out[piece.voices != NOBODY])


def _roots(piece: Harmony) -> float:
    """Distinct pitch classes of the bass in 16 onsets, on average."""
    bass = (piece.voices[:, 0] % 12).tolist()
    windows = [bass[i : i + 16] for i in range(max(len(bass) - 15, 1))]
    return float(np.mean([len(set(window)) for window in windows]))
