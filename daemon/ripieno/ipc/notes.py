"""Messages from child processes to the supervisor, and values that the player shows."""

from typing import Final

import msgspec

from ripieno.ipc.slot import Slot
from ripieno.music.timeline import Timeline
from ripieno.protocol import Ready
from ripieno.settings.ensemble import Change, Ensemble
from ripieno.settings.status import Status

SERVER_GONE: Final = 17
"""Exit code of a player whose port's server is gone."""
FAILED: Final = 18
"""Exit code of a child that could not start; a `Failure` says why."""


class Failure(msgspec.Struct, frozen=True, tag=True):
    """The child cannot go on: a sentence for the user, and the exit code for it."""

    sentence: str
    exit_code: int


class Report(msgspec.Struct, frozen=True, tag=True):
    """The status of the performance."""

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
    """The player's parameters, seats and timeline.

    It is in the block and not in a `Report`, because a ring has one reader, and because
    the next player needs the latest value when this player dies.

    Attributes:
        ensemble: the present parameters of all seats.
        taken, refused: how many changes came through the block, valid and invalid.
        timeline: the present timeline.
        meter: the metre that was heard; empty where it is set.
    """

    ensemble: Ensemble
    taken: int = 0
    refused: int = 0
    timeline: Timeline | None = None
    meter: str = ""


encode_shown = msgspec.json.Encoder().encode
decode_shown = msgspec.json.Decoder(Shown).decode
encode_status = msgspec.json.Encoder().encode
decode_status = msgspec.json.Decoder(Status).decode
"""Decodes the status in the block, which any process may read."""
encode_pairs = msgspec.json.Encoder().encode
decode_pairs = msgspec.json.Decoder(tuple[tuple[str, str], ...]).decode
"""Decodes the connections of our ports, as (source, destination), in the block."""
encode_change = msgspec.json.Encoder().encode
decode_change = msgspec.json.Decoder(Change).decode
"""A record of the ring `knobs`: a change of the ensemble."""


def shown_in(slot: Slot) -> Shown | None:
    """Return what the player showed last; None before it has begun to play."""
    record = slot.read()
    return None if record is None else decode_shown(record)


def pairs_in(slot: Slot) -> tuple[tuple[str, str], ...]:
    """Return the connections that the patchbay saw last; none before its first look."""
    record = slot.read()
    return () if record is None else decode_pairs(record)
