"""The layout of phrases on a grid of sixteenths, shared by training and the daemon.

A segment is two bars of one voice, with sixteen places a bar; a bar of 3/4 or 6/8 uses
the first twelve. A place rests, holds what sounds, or strikes a pitch. Pitches are
counted from *home*, the root of the major scale that is heard (a minor key's relative
one), in the octave nearest to the notes. So all keys and registers are the same.
"""

import hashlib
from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from ripieno.music import scales
from ripieno.music.voicing import within

BARS: Final = 2
PLACES: Final = 16
"""Places of a bar: the sixteenths of the longest metre."""
STEPS: Final = BARS * PLACES
CELL: Final = 4
"""Sixteenths of a quarter note."""
METERS: Final = ("4/4", "3/4", "6/8")
USED: Final = (16, 12, 12)
"""How many places of a bar each metre uses."""
REST: Final = 0
HOLD: Final = 1
FIRST_PITCH: Final = 2
REACH: Final = 30
"""Semitones that a pitch may lie from home; one farther away moves by octaves."""
VOCABULARY: Final = FIRST_PITCH + 2 * REACH + 1
ATTRIBUTES: Final = ("fill", "rise", "offbeat")
"""Directions in which a phrase can be moved; see `attributes`."""
FEWEST_FOR_A_KEY: Final = 3

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]


class GridNote(NamedTuple):
    """A note on the grid, in steps from the first place; `end` is after `start`."""

    start: int
    end: int
    pitch: int
    velocity: int = 64


def used(meter: int) -> Bools:
    """Return which places of a segment a metre uses, shape (STEPS,)."""
    return np.tile(np.arange(PLACES) < USED[meter], BARS)


def segment_steps(meter: int) -> int:
    """Return how many sixteenths a segment of this metre lasts."""
    return BARS * USED[meter]


def home_of(pitches: Sequence[int], near: float) -> int:
    """Return the root of the major scale that pitches are heard in, near a pitch.

    Args:
        pitches: what was played lately; too few count as in C.
        near: home lies within six semitones of this.
    """
    root = 0
    if len(pitches) >= FEWEST_FOR_A_KEY:
        counts = np.bincount(np.asarray(pitches) % 12, minlength=12)
        tonic, mode = scales.key_of(counts.tolist()) or (0, "major")
        root = tonic if mode == "major" else (tonic + 3) % 12
    return root + 12 * round((near - root) / 12)


def token_of(pitch: int, home: int) -> int:
    """Return the token that strikes a pitch; one out of reach moves by octaves."""
    return FIRST_PITCH + REACH + within(pitch, home - REACH, home + REACH) - home


def pitch_of(token: int, home: int) -> int:
    """Return the pitch that a token strikes; the inverse of `token_of`."""
    return token - FIRST_PITCH - REACH + home


def top_line(notes: Sequence[GridNote]) -> list[GridNote]:
    """Return one voice: the highest of notes that start together, until the next."""
    line: list[GridNote] = []
    for note in sorted(notes, key=lambda each: (each.start, each.pitch)):
        if line and line[-1].start == note.start:
            line.pop()
        elif line and line[-1].end > note.start:
            line[-1] = line[-1]._replace(end=note.start)
        line.append(note)
    return line


def segment(line: Sequence[GridNote], first: int, meter: int, home: int) -> Ints:
    """Return two bars of a voice as tokens, shape (STEPS,); unused places rest.

    Args:
        line: as `top_line` makes it.
        first: the step at which the segment begins; a note that began before it holds.
        meter: index into `METERS`.
        home: see `home_of`.
    """
    steps = segment_steps(meter)
    row = np.full(steps, REST, np.int64)
    for note in line:
        start, end = note.start - first, min(note.end - first, steps)
        if end <= 0 or start >= steps:
            continue
        row[max(start, 0) : end] = HOLD
        if start >= 0:
            row[start] = token_of(note.pitch, home)
    placed = np.full(STEPS, REST, np.int64)
    placed[used(meter)] = row
    return placed


def notes_of(tokens: Ints, first: int, meter: int, home: int) -> list[GridNote]:
    """Return the notes that a segment strikes; `segment` undoes it, except for ties.

    A hold after a rest, or with nothing before it, is a rest.
    """
    notes: list[GridNote] = []
    for step, token in enumerate(tokens[used(meter)].tolist()):
        at = first + step
        if token >= FIRST_PITCH:
            notes.append(GridNote(at, at + 1, pitch_of(token, home)))
        elif token == HOLD and notes and notes[-1].end == at:
            notes[-1] = notes[-1]._replace(end=at + 1)
    return notes


def continued(
    made: Sequence[GridNote], tokens: Ints, first: int, meter: int, home: int
) -> list[GridNote]:
    """Return notes with a segment's added; a hold at its start ties the last note."""
    row = tokens[used(meter)]
    tied = int(np.argmax(np.append(row, REST) != HOLD))
    before = list(made)
    if tied and before and before[-1].end == first:
        before[-1] = before[-1]._replace(end=first + tied)
    return before + notes_of(tokens, first, meter, home)


def ending(tokens: Ints, meter: int, before: tuple[int, int]) -> tuple[int, int]:
    """Return the last token of a segment, and the token of its last note.

    `before` is the same for the segment before: without a note, its last note stays.
    """
    row = tokens[used(meter)]
    struck = row[row >= FIRST_PITCH]
    return int(row[-1]), int(struck[-1]) if len(struck) else before[1]


def attributes(tokens: Ints, meter: Ints) -> npt.NDArray[np.float64]:
    """Measure what the directions change; shape (B, 3).

    *fill*: onsets a bar. *rise*: mean pitch in semitones from home, of the onsets.
    *offbeat*: the share of onsets that are on no beat (a quarter, in 6/8 a dotted one).

    Args:
        tokens: shape (B, STEPS).
        meter: index into `METERS`, shape (B,).
    """
    strikes = tokens >= FIRST_PITCH
    count = np.maximum(strikes.sum(1), 1)
    steps = np.where(strikes, tokens - FIRST_PITCH - REACH, 0)
    place = np.arange(STEPS) % PLACES
    on_beat = np.where(
        (meter == METERS.index("6/8"))[:, None], place % 6 == 0, place % CELL == 0
    )
    off = (strikes & ~on_beat).sum(1) / count
    return np.stack([strikes.sum(1) / BARS, steps.sum(1) / count, off], 1)


def fingerprint() -> str:
    """Return a hash of all that two sides of this layout must share."""
    text = (
        f"ripieno-phrase-1;{BARS};{PLACES};{CELL};{METERS};{USED};{REST};{HOLD};"
        f"{FIRST_PITCH};{REACH};{ATTRIBUTES}"
    )
    return hashlib.sha256(text.encode()).hexdigest()[:16]
