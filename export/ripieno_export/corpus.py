"""The shared music: zips of MIDI files, read where they lie.

A data folder holds `<group>/<source>/<source>.zip` beside a `README.md` (repository,
commit, licence) and an `INDEX.jsonl` (one piece a line). Groups 1 to 3 may be trained
on; group 4 is copyleft and group 5 is benchmarks: those are refused unless the caller
says that nothing will be published from them. A file that cannot be read is listed
with its reason, never fatal.

`ripieno_export.sources` lists what is read, and as what. `ripieno_export.folders` reads
any other folder. This module knows no crops; what it yields are notes in seconds, one
piece after the other: a corpus may be larger than memory.
"""

import lzma
import re
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np

from ripieno.errors import SettingsError
from ripieno_export.archives import Archive, Entry, opened
from ripieno_export.midi_files import Music, grid_of, music_of, parts_of
from ripieno_export.sources import SELECTION, Origin, Parts, Selection
from ripieno_export.tokenize import Floats, Notes

__all__ = [
    "Piece",
    "Reading",
    "Refusal",
    "family_of",
    "gather",
    "grid_of",
    "is_shared",
    "merge",
    "named",
    "parts_of",
    "read",
    "stream",
]

TRAIN: Final = "train"
VALID: Final = "valid"
UNDECIDED: Final = ""
"""The split where no index proposes one; packing then draws it by family."""

UNREADABLE: Final = (
    OSError,
    ValueError,
    RuntimeError,  # of symusic; also what zipfile cannot do, or has no password for
    EOFError,
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
)
"""What reading a file raises if it is damaged, of another kind, or not there."""

ReadMidi = Callable[[bytes], Music]


@dataclass(frozen=True, slots=True, eq=False)
class Piece:
    """A piece, or one view of it.

    Attributes:
        origin: where it comes from.
        file: its path in its source.
        family: equal for pieces that must share a split (same title and composer).
        split: `TRAIN`, `VALID` or `UNDECIDED`.
        kind: ``piano``, ``melody`` or ``duet`` (track 0 a voice, the rest its piano).
        notes: by onset; ``track`` 0 is the upper hand or the voice.
        beats: when its beats fall, in seconds; see `ripieno_export.midi_files.Music`.
        engraved, flat: whether its onsets lie on its beats, and its velocities say
            nothing; None to go by its origin.
    """

    origin: Origin
    file: str
    family: str
    split: str
    kind: str
    notes: Notes
    beats: Floats = field(default_factory=lambda: np.zeros(0))
    engraved: bool | None = None
    flat: bool | None = None


@dataclass(frozen=True, slots=True)
class Refusal:
    """A file, or a piece of one, that is not learned from.

    Attributes:
        file: its source and path.
        why: as a person is told.
    """

    file: str
    why: str


@dataclass(slots=True)
class Reading:
    """What was read, and what was not and why."""

    pieces: list[Piece] = field(default_factory=list)
    refused: list[tuple[str, str]] = field(default_factory=list)


def read(
    data: Path,
    selection: tuple[Selection, ...] = SELECTION,
    *,
    for_evaluation: bool = False,
) -> Reading:
    """Read every selected source under a data folder into memory; see `stream`."""
    return gather(stream(data, selection, for_evaluation=for_evaluation))


def gather(found: Iterable[Piece | Refusal]) -> Reading:
    """Pieces and refusals, apart."""
    reading = Reading()
    for each in found:
        if isinstance(each, Piece):
            reading.pieces.append(each)
        else:
            reading.refused.append((each.file, each.why))
    return reading


def is_shared(data: Path) -> bool:
    """Whether a folder is laid out in groups and sources."""
    return any((data / source.path / "INDEX.jsonl").is_file() for source in SELECTION)


def stream(
    data: Path,
    selection: tuple[Selection, ...] = SELECTION,
    *,
    read_midi: ReadMidi = music_of,
    for_evaluation: bool = False,
) -> Iterator[Piece | Refusal]:
    """Read every selected source under a data folder, a piece at a time.

    Args:
        data: the folder.
        selection: of its sources.
        read_midi: what is taken from a file.
        for_evaluation: whether nothing will be published from what is read.

    Raises:
        SettingsError: a source's group may not be trained on.
        FileError: a source is not there.
    """
    for source in selection:
        if source.path[:1] not in "123" and not for_evaluation:
            raise SettingsError(
                f"{source.path} may not be trained on: weights are published from the "
                "groups 1 to 3 only; group 4 is copyleft and group 5 is benchmarks."
            )
    for source in selection:
        yield from _read_source(data / source.path, source, read_midi)


def _read_source(
    folder: Path, source: Selection, read_midi: ReadMidi
) -> Iterator[Piece | Refusal]:
    with opened(folder) as archive:
        for entry in archive.entries(source.only, source.skip):
            yield from _read_entry(archive, source, entry, read_midi)


def _read_entry(
    archive: Archive, source: Selection, entry: Entry, read_midi: ReadMidi
) -> Iterator[Piece | Refusal]:
    name, origin = str(entry["file"]), archive.origin
    try:
        music = read_midi(archive.read(name))
        views = list(source.view(music.parts))
    except (*UNREADABLE, KeyError) as error:
        yield Refusal(f"{origin.name}/{name}", str(error))
        return
    family, split = family_of(entry, origin), str(entry.get("split", TRAIN))
    for kind, chosen in views:
        notes = merge(chosen)
        yield Piece(origin, name, family, split, kind, notes, music.beats)


def merge(parts: Parts) -> Notes:
    """Tracks as one array of notes, by onset; ``track`` numbers them."""
    for number, (_, notes) in enumerate(parts):
        notes["track"] = number
    notes = np.concatenate([notes for _, notes in parts])
    return notes[np.lexsort((notes["pitch"], notes["start"]))]


def family_of(entry: Entry, origin: Origin) -> str:
    """The title of a piece, letters only; in numbered collections its number."""
    if origin.name == "pop909":
        return f"pop909 {entry['id']}"
    title = str(entry.get("title") or entry.get("song") or entry["file"])
    return named(title, str(entry.get("composer") or ""))


def named(title: str, composer: str = "") -> str:
    """A family's name: equal for a title with and without its article, its commas."""
    surname = re.split(r"[\s,]", composer)[0]
    letters = re.sub(r"[^a-z0-9]+", "", title.lower().removeprefix("the "))
    letters = letters or title.strip().casefold()  # of other alphabets
    return f"{letters} {surname.lower()}".strip()
