"""The files of some kinds under a folder and in its zips, one by one, by name.

Nothing that lies there ends the walk or makes it endless: links to folders are not
followed, pipes and devices are passed over, and what cannot be opened is refused with
its reason. Names are reported in a form that can be written and read, see `printable`.
"""

import os
import re
import stat
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from ripieno_export import bounded
from ripieno_export.corpus import UNREADABLE, Refusal

ZIP: Final = ".zip"
FORK: Final = "._"
"""How the names of files begin that macOS writes beside a file on other disks."""
IS_LINK: Final = "it is a link to a folder, which is not followed; name that folder"
IS_NESTED: Final = "it is a zip in a zip; unpack the outer one"
UNSHOWN: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
"""Control characters, line ends, and halves of characters, which no file can hold."""


@dataclass(frozen=True, slots=True)
class File:
    """A file on the disk or in a zip.

    Attributes:
        name: its path under the folder, as it is shown.
        listed: what an index beside it, or beside its zip, calls it.
        place: the folder on the disk where it lies, or where its zip does.
        load: reads it; raises any of `UNREADABLE`, also if it is too large.
    """

    name: str
    listed: str
    place: Path
    load: Callable[[], bytes]

    @property
    def suffix(self) -> str:
        """How its name ends, in small letters, with the point."""
        return _suffix(self.listed)


def printable(text: str) -> str:
    r"""A text on one line that can be encoded: what cannot be shown is escaped.

    A byte of a file's name that is no UTF-8 comes as itself: ``caf\xe9.mid``.
    """
    return UNSHOWN.sub(_escaped, text)


def _escaped(found: re.Match[str]) -> str:
    code = ord(found[0])
    is_byte = code < 0x100 or 0xDC80 <= code < 0xDD00  # as os.fsdecode keeps bytes
    return f"\\x{code & 0xFF:02x}" if is_byte else f"\\u{code:04x}"


def reason(error: BaseException) -> str:
    """Why something could not be read, on a line; without the path, which is known."""
    if isinstance(error, OSError) and error.strerror:
        return printable(error.strerror)
    first = (str(error).strip().splitlines() or [""])[0]
    return printable(first)[:200] or type(error).__name__


def files(folder: Path, kinds: frozenset[str]) -> Iterator[File | Refusal]:
    """The files that end in one of these, and what cannot be looked into."""
    for path in paths(folder):
        if isinstance(path, Refusal):
            yield path
        elif path.name.startswith(FORK):
            continue
        elif path.suffix.lower() == ZIP:
            yield from _zipped(path, path.relative_to(folder).as_posix(), kinds)
        elif path.suffix.lower() in kinds:
            yield from _plain(path, path.relative_to(folder).as_posix())


def paths(folder: Path) -> Iterator[Path | Refusal]:
    """All ordinary files under a folder, by name, and links to such or to nowhere."""
    waiting = [folder]
    while waiting:
        path = waiting.pop()
        try:
            mode = path.stat().st_mode
        except OSError:  # who opens it will say why
            yield path
            continue
        if stat.S_ISREG(mode):
            yield path
        elif stat.S_ISDIR(mode) and path.is_symlink() and path != folder:
            yield Refusal(_shown(path, folder), IS_LINK)
        elif stat.S_ISDIR(mode):
            try:
                waiting += sorted(path.iterdir(), reverse=True)
            except OSError as error:
                yield Refusal(_shown(path, folder), reason(error))


def _shown(path: Path, folder: Path) -> str:
    return printable(path.relative_to(folder).as_posix())


def _suffix(name: str) -> str:
    return os.path.splitext(name)[1].lower()  # noqa: PTH122 (a Path holds no NUL)


def _plain(path: Path, name: str) -> Iterator[File]:
    yield File(printable(name), name, path.parent, partial(bounded.read, path))


def _zipped(path: Path, name: str, kinds: frozenset[str]) -> Iterator[File | Refusal]:
    beside = name.rpartition("/")[0]
    try:
        with zipfile.ZipFile(path) as archive:
            for info in archive.infolist():
                inside = info.filename
                shown, kind = printable(f"{name}/{inside}"), _suffix(inside)
                if info.is_dir() or inside.rpartition("/")[2].startswith(FORK):
                    continue
                if kind == ZIP:
                    yield Refusal(shown, IS_NESTED)
                elif kind in kinds:
                    listed = f"{beside}/{inside}".lstrip("/")
                    load = partial(bounded.unpack, archive, info)
                    yield File(shown, listed, path.parent, load)
    except UNREADABLE as error:
        yield Refusal(printable(name), f"it is no zip ({reason(error)})")
