"""Packed music: a folder of arrays that are mapped, not read.

All notes lie end to end in one `.npy` file, and so do all beats; a row per piece says
where its own begin. A corpus may be larger than memory: what is loaded is the rows.
`about.json` says where the music comes from, `pieces.jsonl` what each piece is.

A corpus of one `.npz`, as earlier releases packed it, is still read; it knows neither
families nor beats.
"""

import csv
import json
import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final, Self

import numpy as np
import numpy.typing as npt

from ripieno.errors import FileError
from ripieno.layouts import vocabulary
from ripieno_export.sources import DYNAMIC, EXPRESSIVE, Origin
from ripieno_export.tokenize import Floats, Ints, Notes

KINDS: Final = ("piano", "melody", "duet")
TUNE: Final = re.compile(r"#\d+$")
"""What follows a tunebook's name: which of its tunes it is."""
ABOUT: Final = "about.json"
PIECES: Final = "pieces.jsonl"
REFUSED: Final = "refused.csv"
MAPPED: Final = ("notes", "beats")
"""What grows with the music; all else grows with the number of pieces."""
ROWS: Final = (
    "bounds",
    "beat_bounds",
    "kind",
    "origin",
    "held_out",
    "family",
    "engraved",
    "flat",
)
UNKNOWN: Final = -1
"""The family of a piece whose corpus was packed before families were kept."""

Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Packed:
    """The corpus in arrays.

    Attributes:
        notes: all pieces' notes end to end.
        bounds: piece p is ``notes[bounds[p]:bounds[p + 1]]``; shape (P + 1,).
        kind, origin: indices into `KINDS` and `origins`, shape (P,).
        held_out: which pieces are never trained on, shape (P,).
        family: equal for pieces that must share a split; a hash, or `UNKNOWN`.
        engraved: whose onsets lie on the beat, shape (P,).
        flat: whose velocities carry no touch, shape (P,).
        beats: when each piece's beats fall, in seconds, end to end.
        beat_bounds: as `bounds`, for beats; all 0 where none are known.
        origins: the sources.
        refused: files that could not be used, with the reason.
    """

    notes: Notes
    bounds: Ints
    kind: Ints
    origin: Ints
    held_out: Bools
    family: Ints
    engraved: Bools
    flat: Bools
    beats: Floats
    beat_bounds: Ints
    origins: tuple[Origin, ...]
    refused: tuple[tuple[str, str], ...]

    def piece(self, number: int) -> Notes:
        """One piece's notes."""
        return self.notes[self.bounds[number] : self.bounds[number + 1]]

    def beats_of(self, number: int) -> Floats:
        """When one piece's beats fall, in seconds; empty where they are not known."""
        return self.beats[self.beat_bounds[number] : self.beat_bounds[number + 1]]

    def in_memory(self) -> Self:
        """The same, read from the disk whole."""
        return replace(self, notes=np.array(self.notes), beats=np.array(self.beats))

    @property
    def has_families(self) -> bool:
        """Whether it is known which pieces must share a split."""
        return bool((self.family != UNKNOWN).all())


def is_packed(folder: Path) -> bool:
    """Whether a folder is a packed corpus."""
    return (folder / ABOUT).is_file() and (folder / "notes.npy").is_file()


def files(folder: Path) -> int:
    """How many files a packed corpus was made of; a tunebook is one."""
    lines = (folder / PIECES).read_text(encoding="utf-8").splitlines()
    return len({TUNE.sub("", json.loads(line)["file"]) for line in lines})


def load(path: Path) -> Packed:
    """Open a packed corpus, a folder or an `.npz`; notes and beats stay on the disk.

    Raises:
        FileError: it is not there, damaged, or of another vocabulary.
    """
    try:
        if path.is_file():
            return _load_archive(path)
        about = json.loads((path / ABOUT).read_text(encoding="utf-8"))
        _check_vocabulary(path, about["vocabulary"])
        arrays: dict[str, Any] = {n: np.load(path / f"{n}.npy") for n in ROWS}
        for name in MAPPED:
            arrays[name] = mapped(path / f"{name}.npy")
    except (OSError, KeyError, ValueError, EOFError) as error:
        raise FileError(
            f"The packed corpus {path} cannot be read ({error}); "
            "delete it and pack the music again."
        ) from error
    return Packed(**arrays, **_stated(about))


def mapped(path: Path) -> npt.NDArray[Any]:
    """An `.npy` file, left on the disk; an empty one cannot be mapped, and is read."""
    try:
        return np.load(path, mmap_mode="r")  # type: ignore[no-any-return]
    except ValueError:
        return np.load(path)  # type: ignore[no-any-return]


def _stated(about: dict[str, Any]) -> dict[str, Any]:
    origins = tuple(Origin(**entry) for entry in about["origins"])
    refused = tuple((name, why) for name, why in about["refused"])
    return {"origins": origins, "refused": refused}


def _check_vocabulary(path: Path, stamp: str) -> None:
    if stamp != vocabulary.fingerprint():
        raise FileError(
            f"The packed corpus {path} is of another vocabulary ({stamp}; this release "
            f"has {vocabulary.fingerprint()}); pack the music again."
        )


def _load_archive(path: Path) -> Packed:
    with np.load(path) as file:
        about = json.loads(str(file["about"]))
        arrays = {n: file[n] for n in ("notes", "bounds", "kind", "origin", "held_out")}
    stated = _stated(about)
    names = [origin.name for origin in stated["origins"]]
    pieces = len(arrays["kind"])
    return Packed(
        **arrays,
        **stated,
        family=np.full(pieces, UNKNOWN, np.int64),
        engraved=np.array([n not in EXPRESSIVE for n in names])[arrays["origin"]],
        flat=np.array([n not in DYNAMIC for n in names])[arrays["origin"]],
        beats=np.zeros(0),
        beat_bounds=np.zeros(pieces + 1, np.int64),
    )


def save(packed: Packed, folder: Path) -> None:
    """Write a corpus that is in memory; `ripieno_export.packing` writes as it reads."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in (*ROWS, *MAPPED):
        np.save(folder / f"{name}.npy", getattr(packed, name))
    state(folder, packed.origins, packed.refused)


def state(
    folder: Path, origins: Iterable[Origin], refused: Iterable[tuple[str, str]]
) -> None:
    """Write what a corpus says of itself, and the table of what was refused.

    It is written last: a corpus without it is not whole.
    """
    refused = list(refused)
    with (folder / REFUSED).open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file)
        table.writerows([("file", "reason"), *refused])
    about = {
        "vocabulary": vocabulary.fingerprint(),
        "origins": [asdict(origin) for origin in origins],
        "refused": refused,
    }
    text = json.dumps(about, indent=1, ensure_ascii=False)
    (folder / ABOUT).write_text(text, encoding="utf-8")
