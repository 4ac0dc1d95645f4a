"""Turns songs into training arrays, with the functions by which the daemon hears.

*Spans* are what harmony learns from: the pitch-class rows of `duet.Ear`, the phase, the
chord. *Tokens* are what texture learns from: the piano's notes as tokens, and all that
`duet.context` needs, as small integers, so that a batch can be transposed.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from ripieno.layouts import duet
from ripieno.music.chords import NO_CHORD, QUALITIES
from ripieno.music.spans import DENSITIES, STYLES, VOICES, Phase, Span, class_of
from ripieno_export.duet.songs import Frames, Grid, Song

MOST_NOTES: Final = 8
"""The most notes of one frame that are learned; more are a cluster or a roll."""
RING: Final = 12
"""How many sounding notes a context keeps."""
AROUND: Final = 16
"""Spans over which density and thickness are taken, half of them ahead."""

Floats = npt.NDArray[np.float32]
Bytes = npt.NDArray[np.int8]


@dataclass(frozen=True, slots=True)
class Spans:
    """A song for harmony: rows [N, 6, 12], phases [N, PHASES], chords [N]."""

    rows: Floats
    phases: Floats
    chords: Frames

    def __len__(self) -> int:
        return len(self.chords)


def heard(song: Song) -> list[Span]:
    """The melody as the daemon hears it, span by span."""
    frames = song.spans * song.span
    struck: list[list[int]] = [[] for _ in range(frames)]
    sounding: list[list[int]] = [[] for _ in range(frames)]
    for onset, end, pitch, _ in song.melody:
        if onset < frames:
            struck[onset].append(int(pitch))
        for frame in range(onset, min(end, frames)):
            sounding[frame].append(int(pitch))
    return [
        Span(
            tuple(tuple(struck[at + i]) for i in range(song.span)),
            tuple(tuple(sounding[at + i]) for i in range(song.span)),
        )
        for at in range(0, frames, song.span)
    ]


def phase_at(song: Song, span: int) -> Phase:
    """Where a span lies, counted from the file's start."""
    spans = max(song.meter.bar_ticks // song.meter.span_ticks, 1)
    return Phase(span % spans, spans, span // spans)


def spans_of(song: Song) -> Spans:
    """A song for harmony."""
    ear = duet.Ear()
    rows: list[Floats] = []
    for span in heard(song):
        rows.append(ear.rows(span))
        ear.heard(span)
    phases = [duet.phases(phase_at(song, i)) for i in range(song.spans)]
    beats = song.chords[: song.spans * song.span : song.span]
    return Spans(np.stack(rows), np.stack(phases), beats.copy())


COLUMNS: Final = (
    "token", "length", "chord", "before", "frame", "span", "spans", "bar",
    "melody", "struck", "onsets", "density", "voices", "style",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Tokens:
    """A song for texture.

    Attributes:
        columns: int16 [T, len(COLUMNS)]; ``token`` and ``length`` are what comes, the
            rest is its context. ``melody`` is -1 where nothing sounds.
        sounding: int8 [T, RING]: the piano's pitches that sound before it, -1 filled.
        starts: indices at which a span begins.
    """

    columns: npt.NDArray[np.int16]
    sounding: Bytes
    starts: Frames

    def __len__(self) -> int:
        return len(self.columns)


def tokens_of(song: Song) -> Tokens | None:
    """A song for texture; None where it has no piano or no chords."""
    if not len(song.piano) or (song.chords == NO_CHORD).all():
        return None
    writer = _Writer(song)
    for span in range(song.spans):
        writer.write(span)
    if not writer.columns:
        return None
    return Tokens(
        np.array(writer.columns, np.int16),
        np.array(writer.sounding, np.int8),
        np.array(writer.starts),
    )


class _Writer:
    """Writes a song's piano as tokens."""

    def __init__(self, song: Song) -> None:
        self.columns: list[tuple[int, ...]] = []
        self.sounding: list[list[int]] = []
        self.starts: list[int] = []
        self._song, self._heard = song, heard(song)
        self._at = _by_frame(song.piano, song.spans * song.span)
        self._manners = list(manners(song))
        self._ringing: list[tuple[int, int]] = []
        self._before = NO_CHORD

    def write(self, span: int) -> None:
        song = self._song
        chord = int(song.chords[span * song.span])
        if chord == NO_CHORD:
            self._before = NO_CHORD
            return
        self.starts.append(len(self.columns))
        scene = self._scene(span, chord)
        for frame in range(song.span):
            now = span * song.span + frame
            self._ringing = [(p, end) for p, end in self._ringing if end > now]
            for pitch, frames in self._at[now][:MOST_NOTES]:
                length = duet.length_of(frames)
                self._add(duet.token_of(pitch, chord), length, frame, scene)
                self._ringing = [(p, e) for p, e in self._ringing if p != pitch]
                self._ringing.append((pitch, now + frames))
            self._add(duet.NEXT, 0, frame, scene)
        self._before = chord

    def _scene(self, span: int, chord: int) -> tuple[int, ...]:
        phase = phase_at(self._song, span)
        beat = self._heard[span]
        melody = max(beat.sounding[0], default=-1)
        onsets = self._heard[span - 1].onsets if span else 0
        where = (phase.span, phase.spans, phase.bar % 64)
        manner = self._manners[span]
        style = STYLES.index(self._song.style)
        return (
            chord, self._before, *where, melody, int(bool(beat.struck[0])), onsets,
            *manner, style,
        )  # fmt: skip

    def _add(self, token: int, length: int, frame: int, scene: tuple[int, ...]) -> None:
        chord, before, *rest = scene
        self.columns.append((token, length, chord, before, frame, *rest))
        ring = [pitch for pitch, _ in self._ringing[-RING:]]
        self.sounding.append(ring + [-1] * (RING - len(ring)))


def _by_frame(notes: Grid, frames: int) -> list[list[tuple[int, int]]]:
    """For each frame (pitch, frames) of the notes that start there, lowest first."""
    rows: list[list[tuple[int, int]]] = [[] for _ in range(frames)]
    for onset, end, pitch, _ in notes:
        if onset < frames and all(pitch != p for p, _ in rows[onset]):
            rows[onset].append((int(pitch), int(end - onset)))
    for row in rows:
        row.sort()
    return rows


def manners(song: Song) -> Iterator[tuple[int, int]]:
    """Classes of density and thickness around each span, as the daemon asks for."""
    frames = song.spans * song.span
    onsets = np.bincount(song.piano[:, 0], minlength=frames)[:frames]
    for span in range(song.spans):
        first = max(0, (span - AROUND // 2) * song.span)
        window = onsets[first : (span + AROUND // 2) * song.span]
        struck = np.count_nonzero(window)
        yield (
            class_of(16 * window.sum() / len(window), DENSITIES),
            class_of(window.sum() / max(struck, 1), VOICES),
        )


def contexts(columns: npt.NDArray[np.int16], sounding: Bytes) -> Floats:
    """`duet.context` for many tokens at once: [T, CONTEXT].

    Equal to it value for value; a test holds the two together.
    """
    by_name = {n: columns[:, i].astype(np.int64) for i, n in enumerate(COLUMNS)}
    count = len(columns)
    index = np.arange(count)
    row = np.zeros((count, duet.CONTEXT), np.float32)
    root, quality = np.divmod(by_name["chord"], QUALITIES)
    is_first = by_name["before"] == NO_CHORD
    before = np.where(is_first, root, by_name["before"] // QUALITIES)
    at = 0
    hot = (
        (quality, QUALITIES),
        ((root - before) % 12, 12),
        (root, 12),
        (np.minimum(by_name["frame"], 5), 6),
        (np.minimum(by_name["span"], 5), 6),
        (np.minimum(by_name["spans"], 4) - 1, 4),
        (by_name["bar"] % 4, 4),
    )
    for value, size in hot:
        row[index, at + value] = 1.0
        at += size
    heights = sounding.astype(np.int64) - (duet.GROUND + root)[:, None]
    fits = (sounding >= 0) & (heights >= 0) & (heights < duet.HEIGHTS)
    row[np.broadcast_to(index[:, None], fits.shape)[fits], at + heights[fits]] = 1.0
    at += duet.HEIGHTS
    melody = by_name["melody"]
    there = melody >= 0
    row[index[there], at + (melody - root)[there] % 12] = 1.0
    row[there, at + 12] = ((melody - duet.GROUND - root) / 24.0)[there]
    row[:, at + 13] = by_name["struck"]
    row[:, at + 14] = by_name["onsets"] / 4.0
    at += 15
    for name, size in (
        ("density", len(DENSITIES) + 2),
        ("voices", len(VOICES) + 2),
        ("style", len(STYLES)),
    ):
        row[index, at + by_name[name]] = 1.0
        at += size
    return row


def transposed(
    columns: npt.NDArray[np.int16], sounding: Bytes, semitones: int
) -> tuple[npt.NDArray[np.int16], Bytes]:
    """The same tokens in another key; heights out of range are moved by octaves."""
    columns, sounding = columns.copy(), sounding.copy()
    place = {name: i for i, name in enumerate(COLUMNS)}
    chord = columns[:, place["chord"]].astype(np.int64)
    root = chord // QUALITIES + semitones
    columns[:, place["chord"]] = chord + (root % 12 - chord // QUALITIES) * (QUALITIES)
    before = columns[:, place["before"]].astype(np.int64)
    moved = (before + semitones * QUALITIES) % (12 * QUALITIES)
    columns[:, place["before"]] = np.where(before == NO_CHORD, NO_CHORD, moved)
    height = columns[:, 0].astype(np.int64) - 1 + 12 * (root // 12)
    height = np.where(height < 0, height + 12, height)
    height = np.where(height >= duet.HEIGHTS, height - 12, height)
    columns[:, 0] = np.where(columns[:, 0] == duet.NEXT, duet.NEXT, height + 1)
    melody = columns[:, place["melody"]]
    columns[:, place["melody"]] = np.where(melody < 0, -1, melody + semitones)
    sounding = np.where(sounding < 0, -1, sounding + semitones).astype(np.int8)
    return columns, sounding
