"""The interface of a pair of MIDI ports: one in, one out, without callbacks.

The player calls `receive` for what has arrived, `send` for what is due, and `wait`. No
code of the playing process runs in the audio server's thread (measured: a Python
callback there loses 8–83 % of the events beside a busy thread and gives the DAW xruns).

A port knows no notes. It stamps and places messages as exactly as its backend can: to
the frame on JACK, at the time of the call elsewhere. Times are nanoseconds of the
daemon's clock.
"""

from typing import Final, NamedTuple, Protocol

CLIENT: Final = "Ripieno"
"""The name of our program, on backends that show one beside the ports (ALSA)."""
IN: Final = "Ripieno In"
"""The port to which a DAW sends what the musician plays."""
OUT: Final = "Ripieno Out"
"""The port from which a DAW takes what we play."""
ON_JACK: Final = ("jack", "rtmidi-jack")
"""The backends whose ports belong to a JACK server."""


def name_on_jack(name: str) -> str:
    """Return a port's full name on JACK: each port has its own client, of its name."""
    return f"{name}:{name}"


class Heard(NamedTuple):
    """A message that arrived.

    Attributes:
        at_ns: when it arrived: to the frame where the backend tells that (it may then
            lie up to one period ahead of the clock), else when it was read.
        data: one complete message.
    """

    at_ns: int
    data: bytes


class Port(Protocol):
    """A pair of MIDI ports. Thread: the one that opened it.

    Attributes:
        name_in: the name under which others find the input.
        name_out: the name under which others find the output.
        reach_ns: how long before its due time to hand a message over; 0: it leaves at
            once.
        answer_ns: how long after its key a computed answer leaves; 0: at once.
        is_woken: whether `wait` ends when the thinker rings; else the caller polls.
    """

    name_in: str
    name_out: str
    reach_ns: int
    answer_ns: int
    is_woken: bool

    @property
    def gaps_heard(self) -> int:
        """How often incoming messages may have been lost since the port was opened.

        It never decreases, and increases at the latest with the first message after
        the gap.
        """
        ...

    def heard_until(self, now_ns: int) -> int:
        """Return the time before which the input is complete, at most *now_ns*.

        What was played before this time is in `receive` already; what arrives later
        has a later stamp. So events can be ordered by their stamps up to this time.
        """
        ...

    def receive(self) -> list[Heard]:
        """Return all complete messages, oldest first; never blocks, never raises.

        Cost: about 2 µs a message; under 1 µs where there is none.
        """
        ...

    def send(self, message: bytes, due_ns: int) -> None:
        """Send one complete message; do nothing once the port is dead.

        It leaves at *due_ns* where the backend can delay it, else at once. A late
        message leaves at once. Messages of one key keep their order. A note-off that
        is due before its note-on cancels a note-on that still waits: neither leaves.

        Raises:
            ValueError: *message* is not one complete MIDI message (a bug of ours).
        """
        ...

    def wake_by(self, descriptor: int) -> None:
        """Have `wait` end when a descriptor becomes readable, where the port can.

        The descriptor must not block; its bytes are discarded.
        """
        ...

    def wait(self, until_ns: int) -> None:
        """Sleep until a time, or until something may have arrived."""
        ...

    def alive(self) -> bool:
        """Return whether the port and its server work; once False it stays False."""
        ...

    def check(self) -> None:
        """Check the port more thoroughly; to be called a few times a second."""
        ...

    def close(self) -> None:
        """Remove both ports; safe to call twice and on a dead server."""
        ...
