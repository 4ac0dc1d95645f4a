"""Anybody's folder of music: MIDI, ABC, MusicXML, MEI and Humdrum, zipped or not.

What is known of a file is taken from where its maker wrote it: titles and composers
from the file itself or an `INDEX.jsonl` (see `ripieno_export.corpus`), the licence from
the nearest `LICENSE` above it, repository and commit from a `README.md`. What is not
stated is called so.

Whatever cannot be used is refused with its reason; nothing in a file ends the reading.
"""

import json
import re
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np

from ripieno.errors import FileError
from ripieno_export import corpus, notation
from ripieno_export.corpus import UNDECIDED, Piece, Refusal
from ripieno_export.midi_files import Music
from ripieno_export.sources import NOT_STATED, Origin, read_origin, unlabelled
from ripieno_export.tokenize import Floats, Notes, is_pedal

MIDI: Final = frozenset({".mid", ".midi", ".kar"})
MUSIC: Final = MIDI | notation.SCORES | {".abc"}
AUDIO: Final = frozenset(
    {".wav", ".mp3", ".flac", ".ogg", ".oga", ".opus", ".m4a", ".aac", ".aif", ".aiff"}
)
IS_AUDIO: Final = (
    "it is audio, which is not transcribed here yet; turn it into MIDI with a "
    "transcription program, or record MIDI"
)
MOST_BYTES: Final = 32 << 20
"""Ten times the largest score known here: nothing larger is one piece of music."""
FEWEST_NOTES: Final = 16
LONGEST_S: Final = 4 * 3600.0
DENSEST: Final = 60.0
"""Notes a second over a whole piece; the densest piano music here has 25."""
RINGS_S: Final = 10.0
"""A note that sounds longer than this past the last onset hangs: its off is missing."""
GRID: Final = 24
NEAR_BEATS: Final = 0.005
"""Onsets so near to a 24th of a beat are on it: a quarter of chance's share."""
ENGRAVED: Final = 0.55
"""Share of onsets on the grid that makes a score; halfway between what was measured:
at most .28 in GiantMIDI's performances, at least .82 in six collections of scores."""
FLAT: Final = 0.5
"""Share of notes with the velocity of the one before that makes a flat touch. Measured:
at most .05 in performances and .40 where it was set by hand, at least .57 in scores."""

LICENCES: Final = (
    (r"CC0|Public Domain Dedication", "CC0-1.0"),
    (r"Attribution-ShareAlike (\d\.\d)|CC[ -]BY-SA[ -](\d\.\d)", "CC-BY-SA-{}"),
    (r"Attribution-NonCommercial|CC[ -]BY-NC", "CC-BY-NC"),
    (r"Attribution (\d\.\d) International|CC[ -]BY[ -](\d\.\d)", "CC-BY-{}"),
    (r"GNU GENERAL PUBLIC LICENSE\s+Version (\d)", "GPL-{}.0"),
    (r"Apache License\s+Version 2", "Apache-2.0"),
    (r"MIT License|Permission is hereby granted, free of charge", "MIT"),
    (r"This is free and unencumbered software", "Unlicense"),
    (r"public domain", "public domain"),
)
"""What a licence's text says of itself → its short name."""


@dataclass(frozen=True, slots=True)
class _File:
    """A file on the disk or in a zip.

    Attributes:
        name: its path under the folder.
        inside: its path in its zip, or the same.
        size: in bytes, unpacked.
        load: reads it.
    """

    name: str
    inside: str
    size: int
    load: Callable[[], bytes]

    @property
    def suffix(self) -> str:
        return Path(self.name).suffix.lower()


def stream(folder: Path, licence: str = "") -> Iterator[Piece | Refusal]:
    """Read a folder and all below it, a piece at a time, by name.

    Args:
        folder: which.
        licence: of all of it, instead of what lies there.

    Raises:
        FileError: there is no such folder, or no music in it.
    """
    if not folder.is_dir():
        raise FileError(f"There is no folder {folder}; name one with music in it.")
    index, found = _index(folder), False
    origins: dict[Path, Origin] = {}
    for file in _files(folder):
        if isinstance(file, Refusal):
            yield file
        elif file.suffix in MUSIC:
            found = True
            place = (folder / file.name).parent
            if place not in origins:
                origins[place] = _origin(folder, place, licence)
            origin = origins[place]
            entry = index.get(file.inside) or index.get(file.name) or {}
            yield from _read(file, origin, entry)
        elif file.suffix in AUDIO:
            found = True
            yield Refusal(file.name, IS_AUDIO)
    if not found:
        kinds = " ".join(sorted(MUSIC))
        raise FileError(f"{folder} holds no music ({kinds}, or a .zip of them).")


def _files(folder: Path) -> Iterator[_File | Refusal]:
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.suffix.lower() == ".zip" and path.is_file():
            yield from _zipped(path, name)
        elif path.is_file():
            try:
                yield _File(name, name, path.stat().st_size, path.read_bytes)
            except OSError as error:
                yield Refusal(name, str(error.strerror))


def _zipped(path: Path, name: str) -> Iterator[_File | Refusal]:
    try:
        with zipfile.ZipFile(path) as archive:
            for info in archive.infolist():
                if not info.is_dir():
                    full = f"{name}/{info.filename}"
                    load = _loader(archive, info.filename)
                    yield _File(full, info.filename, info.file_size, load)
    except (OSError, zipfile.BadZipFile) as error:
        yield Refusal(name, f"it is no zip ({error})")


def _loader(archive: zipfile.ZipFile, name: str) -> Callable[[], bytes]:
    return lambda: archive.read(name)


