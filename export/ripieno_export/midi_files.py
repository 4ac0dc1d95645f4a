"""MIDI files → notes in seconds, part by part, with the file's own beats.

Reading is symusic's: MIT, alive, typed, a wheel of 2 MB without dependencies, imported
in 0.06 s, some hundred files a second. This is the only module that imports it.

It knows no folder, and does not judge whether the music is any good.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Protocol

import numpy as np
import numpy.typing as npt
import symusic

from ripieno.layouts.vocabulary import SOFT_PEDAL, SUSTAIN_PEDAL
from ripieno_export.sources import Parts
from ripieno_export.tokenize import NOTE, Floats, Notes

SOFT_CONTROL: Final = 67
KEYBOARDS: Final = range(24)
"""General MIDI programs that are keyboards: pianos, tuned percussion, organs."""
ABC2MIDI: Final = Path(symusic.__file__).parent / "bin" / "abc2midi"
"""A program that comes with symusic; see `ripieno_export.notation`."""
MOST_BEATS: Final = 200_000
"""A day at 140 bpm: a file that claims more has a broken clock."""


@dataclass(frozen=True, slots=True, eq=False)
class Music:
    """What a file holds, whatever its format.

    Attributes:
        parts: its pitched parts that have notes, in seconds.
        keyboards: for each part, whether a keyboard plays it.
        beats: when each beat (quarter note) falls, in seconds, shape (beats,); one
            more than the music needs, so that every note lies between two.
        title, composer: as the file states them; empty where it does not.
        is_written: whether it is notation, which nobody has played.
    """

    parts: Parts
    keyboards: tuple[bool, ...]
    beats: Floats = field(default_factory=lambda: np.zeros(0))
    title: str = ""
    composer: str = ""
    is_written: bool = False


def music_of(midi: bytes) -> Music:
    """What a MIDI file holds; drums are left out.

    Raises:
        ValueError: no pitched track has a note, or its clock is broken.
        RuntimeError: it is not a MIDI file.
    """
    read: Any = symusic.Score.from_midi(midi)
    score = read.to("second")
    pitched = [t for t in score.tracks if len(t.notes) and not t.is_drum]
    if not pitched:
        has_drums = any(len(t.notes) for t in score.tracks)
        without = "it has no notes, or none that ends: offs may be missing"
        raise ValueError("it has no notes but drums" if has_drums else without)
    return Music(
        parts=[(track.name, _notes_of(track)) for track in pitched],
        keyboards=tuple(track.program in KEYBOARDS for track in pitched),
        beats=beats_of(read),
    )


def parts_of(midi: bytes) -> Parts:
    """The tracks of a MIDI file that have notes, in seconds.

    Raises:
        ValueError: no track has a note.
        RuntimeError: it is not a MIDI file.
    """
    read_score: Any = symusic.Score.from_midi(midi)
    score = read_score.to("second")
    parts = [(t.name, _notes_of(t)) for t in score.tracks if len(t.notes)]
    if not parts:
        raise ValueError("no notes")
    return parts


def music_in_beats(midi: bytes) -> Music:
    """What a MIDI file holds; start and end of notes are in beats, not in seconds.

    Its beats are not told, nor who plays it.

    Raises:
        ValueError: there are none.
    """
    score: Any = symusic.Score.from_midi(midi)
    parts: Parts = []
    for track in score.to("quarter").tracks:
        if not len(track.notes) or track.is_drum:
            continue
        columns = track.notes.numpy()
        notes = np.zeros(len(columns["time"]), NOTE)
        notes["start"], notes["pitch"] = columns["time"], columns["pitch"]
        notes["end"] = columns["time"] + columns["duration"]
        notes["velocity"] = columns["velocity"]
        parts.append((track.name, notes))
    if not parts:
        raise ValueError("no notes")
    return Music(parts, keyboards=())


def beats_of(score: Any) -> Floats:  # noqa: ANN401  # symusic's scores have no one type
    """When each beat of a score in ticks falls, in seconds."""
    per_beat = score.ticks_per_quarter
    if per_beat < 1:
        raise ValueError("its clock has no ticks")
    last = -(-score.end() // per_beat) + 1
    tempos = [(t.time / per_beat, t.mspq / 1e6) for t in score.tempos]
    return beats_at(tempos, last)


def beats_at(tempos: list[tuple[float, float]], last: int) -> Floats:
    """When the beats 0 … `last` fall.

    Args:
        tempos: (from which beat on, seconds a beat), of two at one beat the later one
            counts; 120 bpm before the first.
        last: the last beat.

    Raises:
        ValueError: there are too many, or none.
    """
    if not 0 < last < MOST_BEATS:
        raise ValueError(f"it claims to last {last} beats; its clock is broken")
    known = {0.0: 0.5} | dict(tempos)
    at = np.array(sorted(known), np.float64)
    length_s = np.array([known[beat] for beat in sorted(known)], np.float64)
    begun_s = np.concatenate([[0.0], np.cumsum(np.diff(at) * length_s[:-1])])
    beat = np.arange(last + 1, dtype=np.float64)
    now = np.searchsorted(at, beat, side="right") - 1
    return np.asarray(begun_s[now] + (beat - at[now]) * length_s[now])


def grid_of(midi: bytes, per_beat: int) -> list[tuple[str, npt.NDArray[np.int64]]]:
    """The tracks of a MIDI file that have notes, on a grid of so many steps a beat.

    Returns:
        Names and notes [N, 4]: onset, end (at least one step later), pitch, velocity.

    Raises:
        ValueError: no track has a note.
        RuntimeError: it is not a MIDI file.
    """
    score: Any = symusic.Score.from_midi(midi)
    steps = per_beat / score.ticks_per_quarter
    parts: list[tuple[str, npt.NDArray[np.int64]]] = []
    for track in score.tracks:
        if not len(track.notes):
            continue
        columns = track.notes.numpy()
        start = np.rint(columns["time"] * steps).astype(np.int64)
        end = np.rint((columns["time"] + columns["duration"]) * steps)
        rows = [
            start,
            np.maximum(end, start + 1),
            columns["pitch"],
            columns["velocity"],
        ]
        parts.append((track.name, np.stack(rows, 1).astype(np.int64)))
    if not parts:
        raise ValueError("no notes")
    return parts


class _Track(Protocol):
    """What is read of symusic's tracks in seconds; its own stubs leave it open."""

    notes: Any
    pedals: Any
    controls: Any


def _notes_of(track: _Track) -> Notes:
    columns = track.notes.numpy()
    notes = np.zeros(len(columns["time"]), NOTE)
    notes["start"], notes["pitch"] = columns["time"], columns["pitch"]
    notes["end"] = columns["time"] + columns["duration"]
    notes["velocity"] = columns["velocity"]
    pedal = track.pedals.numpy()
    presses = list(zip(pedal["time"], pedal["time"] + pedal["duration"], strict=True))
    sustain = [(start, end, SUSTAIN_PEDAL, 127, 0) for start, end in presses]
    soft = [(start, end, SOFT_PEDAL, 127, 0) for start, end in _soft_presses(track)]
    return np.concatenate([notes, np.array(sustain + soft, NOTE)])


def _soft_presses(track: _Track) -> Iterator[tuple[float, float]]:
    down_s: float | None = None
    for control in track.controls:
        if control.number != SOFT_CONTROL:
            continue
        if control.value >= 64 and down_s is None:
            down_s = control.time
        elif control.value < 64 and down_s is not None:
            yield down_s, control.time
            down_s = None
