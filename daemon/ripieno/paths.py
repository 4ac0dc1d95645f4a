"""Questions about paths that people typed; an impossible path is a "no", not an error.

`Path.is_dir` and `Path.is_file` raise OSError for a name that the file system refuses
(before Python 3.14): one that is too long, or one in a folder that may not be entered.
"""

from pathlib import Path


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
