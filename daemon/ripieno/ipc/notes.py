"""What a child tells the supervisor, besides the journal; what the player shows."""

from typing import Any, Final

import msgspec

from ripieno.ipc.slot import Slot
from ripieno.music.timeline import Timeline
from ripieno.protocol import Ready
from ripieno.settings.params import Params
from ripieno.settings.status import Status

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


class Shown(msgspec.Struct, frozen=True):
    """What the player plays by, for whoever looks.

    It lies in the block, not in a `Report`: a ring has one reader, and this has to
    outlive the player to the instant, not to its last report.

    Attributes:
        params: as they stand.
        taken, refused: changes that came through the block.
        timeline: the time that it keeps.
    """

    params: Params
    taken: int = 0
    refused: int = 0
    timeline: Timeline | None = None


encode_shown = msgspec.json.Encoder().encode
decode_shown = msgspec.json.Decoder(Shown).decode
encode_status = msgspec.json.Encoder().encode
decode_status = msgspec.json.Decoder(Status).decode
"""How the performance goes lies in the block as well: the rings have their readers."""
encode_pairs = msgspec.json.Encoder().encode
decode_pairs = msgspec.json.Decoder(tuple[tuple[str, str], ...]).decode
"""Who is connected to our ports, as (source, destination): what the patchbay shows."""
decode_knobs = msgspec.json.Decoder(dict[str, Any]).decode
"""A record of the ring `knobs`: the names and values that change."""


def pairs_in(slot: Slot) -> tuple[tuple[str, str], ...]:
    """The connections of our ports, as the patchbay saw them last; none until then."""
    record = slot.read()
    return () if record is None else decode_pairs(record)
