"""Pieces from any folder of MIDI files.

The melody is the track that is called so, else the one that is a single line on top.
The accompaniment is every other pitched track, but for a bridge and a chart of block
chords, which counts only where nothing else is there. Chords come from markers or texts
(``chord:Bb:min7``), else from such a chart, else from the accompaniment's own notes.
What cannot be read is listed with its reason, never fatal.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np

from ripieno.errors import FileError
from ripieno.files.midi import Performance, Track, read_performance
from ripieno.music.chords import NO_CHORD
from ripieno.music.messages import channel_of
from ripieno_export.judge.harmony import chords_at
from ripieno_export.judge.pieces import (
    FRAMES_PER_BEAT,
    NOTE,
    Notes,
    Reading,
    TestPiece,
    notes_of,
)
from ripieno_export.judge.take import DRUMS, chords_in, paired

SUFFIXES: Final = frozenset({".mid", ".midi"})
LABEL: Final = "chord:"
MELODY: Final = re.compile(
    r"melod|voice|vocal|\bvox\b|\blead\b|sopran|sing|canto|gesang|stimme", re.IGNORECASE
)
CHART: Final = re.compile(r"chord|akkord|accord|harmon(y|ies)\b", re.IGNORECASE)
BRIDGE: Final = re.compile(r"bridge", re.IGNORECASE)
ONE_LINE: Final = 0.85
"""A line is a track of which this share of the notes ends by the next onset. Source: 99
of 100 melodies of POP909 and voices of art songs have .875 or more, of the pianos of
POP909 1 in 100 has .52; a single hand can be a line (median .56, one in ten .89)."""
LONGEST_PICKUP: Final = 8.0
"""Beats before a second time signature that are taken for a pick-up bar."""


@dataclass(frozen=True, slots=True)
class Part:
    """A track's notes."""

    name: str
    notes: Notes


def read_folder(path: Path) -> Reading:
    """Read every MIDI file in a folder and below it, by name.

    Raises:
        FileError: it is no folder, or holds no MIDI file.
    """
    files = sorted(p for p in path.rglob("*") if p.suffix.lower() in SUFFIXES)
    if not files:
        raise FileError(f"{path} holds no .mid file: name a folder with music in it")
    reading = Reading()
    for file in files:
        try:
            reading.pieces.append(read_piece(file, path))
        except (FileError, ValueError) as error:
            reading.refused.append((file.relative_to(path).as_posix(), str(error)))
    return reading


def read_piece(file: Path, root: Path) -> TestPiece:
    """Read one file of a folder.

    Raises:
        FileError: it is no MIDI file, or damaged.
        ValueError: it has no melody.
    """
    performance = read_performance(file)
    melody, others = _told_apart(_parts(performance))
    accompaniment = _accompaniment(others)
    ends = [int(notes["end"].max()) for notes in (melody, accompaniment) if len(notes)]
    meter, pickup = _meter(performance)
    ticks = performance.times().tick_at(performance.length_ns)
    name = file.relative_to(root).with_suffix("").as_posix()
    piece = TestPiece(
        name=name,
        corpus=root.resolve().name,
        family=name,
        bpm=60e9 * ticks / performance.ticks_per_beat / performance.length_ns,
        meter=meter,
        frames=max(ends),
        melody=melody,
        accompaniment=accompaniment,
        chords=np.full(max(ends), NO_CHORD),
        chords_from="none",
        pickup=pickup,
    )
    return _with_chords(piece, performance, others)


def _parts(performance: Performance) -> list[Part]:
    """The pitched tracks; a file of one track is told apart by its channels."""
    if len(performance.tracks) > 1:
        parts = [_part(performance, track, None) for track in performance.tracks]
    else:
        track = performance.tracks[0]
        channels = sorted({channel_of(data) for _, data in track.messages})
        parts = [_part(performance, track, channel) for channel in channels]
    return [part for part in parts if len(part.notes)]


