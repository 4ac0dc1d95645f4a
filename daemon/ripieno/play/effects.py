"""What goes out of a performance: bytes for the port, messages for the thinker."""

import msgspec

from ripieno.protocol import ToThinker


class Send(msgspec.Struct, frozen=True):
    """Bytes to hand to the port now.

    Attributes:
        due_ns: when they are to leave it.
        data: one complete message.
        seat: the number of the seat that plays it; `NOBODY` for what is passed on,
            for clicks, and for what a panic releases.
    """

    due_ns: int
    data: bytes
    seat: int = 0


class Tell(msgspec.Struct, frozen=True):
    """A message for the mind of a seat.

    Attributes:
        message: what is said.
        seat: the number of the seat; `ripieno.protocol.CONDUCTOR` for the conductor.
    """

    message: ToThinker
    seat: int = 0


NOBODY = 0
Effect = Send | Tell
