"""Music → a packed corpus, written while it is read.

1. Pieces come one at a time; repeats and crumbs are refused; notes and beats go to the
   disk at once, in `.npy` files whose length is written last.
2. The split is settled on the mapped notes, again piece by piece.

In memory: one piece's notes, rows and hashes of some 500 bytes a piece, and the n-grams
of a bounded part of what is held out.
"""

import json
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Final, Self

import numpy as np
import numpy.typing as npt
from numpy.lib import format as npy

from ripieno.errors import FileError
from ripieno_export import corpus, folders, packed, split
from ripieno_export.corpus import UNDECIDED, VALID, Piece, Refusal
from ripieno_export.packed import KINDS, PIECES, Packed
from ripieno_export.sources import DYNAMIC, EXPRESSIVE, Origin
from ripieno_export.tokenize import NOTE

FEWEST: Final = 16
"""Notes of the shortest piece that is kept."""
BEAT: Final = np.dtype("f4")


class GrowingArray:
    """An `.npy` file of one dimension that is appended to."""

    def __init__(
        self, path: Path, dtype: np.dtype[np.void] | np.dtype[np.float32]
    ) -> None:
        self._dtype, self._length = dtype, 0
        self._file: IO[bytes] = path.open("wb")
        self._head()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._file.seek(0)
        self._head()  # numpy pads it, so that a longer number has room
        self._file.close()

    def append(self, rows: npt.NDArray[Any]) -> int:
        """Write rows; how many there are now."""
        self._file.write(np.ascontiguousarray(rows, self._dtype).tobytes())
        self._length += len(rows)
        return self._length

    def _head(self) -> None:
        about = {
            "descr": npy.dtype_to_descr(self._dtype),
            "fortran_order": False,
            "shape": (self._length,),
        }
        npy.write_array_header_1_0(self._file, about)


@dataclass(slots=True)
class _Rows:
    """What is kept of each piece; see `ripieno_export.packed.Packed`."""

    bounds: list[int] = field(default_factory=lambda: [0])
    beat_bounds: list[int] = field(default_factory=lambda: [0])
    kind: list[int] = field(default_factory=list)
    origin: list[int] = field(default_factory=list)
    family: list[int] = field(default_factory=list)
    engraved: list[bool] = field(default_factory=list)
    flat: list[bool] = field(default_factory=list)
    split: list[str] = field(default_factory=list)
    origins: dict[Origin, int] = field(default_factory=dict)

    def add(self, piece: Piece, notes: int, beats: int) -> None:
        """A piece; so many notes and beats lie on the disk up to its end."""
        name = piece.origin.name
        self.bounds.append(notes)
        self.beat_bounds.append(beats)
        self.kind.append(KINDS.index(piece.kind))
        self.origin.append(self.origins.setdefault(piece.origin, len(self.origins)))
        self.family.append(split.number_of(piece.family))
        self.engraved.append(
            name not in EXPRESSIVE if piece.engraved is None else piece.engraved
        )
        self.flat.append(name not in DYNAMIC if piece.flat is None else piece.flat)
        self.split.append(piece.split)


class Writer:
    """Takes pieces in and forgets their notes.

    Args:
        folder: where the arrays go; it is there already.
    """

    def __init__(self, folder: Path) -> None:
        self._folder, self._rows = folder, _Rows()
        self._repeats = split.Repeats()
        self._refused: dict[str, str] = {}

    def write(self, found: Iterable[Piece | Refusal]) -> None:
        """Write notes, beats and a line about each piece."""
        with (
            GrowingArray(self._folder / "notes.npy", NOTE) as notes,
            GrowingArray(self._folder / "beats.npy", BEAT) as beats,
            (self._folder / PIECES).open("w", encoding="utf-8") as lines,
        ):
            for each in found:
                if (why := self._why_not(each)) is not None:
                    self._refused.setdefault(each.file, why)
                elif isinstance(each, Piece):
                    ends = notes.append(each.notes), beats.append(each.beats)
                    self._rows.add(each, *ends)
                    lines.write(json.dumps(_about(each), ensure_ascii=False) + "\n")

    def finish(self, held_out_share: float) -> None:
        """Settle the split, and write what is kept of each piece."""
        rows = self._rows
        if not rows.kind:
            shown = [f"{file}: {why}" for file, why in self._refused.items()][:3]
            raise FileError(
                f"No piece could be used; {len(self._refused)} were refused "
                f"({'; '.join(shown) or 'none was there'})."
            )
        family = np.array(rows.family, np.int64)
        named = np.array(rows.split)
        proposed = np.where(
            named == UNDECIDED, split.drawn(family, held_out_share), named == VALID
        )
        notes = packed.mapped(self._folder / "notes.npy")
        bounds = np.array(rows.bounds, np.int64)
        held_out = split.settled(
            lambda number: notes[bounds[number] : bounds[number + 1]], family, proposed
        )
        self._save("bounds", bounds)
        self._save("beat_bounds", np.array(rows.beat_bounds, np.int64))
        self._save("kind", np.array(rows.kind, np.int64))
        self._save("origin", np.array(rows.origin, np.int64))
        self._save("family", family)
        self._save("held_out", held_out)
        self._save("engraved", np.array(rows.engraved, np.bool_))
        self._save("flat", np.array(rows.flat, np.bool_))
        packed.state(self._folder, rows.origins, self._refused.items())

    def _save(self, name: str, array: npt.NDArray[Any]) -> None:
        np.save(self._folder / f"{name}.npy", array)

    def _why_not(self, each: Piece | Refusal) -> str | None:
        if isinstance(each, Refusal):
            return each.why
        if len(each.notes) < FEWEST:
            return f"{len(each.notes)} notes; {FEWEST} are the least"
        known = self._repeats.of(each)
        return None if known is None else f"its {each.kind} repeats {known}"


def _about(piece: Piece) -> dict[str, Any]:
    return {
        "file": piece.file,
        "source": piece.origin.name,
        "licence": piece.origin.licence,
        "family": piece.family,
        "kind": piece.kind,
        "notes": len(piece.notes),
        "seconds": round(float(piece.notes["end"].max()), 1),
        "beats": max(len(piece.beats) - 1, 0),
    }


def pieces_of(data: Path, licence: str = "") -> Iterator[Piece | Refusal]:
    """The music of a folder: the shared layout where it is one, else any files."""
    return (
        corpus.stream(data) if corpus.is_shared(data) else folders.stream(data, licence)
    )


def pack(
    found: Iterable[Piece | Refusal],
    out: Path,
    *,
    held_out_share: float = split.HELD_OUT_SHARE,
) -> Packed:
    """Write pieces to a folder, whole or not at all.

    Args:
        found: the music, a piece at a time.
        out: the folder; a packed corpus that lies there is replaced.
        held_out_share: of the families that no index decides about.

    Raises:
        FileError: nothing could be used, or `out` is something else already.
    """
    if out.exists() and not packed.is_packed(out) and any(out.iterdir()):
        raise FileError(
            f"{out} is there already and is no packed corpus; name a new folder."
        )
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out.parent) as place:
        made = Path(place) / out.name
        made.mkdir()
        writer = Writer(made)
        writer.write(found)
        writer.finish(held_out_share)
        shutil.rmtree(out, ignore_errors=True)
        made.replace(out)
    return packed.load(out)
