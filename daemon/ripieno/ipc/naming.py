"""The name under which `ps` and `top` show a process of ours (Linux only)."""

import contextlib
from pathlib import Path
from typing import Final

PREFIX: Final = "ripieno-"
_COMM: Final = Path("/proc/self/comm")


def show_name(name: str) -> None:
    """Show this process as ``ripieno-NAME``; the system keeps 15 characters.

    Does nothing where the system has no such file. To be called from the main thread.
    """
    with contextlib.suppress(OSError):
        _COMM.write_text(f"{PREFIX}{name}")
