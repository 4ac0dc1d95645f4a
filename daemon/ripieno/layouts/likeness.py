"""The layout of likeness: rolls of eight beats, and runs of three intervals.

A *window* is eight beats (quarter notes) on a grid of sixteenths. At each step and row
it says whether a note is struck there, and whether one sounds. Rows are counted in
semitones from the window's mean pitch (weighted by duration), so that a transposed copy
is the same roll; a pitch too far away moves in by octaves.

The windows of a piece begin every four beats; those that are nearly empty are left out.
A *run* is three intervals of the upper line in a row; how often a piece has each run
does not depend on key and tempo.

Shared with training. Notes are rows of (onset, end, pitch) with times in beats.
"""

import hashlib
from typing import Final

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Rolls = npt.NDArray[np.float32]

BEATS: Final = 8
STEPS_PER_BEAT: Final = 4
STEPS: Final = BEATS * STEPS_PER_BEAT
ROWS: Final = 72
"""Semitones of a roll, three octaves to each side: 99.9 % of notes fit."""
CHANNELS: Final = 2
"""The layers of a roll: struck, sounding."""
SHAPE: Final = (CHANNELS, STEPS, ROWS)
HOP_BEATS: Final = 4
FEWEST: Final = 4
"""The fewest onsets of a window that is used."""
MOST_WINDOWS: Final = 128
"""The most windows of a piece: 512 beats. A longer one is sampled evenly."""
LONGEST_BEATS: Final = 16
"""How long before a window a note may begin that still sounds in it."""
RUNS: Final = 4096
"""Buckets into which the 25³ runs are hashed."""
WIDEST: Final = 12
"""Semitones of the widest interval; a wider one counts as this."""
TOGETHER_BEATS: Final = 1 / 16
"""Onsets nearer than this are one chord; its highest note is in the upper line."""


def fingerprint() -> str:
    """Return a hash of all that two sides of this layout must share."""
    rolls = f"{SHAPE} {STEPS_PER_BEAT} {HOP_BEATS} {FEWEST} {LONGEST_BEATS}"
    layout = f"likeness-2 {rolls} {RUNS} {WIDEST} {TOGETHER_BEATS}"
    return hashlib.sha256(layout.encode()).hexdigest()[:16]


def in_order(notes: Floats) -> Floats:
    """Return notes [N, 3] by onset, then pitch."""
    return notes[np.lexsort((notes[:, 2], notes[:, 0]))]


def starts_of(notes: Floats) -> Floats:
    """Return where the windows of a piece begin, in beats, rising, (W,).

    The notes are those of a whole piece, [N, 3], in order. The result is empty if there
    is too little music.
    """
    if not len(notes):
        return np.zeros(0)
    first, last = np.floor(notes[0, 0]), notes[-1, 0]
    hops = int(max((last - first - BEATS) // HOP_BEATS + 2, 1))
    starts: Floats = first + HOP_BEATS * np.arange(hops, dtype=np.float64)
    low, high = (np.searchsorted(notes[:, 0], starts + at) for at in (0, BEATS))
    starts = starts[high - low >= FEWEST]
    if len(starts) > MOST_WINDOWS:
        starts = starts[np.linspace(0, len(starts) - 1, MOST_WINDOWS).astype(np.int64)]
    return starts


def cut(
    notes: Floats, starts: Floats, span_beats: float = BEATS
) -> tuple[Ints, Floats]:
    """Return the notes of some windows of a piece, one window after another.

    Args:
        notes: of the piece, [N, 3], in order.
        starts: where the windows begin, in beats, (W,).
        span_beats: the length of a window.

    Returns:
        The number of each note's window, (M,), and its onset and end in beats from the
        window's start, and its pitch, (M, 3).
    """
    low = np.searchsorted(notes[:, 0], starts - LONGEST_BEATS)
    high = np.searchsorted(notes[:, 0], starts + span_beats)
    window = np.repeat(np.arange(len(starts)), high - low)
    before = np.cumsum(high - low) - high
    found = notes[np.arange(len(window)) - before[window]].copy()
    found[:, :2] -= starts[window, None]
    is_heard = found[:, 1] > 0
    return window[is_heard], found[is_heard]


def rolls_of(
    window: Ints, notes: Floats, count: int, away: Ints | None = None
) -> Rolls:
    """Return windows as rolls.

    Args:
        window: each note's window, (M,), from 0 to `count`.
        notes: (M, 3), as `cut` returns them.
        count: W, how many windows.
        away: (W,), semitones by which each is moved off its centre, for training.

    Returns:
        Zeros and ones, [W, `CHANNELS`, `STEPS`, `ROWS`].
    """
    onset, end = np.rint(notes[:, :2] * STEPS_PER_BEAT).astype(np.int64).T
    is_in = (onset < STEPS) & (np.maximum(end, onset + 1) > 0)
    window, onset, end = window[is_in], onset[is_in], end[is_in]
    first = np.maximum(onset, 0)
    after = np.clip(end, first + 1, STEPS)
    row = _rows(window, notes[is_in, 2], after - first, count, away)
    rolls = np.zeros((count, *SHAPE), np.float32)
    is_struck = onset >= 0
    rolls[window[is_struck], 0, onset[is_struck], row[is_struck]] = 1.0
    change = np.zeros((count, STEPS + 1, ROWS), np.int16)
    np.add.at(change, (window, first, row), 1)
    np.add.at(change, (window, after, row), -1)
    rolls[:, 1] = np.cumsum(change[:, :STEPS], axis=1, dtype=np.int16) > 0
    return rolls


def phrases(notes: Floats) -> tuple[Rolls, Floats]:
    """Return all windows of a piece, and where they begin in beats: [W, …], (W,)."""
    starts = starts_of(notes)
    return rolls_of(*cut(notes, starts), len(starts)), starts


def runs(notes: Floats) -> Floats:
    """Return how often a piece has each run of three intervals, hashed: [`RUNS`]."""
    steps = np.diff(upper_line(notes)[:, 2]).astype(np.int64)
    steps = steps.clip(-WIDEST, WIDEST) + WIDEST
    if len(steps) < 3:
        return np.zeros(RUNS)
    base = 2 * WIDEST + 1
    run = (steps[:-2] * base + steps[1:-1]) * base + steps[2:]
    return np.bincount(run % RUNS, minlength=RUNS).astype(np.float64)


def upper_line(notes: Floats) -> Floats:
    """Return the highest note of each group that begins together."""
    group = np.cumsum(np.diff(notes[:, 0], prepend=-np.inf) > TOGETHER_BEATS)
    order = np.lexsort((-notes[:, 2], group))
    first = np.unique(group[order], return_index=True)[1]
    return notes[order][first]


def _rows(
    window: Ints, pitch: Floats, lasting: Ints, count: int, away: Ints | None
) -> Ints:
    """Return the row of each note; the mean pitch of its window is in the middle."""
    weight = np.bincount(window, lasting, count)
    mean = np.bincount(window, lasting * pitch, count) / np.maximum(weight, 1)
    centre = np.floor(mean + 0.5).astype(np.int64)
    row: Ints = pitch.astype(np.int64) - centre[window] + ROWS // 2
    if away is not None:
        row += away[window]
    is_in = (row >= 0) & (row < ROWS)
    return np.where(is_in, row, row % 12 + (ROWS - 12) * (row > 0))
