"""The layout of free time: the vocabulary that an event model reads and writes.

One event is four small integers ``(source, delta, key, velocity)``:

* *source*: who plays it, 0 the human, 1 the machine;
* *delta*: the time since the event before it, one of 121 bins, 0 to 10 s;
* *key*: 0–127 for a note-on, 128 and 129 for the sustain and the soft pedal down;
  130–259 for the same ones up. Down and up are one number, so that a mask over keys
  can be known before anything is sampled;
* *velocity*: one of 32 levels for a key that goes down, 0 for one that comes up.

There is no duration: that of a human's note is unknown until it ends. The bins of
*delta* are 5.9 % wide (a just-noticeable tempo difference is 4–6 %). 64 bins would be
11.6 % wide, and a quarter note at 120 bpm would vary by ±29 ms.

A model carries the `fingerprint` of its layout; one with another is refused.
"""

import hashlib
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

N_SOURCES: Final = 2
N_PITCHES: Final = 128
SUSTAIN_PEDAL: Final = 128
SOFT_PEDAL: Final = 129
N_DOWN: Final = 130
N_KEYS: Final = 2 * N_DOWN

N_VELOCITIES: Final = 33
"""Level 0 is a note-off; level v stands for MIDI velocities 4v−3 … 4v."""

SIMULTANEOUS_S: Final = 0.01
"""Two onsets within 10 ms are heard as one; a pianist's chord spreads over 30 ms."""
LONGEST_S: Final = 10.0
N_DELTAS: Final = 121
"""Bin 0 is [0, 10 ms); bins 1…120 divide [10 ms, 10 s] evenly in log time."""

DELTA_EDGES_S: Final[npt.NDArray[np.float64]] = np.concatenate(
    [[0.0], np.geomspace(SIMULTANEOUS_S, LONGEST_S, N_DELTAS)]
)
"""Edges of the bins, shape (N_DELTAS + 1,): bin b is [edge[b], edge[b + 1])."""

FIELDS: Final = ("source", "delta", "key", "velocity")
SIZES: Final = (N_SOURCES, N_DELTAS, N_KEYS, N_VELOCITIES)


class Event(NamedTuple):
    """One event in the vocabulary's integers, in the order of `FIELDS`."""

    source: int
    delta: int
    key: int
    velocity: int


def delta_of(seconds: float) -> int:
    """Return the bin of a time; the first if negative, the last if over 10 s."""
    edges = DELTA_EDGES_S
    return int(np.clip(np.searchsorted(edges, seconds, side="right") - 1, 0, 120))


def seconds_of(delta: int, position: float = 0.5) -> float:
    """Return a time inside a bin, in seconds.

    Args:
        delta: the bin, 0 … N_DELTAS − 1.
        position: where in the bin, 0 (its start) to 1 (its end).
    """
    low, high = float(DELTA_EDGES_S[delta]), float(DELTA_EDGES_S[delta + 1])
    return low + position * (high - low)


def down(pitch: int) -> int:
    """Return the key for a pitch, or a pedal (128, 129), that goes down."""
    return pitch


def up(pitch: int) -> int:
    """Return the key for a pitch, or a pedal, that comes up."""
    return N_DOWN + pitch


def pitch_of(key: int) -> tuple[int, bool]:
    """Return the pitch (or pedal) of a key, and whether it goes down."""
    return (key, True) if key < N_DOWN else (key - N_DOWN, False)


def level_of(velocity: int) -> int:
    """Return the level 1 … 32 of a MIDI velocity 1 … 127."""
    return (min(max(velocity, 1), 127) + 3) // 4


def velocity_of(level: int) -> int:
    """Return the MIDI velocity, 2 … 126, in the middle of a level 1 … 32."""
    return min(4 * level - 2, 127)


def event_of(source: int, since_s: float, pitch: int, velocity: int) -> Event:
    """Return a note-on, or a note-off (velocity 0)."""
    key = down(pitch) if velocity else up(pitch)
    return Event(source, delta_of(since_s), key, level_of(velocity) if velocity else 0)


def fingerprint() -> str:
    """Return a hash of all that two sides of this layout must share."""
    edges = ",".join(f"{edge:.9f}" for edge in DELTA_EDGES_S)
    text = f"ripieno-free-1;{FIELDS};{SIZES};{N_DOWN};{edges}"
    return hashlib.sha256(text.encode()).hexdigest()[:16]
