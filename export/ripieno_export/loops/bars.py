"""Songs → bars to learn from, through the vocabulary that the daemon plays with.

A bar of 4/4 with its chords and the bar before it, both counted from its first chord's
root: every key is one, and nothing needs to be transposed. A bar in which nothing is
struck, or whose first chord nobody named, is not learned from: a loop must not fall
silent.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from ripieno.errors import FileError
from ripieno.layouts import pattern
from ripieno.layouts.pattern import LOWEST, ONSET, ROWS, SOUND, STEPS, STEPS_IN_BEAT
from ripieno.music.chords import NO_CHORD
from ripieno.music.meter import Meter
from ripieno_export.duet import songs as songs_of
from ripieno_export.duet.songs import Song

SOURCES: Final = tuple(s for s in songs_of.SOURCES if s.path.endswith("/pop909"))
"""The one source with a real accompaniment, a metre and chords that people wrote."""
PITCHES: Final = 128
MARGIN: Final = 24
"""Rows beside MIDI's pitches, so that a shifted window never leaves the array."""

Bools = npt.NDArray[np.bool_]
Rows = npt.NDArray[np.int64]
"""Numbers of bars."""


@dataclass(frozen=True, slots=True)
class Bars:
    """Bars with what they were played to.

    Attributes:
        rolls: bool [N, 2, STEPS, ROWS].
        before: the bar before each, in the rows of this one; empty where none was.
        chords: int64 [N, BEATS].
        told: the same as the graph is told them, float32 [N, BEATS, CHORD].
        shifts: of each bar, see `pattern.shift_of`.
        songs: which song each is of.
    """

    rolls: Bools
    before: Bools
    chords: npt.NDArray[np.int64]
    told: npt.NDArray[np.float32]
    shifts: npt.NDArray[np.int64]
    songs: npt.NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.rolls)


def read(data: Path) -> list[Song]:
    """The songs that are learned from and judged on.

    Raises:
        FileError: the source is not there, or has no such song.
    """
    songs = [song for song in songs_of.read(data, SOURCES).songs if is_fit(song)]
    if not songs:
        raise FileError(f"{data} has no song in 4/4 with chords and a piano.")
    return songs


def parts(data: Path, *names: str) -> list[Bars]:
    """The bars of each part of the split.

    Raises:
        FileError: as `read`.
    """
    songs = read(data)
    return [bars_of([song for song in songs if song.part == name]) for name in names]


def is_fit(song: Song) -> bool:
    """Whether it is in 4/4, and its chords change on bar lines rather than between.

    Bar lines of this source were found by a heuristic; where chords change more often
    at another beat, they are wrong.
    """
    if song.meter != Meter(4, 4) or not len(song.piano):
        return False
    changes = np.flatnonzero(np.diff(song.chords)) + 1
    at = np.bincount(changes % STEPS, minlength=STEPS)
    return bool(at[0] == at.max() and at[0] > 0)


def bars_of(songs: Sequence[Song]) -> Bars:
    """All bars of some songs."""
    found = [_bars(song, number) for number, song in enumerate(songs)]
    columns = zip(*(row for rows in found for row in rows), strict=True)
    return Bars(*(np.array(column) for column in columns))


def _bars(song: Song, number: int) -> list[tuple[Any, ...]]:
    whole = _whole(song)
    rows = []
    for bar in range(whole.shape[1] // STEPS):
        chords = song.chords[bar * STEPS : (bar + 1) * STEPS : STEPS_IN_BEAT]
        if len(chords) < pattern.BEATS or chords[0] == NO_CHORD:
            continue
        shift = pattern.shift_of(chords.tolist())
        roll = _window(whole, bar, shift)
        if roll[ONSET].any():
            told = pattern.chord_input(chords.tolist(), shift)
            before = _window(whole, bar - 1, shift)
            rows.append((roll, before, chords, told, shift, number))
    return rows


def _whole(song: Song) -> Bools:
    """Onsets and what sounds of a whole song, cut at bar lines: [2, T, MARGIN + …]."""
    frames = -(-len(song.chords) // STEPS) * STEPS
    whole = np.zeros((2, frames, PITCHES + 2 * MARGIN), np.bool_)
    for onset, end, pitch, _ in song.piano.tolist():
        if onset >= frames:
            continue
        last = min(max(end, onset + 1), (onset // STEPS + 1) * STEPS)
        whole[ONSET, onset, MARGIN + pitch] = True
        whole[SOUND, onset:last, MARGIN + pitch] = True
    return whole


def _window(whole: Bools, bar: int, shift: int) -> Bools:
    """One bar in the rows of a root; nothing where there is no such bar."""
    low = MARGIN + LOWEST + shift
    if bar < 0:
        return np.zeros((2, STEPS, ROWS), np.bool_)
    return whole[:, bar * STEPS : (bar + 1) * STEPS, low : low + ROWS].copy()
