"""How fast a system adapts: after a cold start, and after the tritone push.

The push moves the melody by six semitones, the farthest key there is, in the middle of
a phrase; a system that listens follows, one that continues itself does not.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import numpy as np

from ripieno_export.judge.fit import hits_in
from ripieno_export.judge.pieces import (
    FRAMES_PER_BEAT,
    Floats,
    Ints,
    Notes,
    TestPiece,
    line,
    transposed_chords,
)

PUSH_BEAT: Final = 16
TRITONE: Final = 6
WINDOW_BEATS: Final = 8
RECOVERED: Final = 0.9
"""The level that counts as recovered, as a share of that before the push."""
SMOOTHED_BEATS: Final = 2
"""Beats in a window of the recovery curve. Source: with POP909's 53 test songs a
window's error is 3.6 points, by the bootstrap over songs."""


def pushed(piece: TestPiece, beat: int = PUSH_BEAT) -> TestPiece:
    """A piece whose melody jumps by a tritone at a beat; the human part jumps, too.

    Begin with `ripieno_export.judge.pieces.from_the_melody`, or the jump may fall into
    an introduction.
    """
    frame = beat * FRAMES_PER_BEAT
    later = np.arange(piece.frames) >= frame
    chords = transposed_chords(piece.chords, TRITONE)
    up = -1 if _middle(piece.melody) > 66 else 1
    return replace(
        piece,
        melody=_moved(piece.melody, frame, up * TRITONE),
        accompaniment=_moved(piece.accompaniment, frame, up * TRITONE),
        chords=np.where(later, chords, piece.chords),
    )


def _middle(notes: Notes) -> float:
    return float(notes["pitch"].mean()) if len(notes) else 0.0


def _moved(notes: Notes, frame: int, semitones: int) -> Notes:
    moved = notes.copy()
    moved["pitch"][moved["start"] >= frame] += semitones
    return moved


def windows(
    pieces: Sequence[TestPiece],
    chords: Sequence[Ints],
    window_beats: int = WINDOW_BEATS,
) -> Floats:
    """NIC in each window of so many beats, of all songs together.

    Returns:
        Shape (windows,), as many as the longest song has; NaN where nobody plays.
    """
    hits, frames = _by_beat(pieces, chords)
    return _ratio(_sums(hits, window_beats), _sums(frames, window_beats))


def recovery_curve(
    pieces: Sequence[TestPiece],
    chords: Sequence[Ints],
    smoothed_beats: int = SMOOTHED_BEATS,
) -> Floats:
    """NIC over the beats that begin at each beat, of all songs together."""
    hits, frames = _by_beat(pieces, chords)
    window = np.ones(smoothed_beats)
    return _ratio(
        np.convolve(hits, window, "valid"), np.convolve(frames, window, "valid")
    )


def beats_to_recover(
    pieces: Sequence[TestPiece], chords: Sequence[Ints], beat: int = PUSH_BEAT
) -> float:
    """Beats from the push to a NIC of 90 % of that of the eight beats before it.

    Returns:
        0 for a system that follows at once, infinity for one that never does.
    """
    hits, frames = _by_beat(pieces, chords)
    before = slice(max(beat - WINDOW_BEATS, 0), beat)
    level = hits[before].sum() / max(frames[before].sum(), 1.0)
    after = recovery_curve(pieces, chords)[beat:]
    found = np.flatnonzero(after >= RECOVERED * level)
    return float(found[0]) if len(found) else float("inf")


def _by_beat(
    pieces: Sequence[TestPiece], chords: Sequence[Ints]
) -> tuple[Floats, Floats]:
    """Hits and frames in each beat, over all songs."""
    longest = max((piece.frames for piece in pieces), default=0)
    beats = longest // FRAMES_PER_BEAT + 1
    hits, frames = np.zeros(beats), np.zeros(beats)
    for piece, played in zip(pieces, chords, strict=True):
        melody = line(piece.melody, piece.frames)
        hit, both = hits_in(played, melody)
        place = np.arange(piece.frames) // FRAMES_PER_BEAT
        hits += np.bincount(place, hit, beats)
        frames += np.bincount(place, both, beats)
    return hits, frames


def _sums(values: Floats, size: int) -> Floats:
    edges = np.arange(0, len(values), size)
    return np.asarray(np.add.reduceat(values, edges), np.float64)


def _ratio(hits: Floats, frames: Floats) -> Floats:
    return np.where(frames > 0, hits / np.maximum(frames, 1.0), np.nan)
