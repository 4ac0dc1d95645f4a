"""The kinds of music that the band is judged on, and the part of each tune.

A *tune family* is all editions of one tune: the same title (and composer), or the same
melody under another title. A family is in one part:

- ``test``: no design choice is made on it, and no published weight is trained on it;
- ``dev``: everything else. Choices are made on it.

The part is a rule: the hash of the family's name. Pop keeps the parts of
`ripieno_export.judge.corpora`; its dev part is the validation set, which was not
trained on. Files are read only when they are chosen.
"""

import hashlib
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import Final

from ripieno_export.archives import Entry, opened
from ripieno_export.corpus import family_of
from ripieno_export.judge import corpora
from ripieno_export.judge.pieces import Reading

DEV: Final = "dev"
TEST: Final = "test"
PARTS: Final = (DEV, TEST)
SHORTEST_BEATS: Final = 24
"""Shorter pieces have little left after eight beats of listening."""
LONGEST_BEATS: Final = 600
"""Longer files are whole works, not songs."""


@dataclass(frozen=True, slots=True)
class Source:
    """A folder of the shared data, as a kind of music.

    Attributes:
        path: under the data folder.
        label: what `TestPiece.corpus` says.
        only, skip: see `ripieno_export.archives.Archive.entries`.
        voice: how the melody's track may be called, in lower case; empty for any.
    """

    path: str
    label: str
    only: str = "midi/"
    skip: tuple[str, ...] = ()
    voice: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of music.

    Attributes:
        sources: where its pieces are; they take turns.
        test_percent: the share of its families in the test part.
    """

    sources: tuple[Source, ...]
    test_percent: int


KINDS: Final = {
    "pop": Kind(
        (Source("2_mit_ccby/pop909", "POP909", "aligned/", ("518", "620")),),
        corpora.TEST_SHARE,
    ),
    "jazz": Kind(
        (
            Source("1_pd_cc0/neonscribe_jazz_pd", "Jazz"),
            Source("1_pd_cc0/openewld_clean", "OpenEWLD"),
        ),
        20,
    ),
    "art song": Kind(
        (
            Source(
                "1_pd_cc0/openscore_lieder",
                "Lieder",
                voice=("voice", "sing", "gesang", "chant"),
            ),
        ),
        8,
    ),
    "dance": Kind(
        (
            Source("4_copyleft/nottingham", "Nottingham"),
            Source("3_pd_works_no_encoding_licence/oneills", "O'Neill"),
            Source("3_pd_works_no_encoding_licence/ryans", "Ryan"),
        ),
        8,
    ),
    "hymn": Kind(
        (Source("1_pd_cc0/openhymnal", "Hymnal", voice=("soprano",)),),
        25,
    ),
}


def part_of(kind: str, family: str, split: str = "train") -> str:
    """The part of a tune family; an empty string for music that is in neither.

    Args:
        kind: one of `KINDS`.
        family: of `ripieno_export.corpus.family_of`.
        split: what the source's index proposes.
    """
    if kind == "pop":
        parts = {"valid": DEV, "test": TEST}
        return parts.get(corpora.part_of(family, split), "")
    return TEST if _draw(kind, family) < KINDS[kind].test_percent else DEV


def _draw(kind: str, family: str) -> int:
    """A number from 0 to 99 for a family."""
    return _hash(f"{kind} {family}") % 100


def _hash(text: str) -> int:
    return int(hashlib.sha256(text.encode()).hexdigest(), 16)


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
        found = [
            (entry, family_of(entry, archive.origin))
            for entry in archive.entries(source.only, source.skip)
            if _is_song(entry, source)
        ]
    chosen = [
        (entry.get("split") != "valid", _hash(family), str(entry["file"]), entry)
        for entry, family in found
        if part_of(kind, family, str(entry.get("split"))) == part
    ]
    return [(source, row[-1]) for row in sorted(chosen, key=lambda row: row[:3])]


def _is_song(entry: Entry, source: Source) -> bool:
    """Whether a file is of one metre, neither too short nor too long, with a melody."""
    metres = {tuple(metre) for metre in entry["ts"]}
    voice = str(entry["tracks"][0][0]).lower()
    return (
        len(metres) == 1
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
            corpora.read_entry(archive, entry, source.label, reading)
    return reading
