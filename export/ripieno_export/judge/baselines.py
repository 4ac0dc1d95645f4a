"""Systems that do not listen, and the human: what every figure is printed beside.

Each is a callable from a piece to a take, deterministic in the piece and a seed. Those
that need other songs are made with them.
"""

import hashlib
from collections.abc import Callable, Sequence
from typing import Final

import numpy as np

from ripieno.music.chords import NO_CHORD, SUFFIXES, chord, pitch_classes
from ripieno.music.scales import STEPS, key_of
from ripieno_export.judge.fit import histogram, signature_of
from ripieno_export.judge.pieces import (
    FRAMES_PER_BEAT,
    NOTE,
    Ints,
    Notes,
    TestPiece,
    on_frames,
    transposed_chords,
)
from ripieno_export.judge.take import Take, chords_in

System = Callable[[TestPiece], Take]
"""Anything that accompanies: a piece → a take of the same length."""

LOWEST: Final = 48
HIGHEST: Final = 72
"""Random notes lie in the two octaves around middle C, under most melodies."""
EIGHTH: Final = 2


def human(piece: TestPiece) -> Take:
    """What the piece's own accompanist played, and the piece's own chords."""
    return Take("human", piece.chords, piece.accompaniment)


def constant_tonic(piece: TestPiece) -> Take:
    """The tonic triad, major or minor, of the melody's key, struck once a bar."""
    root, mode = key_of(histogram(piece).tolist()) or (0, "major")
    tonic = chord(root, SUFFIXES.index("m" if mode == "minor" else ""))
    starts = np.arange(piece.pickup, piece.frames, piece.bar_frames)
    tones = np.array([LOWEST + pitch_class for pitch_class in pitch_classes(tonic)])
    pitches = np.tile(tones, len(starts))
    starts = np.repeat(starts, len(tones))
    ends = np.minimum(starts + piece.bar_frames, piece.frames)
    notes = on_frames(starts, ends, pitches)
    return Take("constant tonic", np.full(piece.frames, tonic), notes)


def random_chromatic(piece: TestPiece, seed: int = 0) -> Take:
    """Eighths, each pitch drawn from two octaves."""
    return _random("random chromatic", piece, np.arange(LOWEST, HIGHEST), seed)


def random_in_key(piece: TestPiece, seed: int = 0) -> Take:
    """Eighths, each pitch drawn from two octaves of the melody's key signature."""
    tonic = signature_of(piece)
    pitches = np.arange(LOWEST, HIGHEST)
    in_key = np.isin((pitches - tonic) % 12, STEPS["major"])
    return _random("random in key", piece, pitches[in_key], seed)


def copy_last_bar(piece: TestPiece) -> Take:
    """What the human accompanist played a bar ago, and the chords of a bar ago."""
    bar = piece.bar_frames
    notes = piece.accompaniment.copy()
    notes["start"] += bar
    notes["end"] += bar
    notes["at_beats"] += bar / FRAMES_PER_BEAT
    chords = np.full(piece.frames, NO_CHORD)
    chords[bar:] = piece.chords[: max(piece.frames - bar, 0)]
    return Take("copy last bar", chords, _within(notes, piece.frames))


def another_song(others: Sequence[TestPiece], seed: int = 0) -> System:
    """The accompaniment of another song, in this one's key, from its beginning.

    Args:
        others: songs to draw from, those of the same meter first; the piece itself,
            told by its family, is never drawn.
        seed: what chance starts from.
    """
    signatures = {id(other): signature_of(other) for other in others}

    def system(piece: TestPiece) -> Take:
        strangers = [o for o in others if o.family != piece.family]
        alike = [o for o in strangers if o.bar_frames == piece.bar_frames] or strangers
        if not alike:
            return Take(
                "another song", np.full(piece.frames, NO_CHORD), np.zeros(0, NOTE)
            )
        other = alike[int(_chance(piece, seed).integers(len(alike)))]
        up = signature_of(piece) - signatures[id(other)]
        chords = transposed_chords(np.resize(other.chords, piece.frames), up)
        return Take("another song", chords, _repeated(other, piece.frames, up))

    return system


def baselines(pieces: Sequence[TestPiece], seed: int = 0) -> dict[str, System]:
    """All of them, by name; other songs are drawn from these pieces."""
    return {
        "human": human,
        "constant tonic": constant_tonic,
        "random chromatic": lambda piece: random_chromatic(piece, seed),
        "random in key": lambda piece: random_in_key(piece, seed),
        "copy last bar": copy_last_bar,
        "another song": another_song(pieces, seed),
    }


def _chance(piece: TestPiece, seed: int) -> np.random.Generator:
    """The same draws for a piece, whatever was played before it."""
    digest = hashlib.sha256(f"{seed} {piece.corpus} {piece.name}".encode()).digest()
    return np.random.default_rng(int.from_bytes(digest[:8], "big"))


def _random(system: str, piece: TestPiece, pitches: Ints, seed: int) -> Take:
    starts = np.arange(0, piece.frames - EIGHTH + 1, EIGHTH)
    drawn = _chance(piece, seed).choice(pitches, len(starts))
    notes = on_frames(starts, starts + EIGHTH, drawn)
    return Take(system, chords_in(notes, piece), notes)


def _repeated(other: TestPiece, frames: int, semitones: int) -> Notes:
    """A song's accompaniment, again and again until it is as long as another one."""
    copies = []
    for first in range(0, frames, max(other.frames, 1)):
        notes = other.accompaniment.copy()
        notes["start"] += first
        notes["end"] += first
        notes["at_beats"] += first / FRAMES_PER_BEAT
        copies.append(notes)
    notes = np.concatenate([np.zeros(0, NOTE), *copies])
    notes["pitch"] = np.clip(notes["pitch"] + (semitones + 6) % 12 - 6, 0, 127)
    return _within(notes, frames)


def _within(notes: Notes, frames: int) -> Notes:
    kept = notes[notes["start"] < frames].copy()
    kept["end"] = np.minimum(kept["end"], frames)
    return kept
