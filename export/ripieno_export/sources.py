"""Which music is learned from, how its tracks are read, and where it comes from.

A source is a folder `<group>/<source>/`. A view turns a file's tracks into pieces: a
song is learned from three times, as its voice, as its piano, and as both.

This module opens no MIDI file; `ripieno_export.corpus` does.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from ripieno_export.tokenize import Notes, is_pedal

EXPRESSIVE: Final = frozenset({"giantmidi_sample"})
"""Sources whose onsets were played, not engraved: they get no timing jitter."""
DYNAMIC: Final = frozenset({"giantmidi_sample", "pop909"})
"""Sources whose velocities were played or set by hand, note by note."""

NOT_STATED: Final = "not stated"

VOICE: Final = re.compile(
    r"melod|voice|vocal|\bvox\b|\blead\b|\bsing|canto|gesang|stimme", re.IGNORECASE
)
"""How a melody track of any other file is called; several voices are not one."""
ONE_LINE: Final = 0.85
"""A line is a track of which this share of the notes ends by the next onset. Source: 99
of 100 melodies of POP909 have .875 or more, of its pianos 1 in 100 has .52."""
MOST_PARTS: Final = 4
"""A file with more parts than a choir or a quartet has is not for two hands."""

Parts = list[tuple[str, Notes]]
"""Tracks that have notes: their names and notes."""
View = Callable[[Parts], Iterator[tuple[str, Parts]]]
"""Tracks → (kind, tracks) of each piece that they are read as."""


@dataclass(frozen=True, slots=True)
class Origin:
    """A source of music, as its README states it."""

    name: str
    licence: str
    repository: str
    commit: str


def piano(parts: Parts) -> Iterator[tuple[str, Parts]]:
    """All tracks as one piano; hands are told apart by their mean pitch."""
    middle = np.mean(np.concatenate([notes["pitch"] for _, notes in parts]))
    parts.sort(key=lambda part: bool(part[1]["pitch"].mean() < middle))
    yield "piano", parts


def melody(parts: Parts) -> Iterator[tuple[str, Parts]]:
    """The first track alone."""
    yield "melody", parts[:1]


def song(parts: Parts) -> Iterator[tuple[str, Parts]]:
    """A voice over a piano's two staves: the voice, the piano, and both."""
    if len(parts) != 3:
        raise ValueError(f"{len(parts)} tracks where a song has 3")
    yield "melody", parts[:1]
    yield from piano(parts[1:])
    yield "duet", parts


def pop(parts: Parts) -> Iterator[tuple[str, Parts]]:
    """POP909's MELODY and PIANO; its BRIDGE and rendered CHORDS are left out."""
    named = dict(parts)
    both = [("MELODY", named["MELODY"]), ("PIANO", named["PIANO"])]
    yield "melody", both[:1]
    yield "piano", both[1:]
    yield "duet", both


def unlabelled(parts: Parts, keyboards: Sequence[bool]) -> Iterator[tuple[str, Parts]]:
    """Any other file: one line, a voice and its piano, or all as one piano.

    Args:
        parts: its pitched tracks.
        keyboards: which of them a keyboard plays.

    Raises:
        ValueError: it is an ensemble without a keyboard or a voice.
    """
    if len(parts) == 1:
        yield ("melody" if is_line(parts[0][1]) else "piano"), parts
        return
    hands = [part for part, keys in zip(parts, keyboards, strict=True) if keys]
    voice = _voice(parts, hands)
    playing = [part for part in hands if part is not voice][:MOST_PARTS]
    if voice is not None:
        yield "melody", [voice]
    if voice is not None and playing:
        yield from piano(list(playing))
        yield "duet", [voice, *playing]
    elif voice is None and len(parts) <= MOST_PARTS:
        yield from piano(parts)
    elif voice is None and playing:
        yield from piano(playing)
    elif voice is None:
        raise ValueError(
            f"{len(parts)} parts, and neither a keyboard nor a melody among them"
        )


def _voice(parts: Parts, hands: Parts) -> tuple[str, Notes] | None:
    """The one part that is called a voice, or the one line over some keyboards."""
    named = [part for part in parts if VOICE.search(part[0])]
    if not named and len(hands) == len(parts) - 1:
        named = [part for part in parts if all(part is not hand for hand in hands)]
    return named[0] if len(named) == 1 and is_line(named[0][1]) else None


def is_line(notes: Notes) -> bool:
    """Whether notes are a melody: nearly all have ended when the next one begins."""
    sounding = np.sort(notes[~is_pedal(notes)], order="start")
    if len(sounding) < 2:
        return True
    ends = sounding["end"][:-1] <= sounding["start"][1:] + 1e-3
    return float(ends.mean()) >= ONE_LINE


@dataclass(frozen=True, slots=True)
class Selection:
    """Which files of a source are read, and how."""

    path: str
    view: View
    only: str = ""
    skip: tuple[str, ...] = ()


SELECTION: Final = (
    Selection("2_mit_ccby/polish_piano", piano),
    Selection("2_mit_ccby/chopin_first_editions", piano),
    Selection("1_pd_cc0/mutopia_pd", piano, only="/keyboard/"),
    Selection("2_mit_ccby/mutopia_ccby", piano, only="/keyboard/"),
    Selection("2_mit_ccby/giantmidi_sample", piano),
    # 518 and 620: misaligned hands, says the README of POP909-CL.
    Selection("2_mit_ccby/pop909", pop, only="aligned/", skip=("518", "620")),
    Selection("1_pd_cc0/openscore_lieder", song),
    Selection("2_mit_ccby/polish_voice_piano", song),
    Selection("1_pd_cc0/openewld_clean", melody),
    Selection("3_pd_works_no_encoding_licence/oneills", melody),
    Selection("3_pd_works_no_encoding_licence/ryans", melody),
)


def read_origin(folder: Path) -> Origin:
    """What a source's README states of its licence, repository and commit."""
    text = (folder / "README.md").read_text(encoding="utf-8", errors="replace")

    def stated(label: str) -> str:
        found = re.search(rf"^- {label}: (.+)$", text, re.MULTILINE)
        return found.group(1).strip() if found else NOT_STATED

    repository = stated("Source repository")
    return Origin(folder.name, stated("Licence"), repository, stated("Commit"))
