"""What a child process tells the supervisor, besides the journal."""

from typing import Final

import msgspec

from ripieno.music.plan import Ready
from ripieno.status import Status

SERVER_GONE: Final = 17
"""Exit code of a player whose port's server is gone."""
FAILED: Final = 18
"""Exit code of a child that could not start; a `Failure` says why."""


class Failure(msgspec.Struct, frozen=True, tag=True):
    """It cannot go on: the sentence to show, and the exit code to end with."""

    sentence: str
    exit_code: int


class Report(msgspec.Struct, frozen=True, tag=True):
    """How the performance goes."""

    status: Status


class Opened(msgspec.Struct, frozen=True, tag=True):
    """The ports are open. `fifo`: whether the system granted real-time priority."""

    name_in: str
    name_out: str
    fifo: bool


Note = Failure | Report | Opened | Ready

encode = msgspec.json.Encoder().encode
decode = msgspec.json.Decoder(Note).decode
