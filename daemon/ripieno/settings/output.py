"""What a command prints, made safe for a terminal.

Names come from model folders, MIDI files, charts, settings and other programs' ports. A
terminal would obey escape sequences in them. So everything is printed through `say`, or
is made `plain` before another library prints it.
"""

import os
import select
import sys
import unicodedata
from collections.abc import Callable
from typing import Final, TextIO

READER_GONE: Final = 141
"""128 + SIGPIPE, as a shell reports a program that wrote to a closed pipe."""


def plain(text: str) -> str:
    """Return one line, with every control character written as its escape.

    Marks that change the direction of text and line breaks are escaped as well. Visible
    characters and every kind of space are kept.
    """
    if text.isprintable():
        return text
    return "".join(
        each
        if each.isprintable() or unicodedata.category(each) == "Zs"
        else each.encode("unicode_escape", "surrogatepass").decode("ascii")
        for each in text
    )


def say(line: str, *, is_error: bool = False) -> None:
    """Print one line through `plain`."""
    print(plain(line), file=sys.stderr if is_error else sys.stdout)


def until_the_reader_goes(command: Callable[[], int]) -> int:
    """Run a command and flush what it printed.

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
    """Return the open streams; a windowed Python on Windows has none."""
    return [stream for stream in (sys.stdout, sys.stderr) if stream is not None]


def _is_broken(stream: TextIO) -> bool:
    """Return whether a stream is a pipe without a reader."""
    if sys.platform == "win32":  # it has no `poll`
        return True
    poll = select.poll()
    poll.register(stream.fileno(), 0)
    return any(event & select.POLLERR for _, event in poll.poll(0))


def _discard(streams: list[TextIO]) -> None:
    """Redirect streams to nowhere, so that Python's last flush does not fail."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in streams:
        os.dup2(nowhere, stream.fileno())
    os.close(nowhere)
