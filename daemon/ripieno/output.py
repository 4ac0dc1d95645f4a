"""What a command prints, where whoever reads it may stop reading (``| head -1``)."""

import os
import select
import sys
from collections.abc import Callable
from typing import Final, TextIO

READER_GONE: Final = 141
"""128 + SIGPIPE, as a shell reports a program that wrote to a closed pipe."""


def until_the_reader_goes(command: Callable[[], int]) -> int:
    """Run a command, and write out all that it printed.

    Returns:
        The command's exit code, or `READER_GONE` where its output has no reader.
    """
    try:
        try:
            return command()
        finally:  # `--help` ends by SystemExit
            for stream in _streams():
                stream.flush()
    except BrokenPipeError:
        broken = [stream for stream in _streams() if _is_broken(stream)]
        if not broken:
            raise  # another pipe than ours: a bug
        _discard(broken)
        return READER_GONE


def _streams() -> list[TextIO]:
    """Those that there are: a windowed Python on Windows has none."""
    return [stream for stream in (sys.stdout, sys.stderr) if stream is not None]


def _is_broken(stream: TextIO) -> bool:
    """Whether it leads to a pipe that has no reader."""
    if sys.platform == "win32":  # it has no `poll`
        return True
    poll = select.poll()
    poll.register(stream.fileno(), 0)
    return any(event & select.POLLERR for _, event in poll.poll(0))


def _discard(streams: list[TextIO]) -> None:
    """Python flushes once more when it exits; that must not fail."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in streams:
        os.dup2(nowhere, stream.fileno())
    os.close(nowhere)
