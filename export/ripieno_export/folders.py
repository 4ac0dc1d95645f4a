"""Anybody's folder of music: MIDI, ABC, MusicXML, MEI and Humdrum, zipped or not.

What is known of a file is taken from where its maker wrote it: titles and composers
from the file itself or an `INDEX.jsonl` (see `ripieno_export.corpus`), the licence and
the rest from what lies beside it (`ripieno_export.provenance`). What is not stated is
reported as such.

Whatever cannot be used is refused with its reason; nothing in a file ends the reading.
"""

import json
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import numpy as np

from ripieno.errors import FileError
from ripieno_export import corpus, notation, tree
from ripieno_export.corpus import TRAIN, UNDECIDED, UNREADABLE, VALID, Piece, Refusal
from ripieno_export.midi_files import Music
from ripieno_export.provenance import Origins
from ripieno_export.sources import Origin, unlabelled
from ripieno_export.tokenize import Floats, Notes, is_pedal
from ripieno_export.tree import File

MIDI: Final = frozenset({".mid", ".midi", ".kar"})
MUSIC: Final = MIDI | notation.SCORES | {".abc"}
AUDIO: Final = frozenset(
    {".wav", ".mp3", ".flac", ".ogg", ".oga", ".opus", ".m4a", ".aac", ".aif", ".aiff"}
)
IS_AUDIO: Final = (
    "it is audio, which is not transcribed here yet; turn it into MIDI with a "
    "transcription program, or record MIDI"
)
LONGEST_NAME: Final = 255
"""Characters; file systems know no longer ones, zips do."""
COPIES: Final = re.compile(
    r"([\s_-]*\(\d+\)|[\s_-]+(copy([\s_-]+\d+)?|v\d+))+$", re.IGNORECASE
)
SPLITS: Final = {"train": TRAIN, "training": TRAIN} | dict.fromkeys(
    ("valid", "validation", "val", "dev", "test"), VALID
)
"""The names of parts in indices; test music is never trained on."""
FEWEST_NOTES: Final = 16
LONGEST_S: Final = 4 * 3600.0
DENSEST: Final = 60.0
"""Notes a second over a whole piece; the densest piano music here has 25."""
RINGS_S: Final = 10.0
"""A note that sounds longer than this past the last onset hangs: its off is missing."""
GRID: Final = 24
NEAR_BEATS: Final = 0.005
"""Onsets this near to a 24th of a beat are on it; by chance, a quarter of them are."""
ENGRAVED: Final = 0.55
"""Share of onsets on the grid that makes a score; halfway between what was measured:
at most .28 in GiantMIDI's performances, at least .82 in six collections of scores."""
FLAT: Final = 0.5
"""Share of notes with the velocity of the one before that makes a flat touch. Measured:
at most .05 in performances and .40 where it was set by hand, at least .57 in scores."""


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
    origins = Origins(folder, licence)
    for file in tree.files(folder, MUSIC | AUDIO):
        if isinstance(file, Refusal):
            yield file
            continue
        found = True
        if file.suffix in AUDIO:
            yield Refusal(file.name, IS_AUDIO)
        else:
            entry = index.get(file.listed) or index.get(file.name) or {}
            yield from _read(file, origins.of(file.place), entry)
    if not found:
        kinds = " ".join(sorted(MUSIC))
        raise FileError(f"{folder} holds no music ({kinds}, or a .zip of them).")


def _read(
    file: File, origin: Origin, entry: dict[str, Any]
) -> Iterator[Piece | Refusal]:
    try:
        readings = notation.readings(file.load(), file.suffix)
    except UNREADABLE as error:
        yield Refusal(file.name, tree.reason(error))
        return
    for mark, reading in readings:
        name = f"{file.name}{mark}"
        try:
            yield from list(_views(reading(), origin, name, entry))
        except UNREADABLE as error:
            yield Refusal(name, tree.reason(error))


