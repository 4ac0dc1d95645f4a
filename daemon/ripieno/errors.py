"""Everything that Ripieno raises on purpose, split by who can fix it.

::

    RipienoError                     one sentence, one exit code
    ├── SettingsError        exit 2  the musician: a flag, a TOML file, a value
    ├── FileError            exit 3  the musician: a file that cannot be read or written
    ├── ModelError           exit 4  who made the model: hash, vocabulary, graph
    ├── PortError            exit 5  the machine: no server, no library, a name in use
    │   └── NameInUseError       the same, where another program has that name now
    └── ProtocolError        exit 6  us: two of our own processes disagree

A message is a sentence with the value, the bound and the next step. Errors are for
start-up and for commands; while music plays nothing raises: a bad input is dropped and
counted (see `ripieno.status`). A caller's bug stays a ValueError or a TypeError.
"""

from typing import ClassVar


class RipienoError(Exception):
    """A failure that a person can act on; `str()` is the sentence to show."""

    exit_code: ClassVar[int] = 1


class SettingsError(RipienoError):
    """A setting is unknown, of the wrong kind, or out of its bounds."""

    exit_code = 2


class FileError(RipienoError):
    """A file cannot be read, is damaged, or cannot be written."""

    exit_code = 3


class ModelError(RipienoError):
    """A model folder is not what its manifest, or this daemon, says it should be."""

    exit_code = 4


class PortError(RipienoError):
    """A MIDI or audio port, its server or its library is missing or refused."""

    exit_code = 5


class NameInUseError(PortError):
    """Another client has the name of a port; it may be one that has just died."""


class ProtocolError(RipienoError):
    """Our own processes disagree about what lies in the memory between them."""

    exit_code = 6


def last_words(said: str, exit_code: int) -> RipienoError:
    """Why a program of ours ended, in its own sentence.

    Args:
        said: all that it told people; its last line counts.
        exit_code: how it ended.
    """
    kinds = (SettingsError, FileError, ModelError, PortError, ProtocolError)
    kind = {each.exit_code: each for each in kinds}.get(exit_code, PortError)
    lines = said.strip().splitlines() or [""]
    sentence = lines[-1].removeprefix("ripieno: ")
    return kind(sentence or "The daemon ended too early; try `ripieno doctor`.")
