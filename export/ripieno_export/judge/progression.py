"""What a system's chords are like by themselves: many or few, long or short.

These stand beside note-in-chord, which a richer chord or a longer rest can only raise.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np

from ripieno.music.chords import N_CHORDS
from ripieno_export.judge.figure import Figure, entropy, pooled
from ripieno_export.judge.pieces import (
    FRAMES_PER_BEAT,
    TONES,
    Floats,
    Ints,
    TestPiece,
    line,
)

LONGEST: Final = 64
"""Spans: longer chords are counted as this long."""


def pitch_classes_per_chord(chords: Ints) -> float:
    """The mean number of pitch classes in a chord, over the frames that have one."""
    played = chords[chords >= 0]
    return float(TONES[played].sum(axis=1).mean()) if len(played) else float("nan")


def chord_entropy(chords: Ints) -> float:
    """The entropy of a song's chords, each weighted by how long it lasts, in nats."""
    played = chords[chords >= 0]
    if not len(played):
        return float("nan")
    return entropy(np.bincount(played, minlength=N_CHORDS).astype(np.float64))


def lengths(chords: Ints) -> Ints:
    """How many frames each chord lasts; rests are left out."""
    changes = np.flatnonzero(np.diff(chords)) + 1
    edges = np.concatenate([[0], changes, [len(chords)]])
    return np.asarray(np.diff(edges)[chords[edges[:-1]] >= 0], np.int64)


def mean_length_beats(chords: Ints) -> float:
    """How many beats a chord lasts on average."""
    found = lengths(chords)
    return float(found.mean()) / FRAMES_PER_BEAT if len(found) else float("nan")


def length_entropy(pieces: Sequence[TestPiece], chords: Sequence[Ints]) -> Figure:
    """The entropy of the lengths of all songs' chords in whole spans, in nats.

    Source: ReaLchords; human POP909 1.38, Nottingham 1.63, as measured here.
    """
    return pooled(length_counts(pieces, chords), entropy)


def length_counts(pieces: Sequence[TestPiece], chords: Sequence[Ints]) -> Floats:
    """How many chords of each song last so many spans, shape (songs, LONGEST)."""
    table = np.zeros((len(pieces), LONGEST))
    for row, piece, played in zip(table, pieces, chords, strict=True):
        spans = np.rint(lengths(played) / piece.span_frames).astype(np.int64)
        row[:] = np.bincount(np.clip(spans, 1, LONGEST) - 1, minlength=LONGEST)
    return table


def silence(piece: TestPiece, chords: Ints) -> float:
    """The share of the melody's frames in which the system holds no chord."""
    is_heard = line(piece.melody, piece.frames) >= 0
    return float((chords[is_heard] < 0).mean()) if is_heard.any() else float("nan")
