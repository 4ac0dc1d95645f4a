"""The layout of loops: a bar on a grid of sixteenths, shared with training.

A *roll* is a bar: onsets and what sounds, 16 steps by 60 rows. Rows are counted from
the root of the bar's first chord, so a pattern is the same in every key and moves with
the chord. The root lies at most a tritone from C. A note begins with an onset and lasts
while its row sounds; none is held over the bar line. Metres other than 4/4 read the
same 16 steps in another order (`steps_of`).
"""

import hashlib
from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from ripieno.music import chords
from ripieno.music.chords import NO_CHORD
from ripieno.music.spans import Note
from ripieno.music.voicing import within

STEPS: Final = 16
BEATS: Final = 4
"""Chords of a bar, each of `STEPS_IN_BEAT` steps."""
STEPS_IN_BEAT: Final = STEPS // BEATS
LOWEST: Final = 24
"""The pitch of row 0 where the root is C: C1."""
ROWS: Final = 60
"""Five octaves; 98 % of the notes of POP909's pianos lie in 37 … 75."""
ONSET, SOUND = 0, 1
"""The two layers of a roll."""
CHORD: Final = 24
"""Numbers that describe a chord: its pitch classes, and which of them is its root."""
NOISE: Final = 48
"""The size of the noise that chooses a pattern."""
CROWDS: Final = (8, 10, 13, 15, 18)
"""Notes a bar at which a class of density begins: each has a sixth of POP909's bars."""
UNKNOWN: Final = len(CROWDS) + 1
"""The class of a density that is left to the model."""
MANNER: Final = UNKNOWN + 2
"""Numbers that describe the class of density, and whether there is a bar before."""
DOTTED_STEPS: Final = 6
HALF_BAR: Final = 8

Roll = npt.NDArray[np.bool_]
"""[2, STEPS, ROWS]."""
Floats = npt.NDArray[np.float32]


def shift_of(bar: Sequence[int]) -> int:
    """Return how far above C the root of a bar's first chord lies, −5 … 6."""
    known = next((chord for chord in bar if chord != NO_CHORD), 0)
    return (chords.root_of(known) + 5) % 12 - 5


def roll_of(notes: Sequence[Note], shift: int) -> Roll:
    """Return the notes of a bar as a roll; a pitch outside moves in by octaves."""
    roll = np.zeros((2, STEPS, ROWS), np.bool_)
    for note in sorted(notes, key=lambda note: note.frame):
        if not 0 <= note.frame < STEPS:
            continue
        row = within(note.pitch - shift, LOWEST, LOWEST + ROWS - 1) - LOWEST
        roll[ONSET, note.frame, row] = True
        roll[SOUND, note.frame : note.frame + max(note.frames, 1), row] = True
    return roll


def notes_of(roll: Roll, shift: int) -> tuple[Note, ...]:
    """Return the notes of a roll of any length, by step, then pitch."""
    steps, notes = roll.shape[1], []
    for step, row in np.argwhere(roll[ONSET]).tolist():
        end = step + 1
        while end < steps and roll[SOUND, end, row] and not roll[ONSET, end, row]:
            end += 1
        notes.append(Note(step, LOWEST + shift + row, end - step))
    return tuple(notes)


def chord_input(bar: Sequence[int], shift: int) -> Floats:
    """Return the graph's input for a bar's chords, [BEATS, CHORD]; 0 for silence."""
    numbers = np.zeros((BEATS, CHORD), np.float32)
    for beat, chord in enumerate(bar[:BEATS]):
        classes = [(tone - shift) % 12 for tone in chords.pitch_classes(chord)]
        numbers[beat, classes] = 1.0
        if classes:
            numbers[beat, 12 + classes[0]] = 1.0
    return numbers


def manner_input(notes: float | None, *, has_before: bool) -> Floats:
    """Return its input for the notes a bar (None for any) and the bar before."""
    numbers = np.zeros(MANNER, np.float32)
    crowd = UNKNOWN
    if notes is not None:
        crowd = sum(notes >= bound for bound in CROWDS)
    numbers[crowd] = 1.0
    numbers[-1] = has_before
    return numbers


def steps_of(steps: int, span: int) -> tuple[int, ...]:
    """Return which step of a roll is played at each sixteenth of a bar.

    A bar of plain beats takes the roll from its beginning, and repeats it if it is
    longer. A dotted beat takes three quarters of a half bar, so that it begins on one
    of the roll's two strongest steps.

    Args:
        steps: sixteenths in the bar.
        span: sixteenths in a felt beat.
    """
    if span != DOTTED_STEPS:
        return tuple(step % STEPS for step in range(steps))
    return tuple(
        (step // span) * HALF_BAR % STEPS + step % span for step in range(steps)
    )


def fingerprint() -> str:
    """Return a hash of all that two sides of this layout must share."""
    layout = ("pattern-1", STEPS, BEATS, LOWEST, ROWS, CHORD, NOISE, CROWDS, MANNER)
    text = repr((*layout, chords.SUFFIXES))
    return hashlib.sha256(text.encode()).hexdigest()[:16]
