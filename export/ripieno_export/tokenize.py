"""Notes → the free-time vocabulary's integers, and back.

A performance is an array of `NOTE` records in seconds; pedals are notes of pitch 128
(sustain) and 129 (soft). It becomes a stream of downs and ups, sorted by time, with two
rules: at one instant what comes up comes before what goes down, and a pitch that is
struck again is released first (no later than its next onset, per source).

This module knows neither files nor crops nor torch.
"""

from typing import Final

import numpy as np
import numpy.typing as npt

from ripieno.layouts import vocabulary
from ripieno.layouts.vocabulary import DELTA_EDGES_S, N_DELTAS, N_DOWN, N_PITCHES

NOTE: Final = np.dtype(
    [
        ("start", "f4"),
        ("end", "f4"),
        ("pitch", "u1"),
        ("velocity", "u1"),
        ("track", "u1"),
    ]
)
"""One note or pedal press: seconds, MIDI pitch or 128/129, velocity 1…127, its part."""

Notes = npt.NDArray[np.void]
Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

SHORTEST_S: Final = 0.005
"""Shorter notes are unison doublings and conversion crumbs; a keyboard's are longer."""


def release(notes: Notes, source: Ints) -> tuple[Notes, Ints]:
    """End every note before the same source strikes its pitch again.

    Args:
        notes: shape (N,), any order.
        source: shape (N,), who plays each note.

    Returns:
        The notes that still sound for at least `SHORTEST_S`, by onset, and their
        sources.
    """
    order = np.lexsort((notes["end"], notes["start"], notes["pitch"], source))
    notes, source = notes[order].copy(), source[order]
    same = (notes["pitch"][1:] == notes["pitch"][:-1]) & (source[1:] == source[:-1])
    limit = np.where(same, notes["start"][1:], np.inf)
    notes["end"][:-1] = np.minimum(notes["end"][:-1], limit)
    keep = notes["end"] - notes["start"] >= SHORTEST_S
    notes, source = notes[keep], source[keep]
    order = np.lexsort((notes["pitch"], notes["start"]))
    return notes[order], source[order]


def timed(notes: Notes, source: Ints) -> tuple[Floats, Ints]:
    """Notes as a stream of downs and ups.

    Returns:
        Times in seconds, shape (2 N,), and (source, key, level), shape (2 N, 3).
    """
    notes, source = release(notes, source)
    pitch = notes["pitch"].astype(np.int64)
    level = (np.clip(notes["velocity"].astype(np.int64), 1, 127) + 3) // 4
    downs = np.stack([source, pitch, level], axis=1)
    ups = np.stack([source, pitch + N_DOWN, np.zeros_like(level)], axis=1)
    time_s = np.concatenate([notes["start"], notes["end"]]).astype(np.float64)
    rows = np.concatenate([downs, ups])
    order = np.lexsort((rows[:, 1] % N_DOWN, rows[:, 1] < N_DOWN, time_s))
    return time_s[order], rows[order]


def encode(time_s: Floats, rows: Ints) -> Ints:
    """A stream of downs and ups in the vocabulary's integers.

    Args:
        time_s: ascending, shape (T,); the first event's delta is 0.
        rows: (source, key, level), shape (T, 3).

    Returns:
        Events (source, delta, key, velocity), shape (T, 4).
    """
    gap_s = np.diff(time_s, prepend=time_s[:1])
    bins = np.searchsorted(DELTA_EDGES_S, gap_s, side="right") - 1
    delta = np.clip(bins, 0, N_DELTAS - 1)
    return np.stack([rows[:, 0], delta, rows[:, 1], rows[:, 2]], axis=1).astype(
        np.int64
    )


def tokenize(notes: Notes, source: Ints) -> Ints:
    """Notes in the vocabulary's integers, shape (2 N, 4)."""
    return encode(*timed(notes, source))


def detokenize(events: Ints) -> tuple[Notes, Ints]:
    """The notes that a stream of events plays; each delta is its bin's middle.

    An up without its down is ignored, a note that never comes up ends with the stream.

    Returns:
        Notes by onset, and their sources.
    """
    open_notes: dict[tuple[int, int], tuple[float, int]] = {}
    found: list[tuple[float, float, int, int, int]] = []
    now_s = 0.0
    for source, delta, key, level in events.tolist():
        now_s += vocabulary.seconds_of(delta) if delta else 0.0
        pitch, is_down = vocabulary.pitch_of(key)
        if (was := open_notes.pop((source, pitch), None)) is not None:
            found.append((was[0], now_s, pitch, was[1], source))
        if is_down:
            open_notes[source, pitch] = (now_s, vocabulary.velocity_of(max(level, 1)))
    for (source, pitch), (start_s, velocity) in open_notes.items():
        found.append((start_s, now_s, pitch, velocity, source))
    found.sort()
    return np.array(found, NOTE), np.array([note[4] for note in found], np.int64)


def is_pedal(notes: Notes) -> npt.NDArray[np.bool_]:
    """Which of the notes are pedals."""
    return np.asarray(notes["pitch"] >= N_PITCHES)
