"""The name of one of our processes in `ps` and `top` (Linux only)."""

import contextlib
from pathlib import Path
from typing import Final

PREFIX: Final = "ripieno-"
_COMM: Final = Path("/proc/self/comm")


def show_name(name: str) -> None:
    """Show this process as ``ripieno-NAME``; the system keeps 15 characters.

    Does nothing on other systems. Call it from the main thread.
    """
    with contextlib.suppress(OSError):
        _COMM.write_text(f"{PREFIX}{name}")
