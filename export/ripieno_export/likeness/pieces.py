"""The encoder's music: notes in beats, and which pieces are trained on.

The same sources and views as the event models', with choirs and quartets. A song is
there three times (voice, piano, both), in one family. What is held out is split once
more, by name: on one half choices are made, on the other half figures are measured.
"""

import json
import zlib
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from ripieno.errors import FileError
from ripieno.layouts.likeness import Floats, in_order
from ripieno_export.corpus import Piece, stream
from ripieno_export.midi_files import music_in_beats
from ripieno_export.sources import SELECTION, Origin, Parts, Selection, piano
from ripieno_export.split import separate
from ripieno_export.tokenize import Ints

TRAINED, CHOOSING, JUDGED = range(3)
"""What a piece is used for: training, choices, or figures."""
KINDS: Final = ("piano", "melody", "duet", "choir", "quartet")
LEAST_BEATS: Final = 12.0
"""A window and a hop; shorter pieces have no second window."""


def choir(parts: Parts) -> Iterator[tuple[str, Parts]]:
    """All voices together."""
    yield "choir", parts


def quartet(parts: Parts) -> Iterator[tuple[str, Parts]]:
    """All strings together."""
    yield "quartet", parts


SOURCES: Final = (
    *SELECTION,
    Selection("3_pd_works_no_encoding_licence/bach_chorales_music21", choir),
    Selection("1_pd_cc0/openhymnal", choir),
    Selection("2_mit_ccby/polish_satb", choir),
    Selection("1_pd_cc0/openscore_string_quartets", quartet),
)
UNSEEN: Final = (Selection("4_copyleft/nottingham", piano),)
"""A collection of another kind, for judging alone: folk tunes with chords."""
GENRES: Final = {
    "piano": (
        "polish_piano",
        "chopin_first_editions",
        "mutopia_pd",
        "mutopia_ccby",
        "giantmidi_sample",
    ),
    "pop": ("pop909",),
    "art song": ("openscore_lieder", "polish_voice_piano"),
    "lead sheet": ("openewld_clean",),
    "folk tune": ("oneills", "ryans", "nottingham"),
    "chorale": ("bach_chorales_music21", "openhymnal"),
    "motet": ("polish_satb",),
    "quartet": ("openscore_string_quartets",),
}


@dataclass(frozen=True, slots=True)
class Music:
    """All pieces in arrays.

    Attributes:
        notes: (onset in beats, end, pitch) of all pieces end to end, float32 [N, 3].
        bounds: piece p is ``notes[bounds[p]:bounds[p + 1]]``; (P + 1,).
        kind, origin: indices into `KINDS` and `origins`, (P,).
        part: `TRAINED`, `CHOOSING` or `JUDGED`, (P,).
        family: a number, equal for views and editions of one piece, (P,).
        names: the files.
        origins: the sources.
    """

    notes: npt.NDArray[np.float32]
    bounds: Ints
    kind: Ints
    origin: Ints
    part: Ints
    family: Ints
    names: tuple[str, ...]
    origins: tuple[Origin, ...]

    def __len__(self) -> int:
        return len(self.kind)

    def piece(self, number: int) -> Floats:
        """The notes of a piece, in order."""
        whole = slice(self.bounds[number], self.bounds[number + 1])
        return self.notes[whole].astype(np.float64)

    def genre(self, number: int) -> str:
        """What sort of collection a piece is from."""
        source = self.origins[self.origin[number]].name
        return next(genre for genre, names in GENRES.items() if source in names)


def read(data: Path, selection: tuple[Selection, ...] = SOURCES) -> Music:
    """Read and split everything.

    Raises:
        FileError: a source is not there.
    """
    # That nothing is trained on which must not be, `SOURCES` sees to.
    found = stream(data, selection, read_midi=music_in_beats, for_evaluation=True)
    pieces = [piece for piece in found if isinstance(piece, Piece)]
    kept = [piece for piece in separate(pieces) if _length(piece) >= LEAST_BEATS]
    if not kept:
        raise FileError(f"{data} holds no piece of {LEAST_BEATS:g} beats; add data.")
    return _packed(kept)


def save(music: Music, path: Path) -> None:
    """Write the cache."""
    about = {"origins": [asdict(o) for o in music.origins], "names": music.names}
    arrays = {name: getattr(music, name) for name in _ARRAYS}
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez(path, **arrays, about=json.dumps(about))


def load(path: Path) -> Music:
    """Read the cache.

    Raises:
        FileError: it is not there or damaged.
    """
    try:
        with np.load(path) as file:
            arrays = {name: file[name] for name in _ARRAYS}
            about = json.loads(str(file["about"]))
    except (OSError, KeyError, ValueError) as error:
        raise FileError(
            f"The packed music {path} cannot be read ({error}); "
            "delete it and train again."
        ) from error
    origins = tuple(Origin(**entry) for entry in about["origins"])
    return Music(**arrays, names=tuple(about["names"]), origins=origins)


_ARRAYS: Final = ("notes", "bounds", "kind", "origin", "part", "family")


def _packed(pieces: list[Piece]) -> Music:
    origins = tuple(dict.fromkeys(piece.origin for piece in pieces))
    families = {
        name: n for n, name in enumerate(dict.fromkeys(p.family for p in pieces))
    }
    rows = [_rows(piece) for piece in pieces]
    return Music(
        np.concatenate(rows).astype(np.float32),
        np.cumsum([0, *map(len, rows)], dtype=np.int64),
        np.array([KINDS.index(piece.kind) for piece in pieces], np.int64),
        np.array([origins.index(piece.origin) for piece in pieces], np.int64),
        np.array([_part_of(piece) for piece in pieces], np.int64),
        np.array([families[piece.family] for piece in pieces], np.int64),
        tuple(f"{piece.origin.name}/{piece.file}" for piece in pieces),
        origins,
    )


def _part_of(piece: Piece) -> int:
    if piece.split == "train":
        return TRAINED
    return CHOOSING if zlib.crc32(piece.family.encode()) % 2 else JUDGED


def _rows(piece: Piece) -> Floats:
    notes = piece.notes
    return in_order(np.stack([notes["start"], notes["end"], notes["pitch"]], 1))


def _length(piece: Piece) -> float:
    return float(piece.notes["start"][-1] - piece.notes["start"][0])