def _read(
    file: _File, origin: Origin, entry: dict[str, Any]
) -> Iterator[Piece | Refusal]:
    try:
        readings = notation.readings(_content(file), file.suffix)
    except (OSError, ValueError, RuntimeError, zipfile.BadZipFile) as error:
        yield Refusal(file.name, _reason(error))
        return
    for mark, reading in readings:
        name = f"{file.name}{mark}"
        try:
            yield from list(_views(reading(), origin, name, entry))
        except (OSError, ValueError, RuntimeError) as error:
            yield Refusal(name, _reason(error))


def _content(file: _File) -> bytes:
    if file.size > MOST_BYTES:
        raise ValueError(f"it has {file.size >> 20} MB; {MOST_BYTES >> 20} is most")
    return file.load()


def _reason(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:200]


def _views(
    music: Music, origin: Origin, name: str, entry: dict[str, Any]
) -> Iterator[Piece]:
    title = str(entry.get("title") or music.title or _stem(name))
    composer = str(entry.get("composer") or music.composer)
    stated = str(entry.get("licence") or entry.get("license") or origin.licence)
    origin = replace(origin, licence=stated)
    family = corpus.named(title, composer)
    for kind, parts in unlabelled(music.parts, music.keyboards):
        notes = clean(corpus.merge(parts))
        split = str(entry.get("split", UNDECIDED))
        yield Piece(
            origin,
            name,
            family,
            split,
            kind,
            notes,
            music.beats,
            engraved=music.is_written or on_beat(notes, music.beats) >= ENGRAVED,
            flat=music.is_written or evenness(notes) >= FLAT,
        )


def _stem(name: str) -> str:
    """A file's name without what tells copies apart: "(1)", "copy", "v2"."""
    stem = re.sub(r"\.[^./]+(?=$|#)", "", name.rpartition("/")[2])
    return re.sub(r"[\s_-]*(\(\d+\)|copy|v\d+)$", "", stem, flags=re.IGNORECASE)


def clean(notes: Notes) -> Notes:
    """Notes once each, none that hangs.

    Raises:
        ValueError: they are too few, too long or too many to be music.
    """
    _, first = np.unique(notes[["start", "pitch", "track"]], return_index=True)
    notes = notes[np.sort(first)]
    notes["velocity"] = np.clip(notes["velocity"], 1, 127)
    sounding = notes[~is_pedal(notes)]
    if len(sounding) < FEWEST_NOTES:
        raise ValueError(f"{len(sounding)} notes; {FEWEST_NOTES} are the least")
    last_s = float(sounding["start"].max())
    length_s = last_s - float(sounding["start"].min())
    if last_s > LONGEST_S:
        raise ValueError(
            f"it lasts {last_s / 3600:.0f} hours; {LONGEST_S / 3600:g} is most"
        )
    if len(sounding) > DENSEST * max(length_s, 1.0):
        raise ValueError(
            f"{len(sounding)} notes in {length_s:.0f} s are no hands' work"
        )
    notes["end"] = np.minimum(notes["end"], last_s + RINGS_S)
    return notes[notes["end"] > notes["start"]]


def on_beat(notes: Notes, beats: Floats) -> float:
    """Which share of the onsets lies on a 24th of a beat; chance has a quarter."""
    onsets = notes["start"][~is_pedal(notes)].astype(np.float64)
    if len(beats) < 2 or not len(onsets):
        return 0.0
    at = np.interp(onsets, beats, np.arange(len(beats))) * GRID
    return float((np.abs(at - np.rint(at)) <= NEAR_BEATS * GRID).mean())


def evenness(notes: Notes) -> float:
    """Which share of the notes has the velocity of the one before."""
    velocity = notes["velocity"][~is_pedal(notes)].astype(np.int64)
    return float((np.diff(velocity) == 0).mean()) if len(velocity) > 1 else 1.0


def _index(folder: Path) -> dict[str, dict[str, Any]]:
    """Entries of every INDEX.jsonl, by their file; a damaged line says nothing."""
    found: dict[str, dict[str, Any]] = {}
    for path in sorted(folder.rglob("INDEX.jsonl")):
        place = path.parent.relative_to(folder).as_posix()
        for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
            try:
                entry = json.loads(line)
                found[(Path(place) / str(entry["file"])).as_posix()] = entry
            except (json.JSONDecodeError, KeyError, TypeError):
                continue
    return found


def _origin(root: Path, place: Path, licence: str) -> Origin:
    """Where a folder's files come from: the nearest one above that states a licence."""
    for folder in (up for up in (place, *place.parents) if up.is_relative_to(root)):
        stated = _licence(folder)
        if stated or folder == root:
            break
    readme = folder / "README.md"
    known = read_origin(folder) if readme.is_file() else None
    name = folder.resolve().name
    if known is None:
        return Origin(name, licence or stated or NOT_STATED, NOT_STATED, NOT_STATED)
    fallback = known.licence if known.licence != NOT_STATED else stated or NOT_STATED
    return replace(known, name=name, licence=licence or fallback)


def _licence(folder: Path) -> str:
    """What a folder's LICENSE is, by its words; else its first line."""
    for path in sorted(folder.glob("*")):
        stem = path.stem.upper()
        if stem in {"LICENSE", "LICENCE", "COPYING"} and path.is_file():
            text = path.read_text(encoding="utf-8", errors="replace")
            lines = [line.strip() for line in text.splitlines() if line.strip()]
            return _licence_in(text) or (lines[0][:80] if lines else "")
    return ""


def _licence_in(text: str) -> str:
    """The licence that a text names first."""
    found = [
        (match.start(), name.format(next(filter(None, match.groups()), "")))
        for pattern, name in LICENCES
        if (match := re.search(pattern, text, re.IGNORECASE))
    ]
    return min(found)[1] if found else ""
