"""A source of the shared music, open: its origin, its index, its zip of files.

The modules that read sources decide which files they want and what they make of them.
"""

import json
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ripieno.errors import FileError
from ripieno_export import bounded
from ripieno_export.sources import Origin, read_origin

Entry = dict[str, Any]
"""What an index says of a file."""


@dataclass(frozen=True, slots=True)
class Archive:
    """An open source.

    Attributes:
        origin: where it comes from.
        index: its `INDEX.jsonl`, a file a line.
        files: its zip.
    """

    origin: Origin
    index: str
    files: zipfile.ZipFile

    def entries(self, only: str = "", skip: tuple[str, ...] = ()) -> Iterator[Entry]:
        """The files that are wanted.

        Args:
            only: what their paths have in them; a slash stands before each, too.
            skip: which of them not, by name without ending.
        """
        for entry in map(json.loads, filter(None, self.index.splitlines())):
            name = str(entry["file"])
            if only in f"/{name}" and Path(name).stem not in skip:
                yield entry

    def read(self, name: str) -> bytes:
        """One file of the zip; `bounded.unpack` says what it raises."""
        return bounded.unpack(self.files, name)


@contextmanager
def opened(folder: Path) -> Iterator[Archive]:
    """Open a source.

    Raises:
        FileError: it is missing or damaged; this may show only while it is read.
    """
    with readable(folder):
        origin = read_origin(folder)
        text = (folder / "INDEX.jsonl").read_text(encoding="utf-8", errors="replace")
        with zipfile.ZipFile(folder / f"{folder.name}.zip") as files:
            yield Archive(origin, text, files)


@contextmanager
def readable(folder: Path) -> Iterator[None]:
    """A context in which errors of reading a source become a `FileError`.

    Raises:
        FileError: it cannot be read.
    """
    try:
        yield
    except (OSError, zipfile.BadZipFile, json.JSONDecodeError) as error:
        raise FileError(
            f"The source {folder} cannot be read ({error}); "
            "--data names the folder that holds 1_pd_cc0, 2_mit_ccby and so on."
        ) from error
