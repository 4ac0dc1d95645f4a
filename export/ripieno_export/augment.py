"""A crop of notes, played a little differently each time.

Engraved music has no touch and mostly no tempo of its own: a crop is transposed, its
tempo is scaled, its onsets are jittered as hands do, its notes are shortened, and flat
velocities are given a dynamic that drifts. Played music keeps its timing and touch.

Functions of an array of `NOTE` records and a generator; nothing is changed in place.
This module does not know who plays what (`ripieno_export.turns`) nor where notes lie.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from ripieno_export.tokenize import Notes, is_pedal

Generator = np.random.Generator


@dataclass(frozen=True, slots=True)
class Augmentation:
    """How far a crop may stray.

    Attributes:
        semitones: transposition, ± this many.
        tempo: the range of the factor on all durations, drawn log-uniformly.
        jitter_s: the largest standard deviation of an onset; each crop draws its own.
        shortest: notes keep between this share and all of their length.
        loudness: offset on all velocities, ± this many.
        touch: the largest standard deviation of a velocity on flat sources.
    """

    semitones: int = 6
    tempo: tuple[float, float] = (0.75, 1.33)
    jitter_s: float = 0.012
    shortest: float = 0.7
    loudness: int = 16
    touch: float = 8.0


TRAINING: Final = Augmentation()
HELD_OUT: Final = Augmentation(semitones=0, tempo=(1.0, 1.0))
"""The bounds for held-out music: pitch and tempo stay, but touch is drawn at random."""


def vary(
    notes: Notes,
    how: Augmentation,
    rng: Generator,
    *,
    engraved: bool = True,
    flat: bool = True,
) -> Notes:
    """A crop, varied.

    Args:
        notes: the crop.
        how: the bounds.
        rng: where the choices come from.
        engraved: onsets are on a grid, so they are jittered and notes are shortened.
        flat: velocities carry no touch, so they are given one.
    """
    notes = tempo(transpose(notes, how, rng), how, rng)
    if engraved:
        notes = shorten(notes, how, rng)
        notes = jitter(notes, how, rng)
    return touch(notes, how, rng) if flat else louder(notes, how, rng)


def transpose(notes: Notes, how: Augmentation, rng: Generator) -> Notes:
    """Transposes all pitches by one interval, within the keyboard; pedals stay."""
    notes, sounding = notes.copy(), ~is_pedal(notes)
    shift = int(rng.integers(-how.semitones, how.semitones + 1))
    pitch = notes["pitch"][sounding].astype(np.int64)
    if len(pitch):
        shift = int(np.clip(shift, -pitch.min(), 127 - pitch.max()))
        notes["pitch"][sounding] = pitch + shift
    return notes


def tempo(notes: Notes, how: Augmentation, rng: Generator) -> Notes:
    """Scales all times by one factor."""
    notes = notes.copy()
    factor = np.exp(rng.uniform(*np.log(how.tempo)))
    notes["start"] *= factor
    notes["end"] *= factor
    return notes


def jitter(notes: Notes, how: Augmentation, rng: Generator) -> Notes:
    """Moves each note by a small amount of its own; its end moves almost as far."""
    notes = notes.copy()
    sigma_s = rng.uniform(0.0, how.jitter_s)
    shift_s = rng.normal(0.0, sigma_s, len(notes)).clip(-3 * sigma_s, 3 * sigma_s)
    length_s = notes["end"] - notes["start"]
    lift_s = rng.normal(0.0, 1.5 * sigma_s, len(notes))
    notes["start"] += shift_s.astype("f4")
    shortest_s = np.minimum(length_s, 0.02)
    notes["end"] = notes["start"] + np.maximum(length_s + lift_s, shortest_s)
    return notes


def shorten(notes: Notes, how: Augmentation, rng: Generator) -> Notes:
    """Shortens all notes by one factor in two crops of three; others are legato."""
    notes = notes.copy()
    share = rng.uniform(how.shortest, 1.0)
    if rng.random() < 2 / 3:
        keep = np.where(is_pedal(notes), 1.0, share)
        notes["end"] = notes["start"] + (notes["end"] - notes["start"]) * keep
    return notes


def louder(notes: Notes, how: Augmentation, rng: Generator) -> Notes:
    """Adds one offset to all velocities."""
    offset = int(rng.integers(-how.loudness, how.loudness + 1))
    return _with_velocity(notes, notes["velocity"].astype(np.float64) + offset)


def touch(notes: Notes, how: Augmentation, rng: Generator) -> Notes:
    """A dynamic for flat velocities: a level, a drift, an accent on top, a spread."""
    velocity = notes["velocity"].astype(np.float64)
    velocity += rng.uniform(40, 96) - np.median(velocity) if len(velocity) else 0.0
    drift = np.cumsum(rng.normal(0.0, 0.6, len(notes)))
    accent = rng.uniform(0.0, 8.0) * _is_top(notes)
    spread = rng.normal(0.0, rng.uniform(1.0, how.touch), len(notes))
    return _with_velocity(notes, velocity + drift + accent + spread)


def _is_top(notes: Notes) -> npt.NDArray[np.bool_]:
    """Which notes are the highest of those that start with them; notes by onset."""
    group = np.cumsum(np.diff(notes["start"], prepend=-1.0) > 0.03)
    top = np.zeros(int(group[-1]) + 1 if len(group) else 1, np.int64)
    np.maximum.at(top, group, notes["pitch"])
    return np.asarray(notes["pitch"] == top[group])


def _with_velocity(notes: Notes, velocity: npt.NDArray[np.float64]) -> Notes:
    notes = notes.copy()
    kept = np.where(is_pedal(notes), 127, velocity)
    notes["velocity"] = np.clip(np.rint(kept), 1, 127).astype(np.uint8)
    return notes
