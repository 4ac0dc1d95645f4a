"""Questions about paths that people typed; an impossible path is a "no", not an error.

`Path.is_dir` and `Path.is_file` raise OSError for a name that the file system refuses
(before Python 3.14): one that is too long, or one in a folder that may not be entered.
"""

import errno
import os
import stat
from pathlib import Path
from typing import Final

_AT_ONCE: Final = getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
"""Opening a FIFO does not wait for a writer; Windows changes no line ending."""

PIECE_BYTES: Final = 1 << 18


def is_folder(path: Path) -> bool:
    """Whether there is a folder at this path that this user can see."""
    try:
        return path.is_dir()
    except OSError:
        return False


def is_file(path: Path) -> bool:
    """Whether there is a file at this path that this user can see."""
    try:
        return path.is_file()
    except OSError:
        return False


def read_file(path: Path, most_bytes: int) -> bytes:
    """The contents of a regular file; never waits, and never reads without end.

    Args:
        path: the file, or a link to it.
        most_bytes: the largest size that is read.

    Raises:
        OSError: it cannot be read, is a folder, a FIFO or a device, or is too large.
            `strerror` says which.
    """
    with open(path, "rb", opener=_open_at_once) as file:
        about = os.fstat(file.fileno())
        if not stat.S_ISREG(about.st_mode):
            number = errno.EISDIR if stat.S_ISDIR(about.st_mode) else errno.EINVAL
            raise OSError(number, "it is not a regular file; choose one", str(path))
        # Piece by piece: `read` takes the memory that it is asked for at once, and the
        # size that the system states may be too small.
        data = bytearray()
        while piece := file.read(PIECE_BYTES):
            data += piece
            if len(data) > most_bytes:
                why = f"it is larger than {most_bytes:,} bytes; choose a smaller one"
                raise OSError(errno.EFBIG, why, str(path))
    return bytes(data)


def _open_at_once(path: str, flags: int) -> int:
    return os.open(path, flags | _AT_ONCE)
