"""Batches of windows: which, in which key and register, and what the decoder is told.

A batch is a function of (seed, step) alone. A window is heard in one of its two keys;
some are moved by octaves or by any interval (*transposition*; pitches count from home,
so most keys are the same already), and some are cut short by rests, as a player's
phrase is.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from ripieno.layouts.phrase import (
    FIRST_PITCH,
    HOLD,
    REACH,
    REST,
    STEPS,
    USED,
    Bools,
    Ints,
    used,
)
from ripieno_export.phrases.windows import HELD, SILENT, Windows

OCTAVES: Final = 0.2
"""The share of windows that are moved by an octave, up or down: for `rise`."""
MOVED: Final = 0.15
"""The share that is moved by up to six semitones: keys are sometimes heard wrongly."""
CUT: Final = 0.15
"""The share that ends early, after at least `SHORTEST` steps."""
SHORTEST: Final = 8
ALONE: Final = 0.5
"""The share that is not told what came before: a player's first two bars."""

Generator = np.random.Generator


@dataclass(frozen=True, slots=True)
class Batch:
    """Phrases side by side; all int64.

    Attributes:
        tokens: shape (B, STEPS).
        meter: shape (B,).
        before: the token before each step, shape (B, STEPS).
        last: the pitch struck last before each step, as a token; `REST` for none.
    """

    tokens: Ints
    meter: Ints
    before: Ints
    last: Ints


def training(windows: Windows, numbers: Ints, seed: int, step: int, size: int) -> Batch:
    """The batch of a step: the same for the same (seed, step), always.

    Args:
        windows: all of them.
        numbers: those that are learned from.
        seed: what chance starts from.
        step: the same.
        size: how many.
    """
    rng = np.random.default_rng([seed, step])
    mine = numbers[rng.integers(0, len(numbers), size)]
    home = homes(windows, mine, rng.integers(0, 2, size))
    octave = 12 * rng.choice([-1, 1], size) * (rng.random(size) < OCTAVES)
    moved = rng.integers(-6, 7, size) * (rng.random(size) < MOVED)
    rows = windows.rows[mine]
    length = np.where(
        rng.random(size) < CUT, rng.integers(SHORTEST, STEPS, size), STEPS
    )
    rows = np.where(np.arange(STEPS) < length[:, None], rows, SILENT)
    is_alone = rng.random(size) < ALONE
    return batch(windows, mine, home + octave + moved, rows, is_alone)


def plain(windows: Windows, numbers: Ints, *, alone: bool = True) -> Batch:
    """Windows as they are, in the key heard over the last onsets."""
    home = homes(windows, numbers, np.zeros(len(numbers), np.int64))
    is_alone = np.full(len(numbers), alone)
    return batch(windows, numbers, home, windows.rows[numbers], is_alone)


def homes(windows: Windows, numbers: Ints, which: Ints) -> Ints:
    """The home pitch of windows in one of the keys that they may be heard in."""
    root = windows.roots[numbers, which]
    octave = np.rint((windows.middle[numbers] - root) / 12).astype(np.int64)
    return np.asarray(root + 12 * octave)


def batch(
    windows: Windows, numbers: Ints, home: Ints, rows: Ints, is_alone: Bools
) -> Batch:
    """Windows as a batch, around the homes given."""
    meter = windows.meter[numbers]
    tokens = tokens_of(rows, home[:, None])
    early = tokens_of(windows.before[numbers], home[:, None])
    early[is_alone] = REST
    for step in range(STEPS):  # what is tied over from silence is silent
        tied = is_alone & (tokens[:, step] == HOLD)
        tied &= (tokens[:, :step] == REST).all(1)
        if not tied.any():
            break
        tokens[tied, step] = REST
    before, last = contexts(tokens, meter, early)
    return Batch(tokens, meter, before, last)


def tokens_of(rows: Ints, home: Ints) -> Ints:
    """Pitches as tokens around home; those out of reach move by octaves."""
    away = rows - home
    away = np.where(away > REACH, away - 12 * -(-(away - REACH) // 12), away)
    away = np.where(away < -REACH, away + 12 * -(-(-REACH - away) // 12), away)
    found = np.where(rows == HELD, HOLD, FIRST_PITCH + REACH + away)
    return np.where(rows == SILENT, REST, found)


def contexts(tokens: Ints, meter: Ints, early: Ints) -> tuple[Ints, Ints]:
    """What the decoder is told at each step: the token before, the last pitch struck.

    Args:
        tokens: shape (B, STEPS).
        meter: shape (B,).
        early: both, before the first step; shape (B, 2).
    """
    before, last = np.full_like(tokens, REST), np.full_like(tokens, REST)
    for number in range(len(USED)):
        mine = np.flatnonzero(meter == number)
        places = np.flatnonzero(used(number))
        token, struck = early[mine, 0], early[mine, 1]
        for place in places:
            before[mine, place], last[mine, place] = token, struck
            token = tokens[mine, place]
            struck = np.where(token >= FIRST_PITCH, token, struck)
    return before, last
