"""Songs on a grid of sixteenths: a melody, its chords, its piano.

Lead sheets and POP909 have written chords. An art song has none: its chords are
estimated from its notes (`ripieno_export.duet.naming`). Fiddle tunes have neither
chords nor piano; a teacher may name their chords.

Bad files are listed with their reason, never fatal.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from ripieno.errors import SettingsError
from ripieno.music import chords
from ripieno.music.meter import Meter
from ripieno.music.spans import FRAME_TICKS
from ripieno.music.timeline import TICKS_PER_BEAT
from ripieno_export import corpus
from ripieno_export.archives import opened
from ripieno_export.parts import part_of
from ripieno_export.sources import Origin
from ripieno_export.split import GRAM, SHARED

FRAMES_PER_BEAT: Final = TICKS_PER_BEAT // FRAME_TICKS
REST: Final = "*"
SHORTEST: Final = 32
"""The least number of melody frames in a song."""

Grid = npt.NDArray[np.int64]
"""[N, 4]: onset frame, end frame, pitch, velocity; by onset, then pitch."""
Frames = npt.NDArray[np.int64]
Parts = list[tuple[str, Grid]]


@dataclass(frozen=True, slots=True)
class Source:
    """A source: where it is, which of its files are read, and the style of its pianos.

    The melody is the track with that name, or else the first; `REST` as the piano
    means the two other tracks of a song that has three.
    """

    path: str
    style: str
    melody: str = ""
    piano: str = ""
    only: str = ""
    skip: tuple[str, ...] = ()


SOURCES: Final = (
    # 518 and 620: misaligned hands, says the README of POP909-CL.
    Source("2_mit_ccby/pop909", "pop", "MELODY", "PIANO", "aligned/", ("518", "620")),
    Source("1_pd_cc0/openewld_clean", "auto", "MELODY"),
    Source("1_pd_cc0/neonscribe_jazz_pd", "auto", "MELODY"),
    Source("1_pd_cc0/openscore_lieder", "song", piano=REST),
    Source("3_pd_works_no_encoding_licence/oneills", "auto"),
    Source("3_pd_works_no_encoding_licence/ryans", "auto"),
)
"""What the duet is learned from."""


@dataclass(frozen=True, slots=True)
class Song:
    """A song on the grid.

    Attributes:
        origin, file, family: where it comes from; what must share a part with it.
        part: ``train``, ``valid`` or ``test``.
        style: of `ripieno.music.spans.STYLES`.
        meter: of its beginning.
        bpm: quarter notes a minute.
        melody, piano: notes; the piano may be empty.
        chords: per frame; `NO_CHORD` where none is known.
    """

    origin: Origin
    file: str
    family: str
    part: str
    style: str
    meter: Meter
    bpm: float
    melody: Grid
    piano: Grid
    chords: Frames

    @property
    def span(self) -> int:
        """Frames in a span."""
        return self.meter.span_ticks // FRAME_TICKS

    @property
    def spans(self) -> int:
        """How many whole spans it lasts."""
        return len(self.chords) // self.span


@dataclass(slots=True)
class Reading:
    """What was read, and what was not and why."""

    songs: list[Song]
    refused: list[tuple[str, str]]


def read(data: Path, sources: Sequence[Source] = SOURCES) -> Reading:
    """Read songs under a data folder, each family in one part.

    Raises:
        SettingsError: a source may not be trained on.
        FileError: a source is not there.
    """
    reading = Reading([], [])
    for source in sources:
        if source.path[:1] not in "123":
            raise SettingsError(f"{source.path} may not be trained on.")
        _read_source(data / source.path, source, reading)
    reading.songs = separate(reading.songs)
    return reading


def _read_source(folder: Path, source: Source, reading: Reading) -> None:
    with opened(folder) as archive:
        origin = archive.origin
        for entry in archive.entries(source.only, source.skip):
            name = str(entry["file"])
            try:
                midi = archive.read(name)
                reading.songs.append(_song(midi, entry, source, origin))
            except (*corpus.UNREADABLE, KeyError) as error:
                reading.refused.append((f"{origin.name}/{name}", str(error)))


def _song(midi: bytes, entry: dict[str, Any], source: Source, origin: Origin) -> Song:
    parts = corpus.grid_of(midi, FRAMES_PER_BEAT)
    melody, piano = _melody(parts, source), _piano(parts, source)
    if len(melody) == 0 or melody[-1, 1] - melody[0, 0] < SHORTEST:
        raise ValueError("the melody is too short")
    numerator, denominator = entry["ts"][0]
    frames = max(
        int(entry["quarters"] * FRAMES_PER_BEAT),
        *(int(notes[:, 1].max()) for notes in (melody, piano) if len(notes)),
    )
    family = corpus.family_of(entry, origin)
    return Song(
        origin=origin,
        file=str(entry["file"]),
        family=family,
        part=part_of(origin.name, family, str(entry.get("split", "train"))),
        style=source.style,
        meter=Meter(int(numerator), int(denominator)),
        bpm=float(entry.get("bpm") or 100.0),
        melody=melody,
        piano=piano,
        chords=labels(entry.get("chords", ()), frames),
    )


def _melody(parts: Parts, source: Source) -> Grid:
    named = [notes for title, notes in parts if title == source.melody]
    return sorted_notes(named or [parts[0][1]])


def _piano(parts: Parts, source: Source) -> Grid:
    if source.piano == REST and len(parts) != 3:
        raise ValueError(f"{len(parts)} tracks where a song has 3")
    if source.piano == REST:
        return sorted_notes([notes for _, notes in parts[1:]])
    return sorted_notes([notes for title, notes in parts if title == source.piano])


def sorted_notes(parts: Sequence[Grid]) -> Grid:
    """All notes of some tracks, by onset, then pitch."""
    notes = np.concatenate([np.zeros((0, 4), np.int64), *parts])
    return notes[np.lexsort((notes[:, 2], notes[:, 0]))]


def labels(entries: Sequence[Sequence[Any]], frames: int) -> Frames:
    """Chord labels (onset and duration in quarter notes, name) per frame."""
    row = np.full(frames, chords.NO_CHORD)
    for onset, duration, name in entries:
        try:
            number = chords.named(str(name))
        except ValueError:
            continue  # a chord that has no name here is as good as unknown
        first = round(onset * FRAMES_PER_BEAT)
        row[first : round((onset + duration) * FRAMES_PER_BEAT)] = number
    return row


def separate(songs: Sequence[Song]) -> list[Song]:
    """Take out of training what shares a quarter of its melody with held-out songs.

    They are removed from training, so that all songs for judging are kept.
    """
    held = [grams(song) for song in songs if song.part != "train"]
    known = np.unique(np.concatenate([np.zeros(0, np.uint64), *held]))
    families = {song.family for song in songs if song.part != "train"}
    return [
        song
        for song in songs
        if song.part != "train"
        or not (song.family in families or _shares(grams(song), known))
    ]


def grams(song: Song) -> npt.NDArray[np.uint64]:
    """Hashes of all runs of `GRAM` melodic intervals."""
    steps = (np.diff(song.melody[:, 2]) + 128).astype(np.uint64)
    total = np.zeros(max(len(steps) - GRAM + 1, 0), np.uint64)
    for place in range(GRAM if len(total) else 0):
        total = total * np.uint64(1_000_003) + steps[place : place + len(total)]
    return total


def _shares(own: npt.NDArray[np.uint64], known: npt.NDArray[np.uint64]) -> bool:
    if not len(own) or not len(known):
        return False
    place = np.minimum(np.searchsorted(known, own), len(known) - 1)
    return float((known[place] == own).mean()) > SHARED
