"""When a system plays: where in the bar, how often, how long after the human.

Everything is compared with the human accompanist of the same song.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np

from ripieno.music.chords import NO_CHORD
from ripieno_export.judge.figure import Figure, pooled
from ripieno_export.judge.pieces import Floats, Ints, Notes, TestPiece
from ripieno_export.judge.take import Take

POSITIONS: Final = 16
"""Sixteenths of a bar of four beats; shorter and longer bars are stretched to it."""
LONGEST: Final = 16
"""Frames: a chord that begins longer after a melody note is counted as so late."""


def beat_positions(notes: Notes, piece: TestPiece) -> Floats:
    """How many notes begin at each sixteenth of the bar, shape (POSITIONS,)."""
    place = (notes["start"] - piece.pickup) % piece.bar_frames
    place = place * POSITIONS // piece.bar_frames
    return np.bincount(place, minlength=POSITIONS).astype(np.float64)


def divergence(ours: Floats, theirs: Floats) -> float:
    """The Jensen-Shannon divergence of two histograms, in nats: 0 to ln 2.

    Source: of POP909's pianos, two songs are .084 apart on average; .083 was measured
    before. With logarithms to base two it would be .121.
    """
    if not ours.any() or not theirs.any():
        return float("nan")
    p, q = ours / ours.sum(), theirs / theirs.sum()
    middle = (p + q) / 2
    return (_relative_entropy(p, middle) + _relative_entropy(q, middle)) / 2


def _relative_entropy(p: Floats, q: Floats) -> float:
    there = p > 0
    return float((p[there] * np.log(p[there] / q[there])).sum())


def beat_divergence(piece: TestPiece, take: Take) -> float:
    """The beat-position JSD between a take and its song's own accompaniment."""
    theirs = beat_positions(piece.accompaniment, piece)
    return divergence(beat_positions(take.notes, piece), theirs)


def pooled_beat_divergence(
    pieces: Sequence[TestPiece], takes: Sequence[Take]
) -> Figure:
    """The beat-position JSD between all takes and all accompaniments."""
    pairs = zip(pieces, takes, strict=True)
    ours = np.array([beat_positions(take.notes, piece) for piece, take in pairs])
    theirs = np.array([beat_positions(p.accompaniment, p) for p in pieces])
    both = np.concatenate([ours, theirs], axis=1)
    return pooled(both, lambda sums: divergence(sums[:POSITIONS], sums[POSITIONS:]))


def notes_per_bar_ratio(piece: TestPiece, take: Take) -> float:
    """Notes of the take, to one of the human accompaniment; 1 is as dense."""
    theirs = len(piece.accompaniment)
    return len(take.notes) / theirs if theirs else float("nan")


def chord_delays(chords: Ints, piece: TestPiece) -> Ints:
    """Frames from the melody's latest onset to each change of chord.

    Chords that begin before the melody are left out.
    """
    changes = np.flatnonzero((np.diff(chords, prepend=NO_CHORD) != 0) & (chords >= 0))
    onsets = np.unique(piece.melody["start"])
    place = np.searchsorted(onsets, changes, "right") - 1
    heard = place >= 0
    return np.asarray(changes[heard] - onsets[place[heard]], np.int64)


def onset_interval_distance(
    pieces: Sequence[TestPiece], chords: Sequence[Ints]
) -> Figure:
    """Onset-interval EMD: how far apart delays behind the melody are, in frames.

    The earth mover's distance between the histograms of `chord_delays` of the system
    and of the human chords, all songs together.
    Source: ReaLchords.
    """
    pairs = zip(pieces, chords, strict=True)
    ours = np.array([_delay_counts(c, piece) for piece, c in pairs])
    theirs = np.array([_delay_counts(piece.chords, piece) for piece in pieces])
    both = np.concatenate([ours, theirs], axis=1)
    return pooled(both, lambda sums: _earth_moved(*np.split(sums, 2)))


def _delay_counts(chords: Ints, piece: TestPiece) -> Floats:
    delays = np.minimum(chord_delays(chords, piece), LONGEST)
    return np.bincount(delays, minlength=LONGEST + 1).astype(np.float64)


def _earth_moved(ours: Floats, theirs: Floats) -> float:
    if not ours.any() or not theirs.any():
        return float("nan")
    gap = np.cumsum(ours / ours.sum() - theirs / theirs.sum())
    return float(np.abs(gap).sum())