def _part(performance: Performance, track: Track, channel: int | None) -> Part:
    rows, _ = paired(track.messages)
    rows = [row for row in rows if row[4] != DRUMS and channel in (None, row[4])]
    times, per_beat = performance.times(), performance.ticks_per_beat
    beats = [times.tick_at(row[0]) / per_beat for row in rows]
    ends = [times.tick_at(row[1]) / per_beat for row in rows]
    notes = notes_of(
        np.array(beats, np.float64),
        np.array(ends, np.float64),
        [row[2] for row in rows],
        [row[3] for row in rows],
    )
    return Part(track.name, notes)


def _told_apart(parts: Sequence[Part]) -> tuple[Notes, list[Part]]:
    """The melody, and the tracks that accompany it."""
    if not parts:
        raise ValueError("no pitched notes")
    pitched = [part for part in parts if not _is_chart(part)] or list(parts)
    if len(parts) == 1:
        return _skyline(parts[0])
    named = [part for part in pitched if MELODY.search(part.name)]
    lines = [part for part in pitched if _is_line(part.notes)]
    lines.sort(key=lambda part: -float(part.notes["pitch"].mean()))
    first = [part for part in pitched[:1] if part in lines]
    melody = [*named, *first, *lines, *pitched][0]
    return melody.notes, [part for part in parts if part is not melody]


def _is_chart(part: Part) -> bool:
    return bool(CHART.search(part.name)) and not MELODY.search(part.name)


def _is_line(notes: Notes) -> bool:
    ends = notes["end"][:-1] <= notes["start"][1:]
    return float(ends.mean()) >= ONE_LINE if len(ends) else True


def _skyline(part: Part) -> tuple[Notes, list[Part]]:
    """One track: its highest notes are the melody, the rest accompanies them."""
    is_top = np.append(np.diff(part.notes["start"]) > 0, True)
    rest = part.notes[~is_top]
    return part.notes[is_top], [Part("rest", rest)] if len(rest) else []


def _accompaniment(others: Sequence[Part]) -> Notes:
    playing = [p for p in others if not _is_chart(p) and not BRIDGE.search(p.name)]
    chosen = playing or [part for part in others if _is_chart(part)]
    notes = np.concatenate([np.zeros(0, NOTE), *(part.notes for part in chosen)])
    return notes[np.lexsort((notes["pitch"], notes["start"]))]


def _meter(performance: Performance) -> tuple[tuple[int, int], int]:
    """The meter, and the frames before its first bar line."""
    signatures = performance.time_signatures or ((0, 4, 4),)
    tick, numerator, denominator = signatures[0]
    if len(signatures) > 1:
        later = signatures[1][0] / performance.ticks_per_beat
        if 0 < later < min(LONGEST_PICKUP, 4 * signatures[1][1] / signatures[1][2]):
            tick, numerator, denominator = signatures[1]
    frames = tick * FRAMES_PER_BEAT / performance.ticks_per_beat
    return (numerator, denominator), round(frames)


def _with_chords(
    piece: TestPiece, performance: Performance, others: Sequence[Part]
) -> TestPiece:
    if labels := _labels(performance, piece.frames):
        chords = chords_at(labels, piece.frames)
        return replace(piece, chords=chords, chords_from="markers")
    if charts := [part for part in others if _is_chart(part)]:
        notes = charts[0].notes
        return replace(piece, chords=chords_in(notes, piece), chords_from="track")
    if len(piece.accompaniment):
        chords = chords_in(piece.accompaniment, piece)
        return replace(piece, chords=chords, chords_from="notes")
    return piece


def _labels(performance: Performance, frames: int) -> list[tuple[float, float, str]]:
    """Chords written above the music, each until the next one."""
    words = [*performance.markers, *performance.texts, *performance.lyrics]
    found = sorted(
        (tick / performance.ticks_per_beat, text.strip().removeprefix(LABEL))
        for tick, text in words
        if text.strip().startswith(LABEL)
    )
    ends = [*(beat for beat, _ in found), frames / FRAMES_PER_BEAT][1:]
    return [(at, end, text) for (at, text), end in zip(found, ends, strict=True)]