def _views(
    music: Music, origin: Origin, name: str, entry: dict[str, Any]
) -> Iterator[Piece]:
    title = str(entry.get("title") or music.title or _stem(name))
    composer = str(entry.get("composer") or music.composer)
    stated = str(entry.get("licence") or entry.get("license") or origin.licence)
    origin = replace(origin, licence=tree.printable(stated))
    family = corpus.named(tree.printable(title), tree.printable(composer))
    split = SPLITS.get(str(entry.get("split")).lower(), UNDECIDED)
    for kind, parts in unlabelled(music.parts, music.keyboards):
        notes = clean(corpus.merge(parts))
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
    """A file's name without what tells copies apart: "(1)", "copy", "v2".

    Words need something between: "songv2" is a name, as "bwv846" is.
    """
    last = name.rpartition("/")[2][-LONGEST_NAME:]
    stem = re.sub(r"\.[^./]+(?=$|#)", "", last)
    return COPIES.sub("", stem) or stem


def clean(notes: Notes) -> Notes:
    """Notes once each, none that hangs or has no length.

    Raises:
        ValueError: they are too few, too long or too many to be music.
    """
    lasting = notes["end"] > notes["start"]
    empty = int((~lasting & ~is_pedal(notes)).sum())
    notes = notes[lasting]
    _, first = np.unique(notes[["start", "pitch", "track"]], return_index=True)
    notes = notes[np.sort(first)]
    notes["velocity"] = np.clip(notes["velocity"], 1, 127)
    sounding = notes[~is_pedal(notes)]
    if len(sounding) < FEWEST_NOTES:
        more = f" ({empty} more have no length)" if empty else ""
        raise ValueError(f"{len(sounding)} notes{more}; {FEWEST_NOTES} are the least")
    _check_length(sounding["start"].astype(np.float64))
    notes["end"] = np.minimum(notes["end"], sounding["start"].max() + RINGS_S)
    return notes[notes["end"] > notes["start"]]


def _check_length(starts: Floats) -> None:
    """Whether so many notes can be a piece of music.

    The last moment lasts as long as the mean of the others: two chords that are half a
    second apart are a second of music, and one chord alone is of no length at all.
    """
    count, moments = len(starts), len(np.unique(starts))
    if starts.max() > LONGEST_S:
        hours = starts.max() / 3600
        raise ValueError(f"it lasts {hours:.0f} hours; {LONGEST_S / 3600:g} is most")
    if moments == 1:
        raise ValueError(f"its {count} notes all begin at once: a chord is no piece")
    length_s = (starts.max() - starts.min()) * moments / (moments - 1)
    if count > DENSEST * length_s:
        raise ValueError(f"{count} notes in {length_s:.3f} s are no hands' work")


def on_beat(notes: Notes, beats: Floats) -> float:
    """The share of the onsets that lie on a 24th of a beat; by chance, a quarter."""
    onsets = notes["start"][~is_pedal(notes)].astype(np.float64)
    if len(beats) < 2 or not len(onsets):
        return 0.0
    at = np.interp(onsets, beats, np.arange(len(beats))) * GRID
    return float((np.abs(at - np.rint(at)) <= NEAR_BEATS * GRID).mean())


def evenness(notes: Notes) -> float:
    """The share of the notes that have the velocity of the note before."""
    velocity = notes["velocity"][~is_pedal(notes)].astype(np.int64)
    return float((np.diff(velocity) == 0).mean()) if len(velocity) > 1 else 1.0


def _index(folder: Path) -> dict[str, dict[str, Any]]:
    """Entries of every INDEX.jsonl, by their file; a damaged line is skipped."""
    found: dict[str, dict[str, Any]] = {}
    for path in tree.paths(folder):
        if isinstance(path, Path) and path.name == "INDEX.jsonl":
            place = path.parent.relative_to(folder)
            for entry in _entries(path):
                found[(place / str(entry["file"])).as_posix()] = entry
    return found


def _entries(index: Path) -> Iterator[dict[str, Any]]:
    with suppress(OSError), index.open(encoding="utf-8", errors="replace") as lines:
        for line in lines:
            with suppress(ValueError, RecursionError):
                entry = json.loads(line)
                if isinstance(entry, dict) and "file" in entry:
                    yield entry
