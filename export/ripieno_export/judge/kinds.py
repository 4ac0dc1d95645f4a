"""The kinds of music that the band is judged on, and the part of each tune.

A *tune family* is all editions of one tune: the same title (and composer), or the same
melody under another title. A family is in one part:

- ``test``: no design choice is made on it, and no published weight is trained on it;
- ``dev``: everything else. Choices are made on it.

The part is a rule of `ripieno_export.parts`. Of pop, the dev part is the validation
set, which was not trained on. Files are read only when they are chosen.
"""

from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import Final

from ripieno_export.archives import Entry, opened
from ripieno_export.corpus import family_of
from ripieno_export.judge import corpora
from ripieno_export.judge.pickups import pickup_beats, tunes_of
from ripieno_export.judge.pieces import Reading
from ripieno_export.parts import is_test, number_of

DEV: Final = "dev"
TEST: Final = "test"
PARTS: Final = (DEV, TEST)
SHORTEST_BEATS: Final = 24
"""Shorter pieces have little left after eight beats of listening."""
ABC: Final = "tunes.abc"
FOLK: Final = "3_pd_works_no_encoding_licence"
LONGEST_BEATS: Final = 600
"""Longer files are whole works, not songs."""


@dataclass(frozen=True, slots=True)
class Source:
    """A folder of the shared data, as a kind of music.

    Attributes:
        path: under the data folder.
        label: what `TestPiece.corpus` says.
        only, skip: see `ripieno_export.archives.Archive.entries`.
        also: a track that accompanies besides the piano.
        is_known: whether published weights have learned from what its index does not
            hold out; that is left out of the test part.
        voice: how the melody's track may be called, in lower case; empty for any.
        abc: the file of its zip that says how long pickups are, a tune for each line
            of the index.
    """

    path: str
    label: str
    only: str = "midi/"
    skip: tuple[str, ...] = ()
    also: str = ""
    is_known: bool = False
    voice: tuple[str, ...] = ()
    abc: str = ""


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of music.

    Attributes:
        sources: where its pieces are; they take turns.
    """

    sources: tuple[Source, ...]


KINDS: Final = {
    "pop": Kind(
        (Source("2_mit_ccby/pop909", "POP909", "aligned/", ("518", "620"), "BRIDGE"),),
    ),
    "jazz": Kind(
        (
            Source("1_pd_cc0/neonscribe_jazz_pd", "Jazz"),
            Source("1_pd_cc0/openewld_clean", "OpenEWLD"),
        ),
    ),
    "art song": Kind(
        (
            Source(
                "1_pd_cc0/openscore_lieder",
                "Lieder",
                is_known=True,
                voice=("voice", "sing", "gesang", "chant"),
            ),
        ),
    ),
    "dance": Kind(
        (
            Source("4_copyleft/nottingham", "Nottingham"),
            Source(f"{FOLK}/oneills", "O'Neill", is_known=True, abc=ABC),
            Source(f"{FOLK}/ryans", "Ryan", is_known=True, abc=ABC),
        ),
    ),
    "hymn": Kind(
        (Source("1_pd_cc0/openhymnal", "Hymnal", voice=("soprano",)),),
    ),
}


def part_of(kind: str, family: str, split: str = "train") -> str:
    """The part of a tune family; an empty string for music that is in neither.

    Args:
        kind: one of `KINDS`.
        family: of `ripieno_export.corpus.family_of`.
        split: what the source's index proposes.
    """
    if kind != "pop":
        return TEST if is_test(kind, family) else DEV
    if split == "valid":
        return DEV
    return TEST if is_test(kind, family) else ""


def entries(data: Path, kind: str, part: str) -> list[tuple[Source, Entry]]:
    """The pieces of a part in a fixed random order; sources take turns.

    Pieces that the index holds out of training come first.

    Raises:
        FileError: a source is not there.
    """
    rows = [_entries(data, source, kind, part) for source in KINDS[kind].sources]
    return [found for turn in zip_longest(*rows) for found in turn if found]


def _entries(
    data: Path, source: Source, kind: str, part: str
) -> list[tuple[Source, Entry]]:
    with opened(data / source.path) as archive:
        rows = list(archive.entries())
        if source.abc:
            tunes = tunes_of(archive.read(source.abc).decode("utf-8", "replace"))
            for entry, tune in zip(rows, tunes, strict=True):
                entry["partial"] = pickup_beats(tune)
        found = [(entry, family_of(entry, archive.origin)) for entry in rows]
    chosen = [
        (entry.get("split") != "valid", number_of(family), str(entry["file"]), entry)
        for entry, family in found
        if part_of(kind, family, str(entry.get("split"))) == part
        and _is_song(entry, source)
        and not (source.is_known and part == TEST and entry.get("split") != "valid")
    ]
    return [(source, row[-1]) for row in sorted(chosen, key=lambda row: row[:3])]


def _is_song(entry: Entry, source: Source) -> bool:
    """Whether a file has one metre, whole bars, a melody, and a song's length."""
    metres = {tuple(metre) for metre in entry["ts"]}
    name, voice = f"/{entry['file']}", str(entry["tracks"][0][0]).lower()
    return (
        source.only in name
        and Path(name).stem not in source.skip
        and len(metres) == 1
        and not entry.get("bar_warnings")
        and not entry.get("bad_measures")
        and SHORTEST_BEATS <= entry["quarters"] <= LONGEST_BEATS
        and (not source.voice or any(name in voice for name in source.voice))
    )


def read(data: Path, kind: str, part: str, count: int | None = None) -> Reading:
    """Read the first pieces of a part.

    Args:
        data: holds `1_pd_cc0`, `2_mit_ccby` and so on.
        kind: one of `KINDS`.
        part: ``dev`` or ``test``.
        count: how many; None for all.

    Raises:
        FileError: a source is not there.
    """
    reading = Reading()
    for source, entry in entries(data, kind, part):
        if count is not None and len(reading.pieces) >= count:
            break
        with opened(data / source.path) as archive:
            corpora.read_entry(archive, entry, source.label, reading, source.also)
    return reading
