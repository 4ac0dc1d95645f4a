"""Which daemons run: each writes a small file in a folder that only its user can read.

The folder is in XDG_RUNTIME_DIR, or else in the folder for temporary files. A file
names the daemon's process, ports and shared block. The daemon removes it at its end; a
file of a process that no longer runs is ignored. A process that writes into a daemon's
block holds the file's lock, because a ring has one writer.
"""

import contextlib
import getpass
import os
import stat
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import msgspec

from ripieno import __version__
from ripieno.errors import FileError, PortError
from ripieno.settings.paths import is_folder, read_file

if sys.platform != "win32":
    import fcntl

LARGEST_BYTES: Final = 64 * 1024
"""Upper bound; an entry has some hundred bytes."""
ENDING: Final = ".json"
_IS_POSIX: Final = sys.platform != "win32"


class Presence(msgspec.Struct, frozen=True):
    """A running daemon.

    Attributes:
        pid: of its supervisor.
        block: the name of its shared memory.
        name_in, name_out: the names of its ports.
        version: of Ripieno; another version's block may have another layout.
    """

    pid: int
    block: str
    name_in: str
    name_out: str
    version: str = __version__


def folder() -> Path:
    """Return this user's folder; make it if it is missing.

    Raises:
        FileError: it cannot be made, or others could write there.
    """
    given = os.environ.get("XDG_RUNTIME_DIR", "")
    if given and is_folder(Path(given)):
        path = Path(given, "ripieno")
    else:
        user = os.getuid() if _IS_POSIX else getpass.getuser()
        path = Path(tempfile.gettempdir(), f"ripieno-{user}")
    try:
        path.mkdir(mode=0o700, exist_ok=True)
        found = path.lstat()
    except OSError as error:
        raise FileError(f"Cannot use the folder {path}: {error.strerror}.") from error
    is_mine = not _IS_POSIX or (
        found.st_uid == os.getuid() and not found.st_mode & 0o077
    )
    if not is_mine or not stat.S_ISDIR(found.st_mode):
        raise FileError(
            f"{path} is not a folder of yours alone; remove it, then start again."
        )
    return path


def announce(presence: Presence) -> Path:
    """Write the file of a running daemon; return its path, for `withdraw`.

    Raises:
        FileError: it cannot be written.
    """
    path = folder() / f"{presence.pid}{ENDING}"
    part = path.with_suffix(".part")
    try:
        part.write_bytes(msgspec.json.encode(presence))
        part.replace(path)
    except OSError as error:
        raise FileError(f"Cannot write {path}: {error.strerror}.") from error
    return path


def withdraw(path: Path) -> None:
    """Remove the file of a daemon that ends."""
    with contextlib.suppress(OSError):
        path.unlink()


def present() -> list[tuple[Path, Presence]]:
    """Return the running daemons with their files; remove the files of dead ones.

    Raises:
        FileError: the folder cannot be used.
    """
    found = []
    for path in folder().glob(f"*{ENDING}"):
        try:
            presence = msgspec.json.decode(
                read_file(path, LARGEST_BYTES), type=Presence
            )
        except (OSError, msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            continue
        if _is_alive(presence.pid):
            found.append((path, presence))
        else:
            withdraw(path)
    return sorted(found, key=lambda each: (each[1].name_in, each[1].pid))


@contextlib.contextmanager
def alone(path: Path) -> Iterator[None]:
    """Hold a daemon's lock; wait for a process that holds it now.

    Systems without file locks have none.

    Raises:
        PortError: the daemon has just ended.
    """
    try:
        file = path.open("rb")
    except FileNotFoundError as error:
        sentence = "That Ripieno has just ended; start one with `ripieno play`."
        raise PortError(sentence) from error
    except OSError as error:
        raise FileError(f"Cannot read {path}: {error.strerror}.") from error
    with file:
        if sys.platform != "win32":
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _is_alive(pid: int) -> bool:
    """Return whether a process runs; True on Windows, where asking would end it."""
    if _IS_POSIX:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return False
        except (OSError, OverflowError):
            pass
    return True
