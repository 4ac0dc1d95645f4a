"""Whether a system listens: what its chords and notes have to do with the melody.

Note-in-chord alone can be gamed (a constant tonic triad scores high), so it stands
beside the listening gain: what is lost when the answer was given to another song.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np

from ripieno.music.scales import MAJOR_PROFILE
from ripieno_export.judge.pieces import (
    TONES,
    Bools,
    Floats,
    Ints,
    TestPiece,
    counts,
    line,
    transposed_chords,
)
from ripieno_export.judge.take import Take

OTHERS: Final = 8
"""Other songs' answers that the listening gain compares with."""
CONSONANT: Final = (0, 3, 4, 7, 8, 9)
"""Semitones upward from the melody's pitch class to the accompaniment's."""


def note_in_chord(chords: Ints, melody: Ints) -> float:
    """NIC: how often, where both sound, the melody is in the chord.

    A share of frames, by pitch class. Source: ReaLchords (Wu et al. 2024).

    Args:
        chords: per frame.
        melody: pitch per frame, of `ripieno_export.judge.pieces.line`.
    """
    hits, frames = hits_in(chords, melody)
    return float(hits.sum() / frames.sum()) if frames.any() else float("nan")


def hits_in(chords: Ints, melody: Ints) -> tuple[Bools, Bools]:
    """Frames whose melody is in the chord, and frames in which both sound."""
    both = (melody >= 0) & (chords >= 0)
    return both & TONES[chords, melody % 12], both


def histogram(piece: TestPiece) -> Floats:
    """How many frames of the melody each pitch class sounds, shape (12,)."""
    heard = line(piece.melody, piece.frames)
    return np.bincount(heard[heard >= 0] % 12, minlength=12).astype(np.float64)


def signature_of(piece: TestPiece) -> int:
    """The tonic of the major key that fits the melody best: its key signature.

    Minor keys count as a major key nearby: a song in A minor is laid over one in C
    major without moving.
    Source: with it, human chords gain 30.0 on POP909, as was measured before; with the
    relative major of the best of all 24 keys 27.8, with that key's own tonic 32.6.
    """
    weights = histogram(piece)
    if not weights.any():
        return 0
    fits = [np.corrcoef(np.roll(weights, -t), MAJOR_PROFILE)[0, 1] for t in range(12)]
    return int(np.argmax(fits))


def listening_gains(
    pieces: Sequence[TestPiece], chords: Sequence[Ints], seed: int = 0
) -> Floats:
    """LG: each song's NIC, minus the mean NIC of eight other songs' answers to it.

    The others' answers are transposed to this song's key and repeated or cut to its
    length. Songs are drawn from a fixed seed, the same for every system.

    Args:
        pieces: the songs.
        chords: what the system answered to each, per frame.
        seed: what chance starts from.

    Returns:
        Shape (songs,); NaN where a song has no answer or no other.
    """
    keys = [signature_of(piece) for piece in pieces]
    melodies = [line(piece.melody, piece.frames) for piece in pieces]
    gains = np.full(len(pieces), np.nan)
    for number, melody in enumerate(melodies):
        others = [n for n in range(len(pieces)) if n != number]
        chance = np.random.default_rng((seed, number))
        drawn = chance.permutation(others)[:OTHERS]
        foreign = [
            note_in_chord(np.resize(moved, len(melody)), melody)
            for other in drawn
            for moved in [transposed_chords(chords[other], keys[number] - keys[other])]
        ]
        if np.isfinite(foreign).any():
            own = note_in_chord(chords[number], melody)
            gains[number] = own - np.nanmean(foreign)
    return gains


def pair_consonance(piece: TestPiece, take: Take) -> float:
    """PC₂: the share of sounding (melody note, accompaniment note) pairs in consonance.

    A pair counts once for each frame in which both sound. An interval is counted upward
    from the melody's pitch class: a fourth below the melody is a fifth, and consonant.
    Source: the four figures of POP909 (human .709, the bar before .580, random in key
    .559, random .502) are met by this direction alone (the other: .731, .563, .550).
    """
    below = counts(piece.melody, piece.frames)
    pairs = below.T @ counts(take.notes, piece.frames)
    classes = np.arange(12)
    is_consonant = np.isin((classes[None] - classes[:, None]) % 12, CONSONANT)
    total = pairs.sum()
    return float(pairs[is_consonant].sum() / total) if total else float("nan")
