"""The journal: every input, decision, seed, deadline and output, one JSON line each.

It begins with a `Header`. Then follow, in order, the inputs of the engine (`Heard`,
`Thought`, `Turned`, `Missed`, `Connected`, `Released`) and each instant with an output
or a decision (`Tick`), followed by its outputs (`Sent`, `Told`). `ripieno replay` plays
a performance again from its journal, bit for bit. A `Lost` says how many entries are
missing.
"""

import contextlib
import errno
import os
import stat
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO, Final

import msgspec

from ripieno.errors import FileError
from ripieno.play.effects import NOBODY
from ripieno.protocol import CONDUCTOR, EVERYONE, ToPlayer, ToThinker
from ripieno.settings.beginning import Beginning
from ripieno.settings.ensemble import Ensemble
from ripieno.settings.paths import read_file

LARGEST_BYTES: Final = 1024**3
"""Upper bound: some days of dense playing. A journal is read into memory as a whole."""

MODE: Final = 0o600
"""Only the owner may read what was played."""
LOSES: Final = (
    "The journal lacks entries here: more came in than could be written; "
    "`ripieno replay` says which part it cannot compare."
)


class Header(Beginning, frozen=True, tag=True, kw_only=True):
    """How a performance began; each restarted player writes another header.

    Attributes:
        version: of Ripieno.
        adopted: the ledger as the player found it, zlib-compressed; empty if nothing
            sounded.
    """

    version: str
    adopted: bytes = b""


def header(begins: Beginning, version: str, adopted: bytes) -> Header:
    """Return the header of a performance."""
    return Header(**msgspec.structs.asdict(begins), version=version, adopted=adopted)


class Heard(msgspec.Struct, frozen=True, tag=True):
    """A message arrived."""

    at_ns: int
    data: bytes


class Thought(msgspec.Struct, frozen=True, tag=True):
    """A message of the thinker arrived, from the mind of a seat."""

    at_ns: int
    message: ToPlayer
    seat: int = EVERYONE


class Turned(msgspec.Struct, frozen=True, tag=True):
    """The musician changed parameters, not by MIDI; these are the new ones."""

    at_ns: int
    ensemble: Ensemble


class Tick(msgspec.Struct, frozen=True, tag=True):
    """The engine advanced, and something came out or a role decided something."""

    at_ns: int


class Missed(msgspec.Struct, frozen=True, tag=True):
    """The port reported that incoming messages may have been lost."""

    at_ns: int


class Connected(msgspec.Struct, frozen=True, tag=True):
    """Our output has a new connection, so all programs and volumes are sent again."""

    at_ns: int


class Released(msgspec.Struct, frozen=True, tag=True):
    """All sounding notes were ended: at a start, a panic or a stop."""

    at_ns: int


class Sent(msgspec.Struct, frozen=True, tag=True):
    """A message of a seat went out, at the last `Tick`; it was due at `due_ns`."""

    due_ns: int
    data: bytes
    seat: int = NOBODY


class Told(msgspec.Struct, frozen=True, tag=True, omit_defaults=True):
    """A message went to the mind of a seat, at the last `Tick`."""

    message: ToThinker
    seat: int = CONDUCTOR
    reached: bool = True
    """False where the thinker's ring was full, so that the message was lost."""


class Lost(msgspec.Struct, frozen=True, tag=True):
    """Entries are missing here: they came faster than they could be written."""

    count: int


Entry = (
    Header
    | Heard
    | Thought
    | Turned
    | Tick
    | Missed
    | Connected
    | Released
    | Sent
    | Told
    | Lost
)


class JournalFile:
    """A journal that is being written. Thread: one, not the player's.

    Attributes:
        lost: how many entries are missing in it, as its `Lost` entries say.
    """

    def __init__(self, path: Path) -> None:
        """Open a file that only its owner can read; replace an existing one.

        Raises:
            FileError: it cannot be written, or is not a regular file.
        """
        self._path, self.lost = path, 0
        try:
            self._file: BinaryIO | None = _opened(path)
        except OSError as error:
            raise FileError(f"Cannot write {path}: {error.strerror}.") from error

    def write(self, lines: Sequence[bytes]) -> str | None:
        """Append lines; return a sentence at the first loss, or if writing fails.

        After a failure nothing more is written. The performance goes on.
        """
        if self._file is None or not lines:
            return None
        lost, self.lost = self.lost, self.lost + _lost_in(lines)
        try:
            self._file.write(b"".join(line + b"\n" for line in lines))
            self._file.flush()
        except OSError as error:
            self._file = None
            return (
                f"The journal ends here: cannot write {self._path}: {error.strerror}."
            )
        return LOSES if self.lost and not lost else None

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            with contextlib.suppress(OSError):
                self._file.close()


def _opened(path: Path) -> BinaryIO:
    """Open the file, empty, readable by its owner only.

    Raises:
        FileError: it is a pipe or a device, which could block for ever.
        OSError: it cannot be opened.
    """
    try:
        file = open(path, "wb", opener=_open_without_waiting)  # noqa: SIM115
    except OSError as error:
        if error.errno != errno.ENXIO:  # a pipe that nobody reads, or a socket
            raise
        raise _not_regular(path) from error
    if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        file.close()
        raise _not_regular(path)
    if sys.platform != "win32":
        with contextlib.suppress(OSError):  # another's file, or a disk without modes
            os.fchmod(file.fileno(), MODE)
    file.truncate(0)
    return file


def _open_without_waiting(path: str, flags: int) -> int:
    """Open without truncating; a pipe without a reader is an error."""
    return os.open(path, flags & ~os.O_TRUNC | getattr(os, "O_NONBLOCK", 0), MODE)


def _not_regular(path: Path) -> FileError:
    return FileError(
        f"Cannot write the journal to {path}: it is not a regular file; name another."
    )


def _lost_in(lines: Sequence[bytes]) -> int:
    entries = (_decode(line) for line in lines if line.startswith(_LOST))
    return sum(entry.count for entry in entries if isinstance(entry, Lost))


encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Entry).decode
_LOST: Final = b'{"type":"Lost"'


def read(path: Path) -> Iterator[Entry]:
    """Yield every entry of a journal, in order.

    An incomplete last line (after a power failure) is left out.

    Raises:
        FileError: it cannot be read, is not a journal, is cut off within its first
            header, or is damaged in the middle.
    """
    try:
        lines = read_file(path, LARGEST_BYTES).split(b"\n")
    except OSError as error:
        raise FileError(f"Cannot read {path}: {error.strerror}.") from error
    if not lines[0].startswith(b'{"type":"Header"'):
        raise FileError(f"{path} is not a journal: it does not begin with a header.")
    if len(lines) == 1:
        raise FileError(
            f"{path} is cut off within its header and holds no performance; "
            "record it again."
        )
    for number, line in enumerate(lines[:-1], start=1):
        try:
            yield _decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise FileError(f"{path}, line {number} is damaged ({error}).") from error
