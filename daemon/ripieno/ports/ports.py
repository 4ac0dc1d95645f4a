"""What a pair of MIDI ports is: one in, one out, and no callback of the player's.

The player asks `receive` for what has arrived, hands `send` what is due, and `wait`s.
Nothing of the playing process runs in the audio server's own thread (measured: a Python
callback there loses 8–83 % of the events beside a busy thread and gives the DAW xruns).

A port knows no notes. It stamps a message as exactly as its backend can, and places one
as exactly: to the frame on JACK, at once elsewhere. Times are nanoseconds of the
daemon's clock.
"""

from typing import Final, NamedTuple, Protocol

CLIENT: Final = "Ripieno"
"""The name of the program, where a backend shows one beside its ports (ALSA)."""
IN: Final = "Ripieno In"
"""The port that a DAW sends the musician's playing to."""
OUT: Final = "Ripieno Out"
"""The port that a DAW takes our playing from."""
ON_JACK: Final = ("jack", "rtmidi-jack")
"""The backends whose ports are a JACK server's."""


def name_on_jack(name: str) -> str:
    """The full name there: every port has a client of its own, of the same name."""
    return f"{name}:{name}"


class Heard(NamedTuple):
    """A message that arrived.

    Attributes:
        at_ns: when; to the frame where the backend tells (it may then lie up to one
            period ahead of the clock), else when it was taken.
        data: one complete message.
    """

    at_ns: int
    data: bytes


class Port(Protocol):
    """A pair of MIDI ports. Thread: the one that opened it."""

    @property
    def name_in(self) -> str:
        """The name under which others find the input."""
        ...

    @property
    def name_out(self) -> str:
        """The name under which others find the output."""
        ...

    @property
    def reach_ns(self) -> int:
        """How long before its due time a message is best handed over; 0: it leaves."""
        ...

    @property
    def answer_ns(self) -> int:
        """How long after its key an answer leaves that takes thought; 0: at once."""
        ...

    @property
    def gaps_heard(self) -> int:
        """How often messages that came in may have been lost since it was opened.

        It never goes down. It grows no later than with the first message after the gap.
        """
        ...

    def heard_until(self, now_ns: int) -> int:
        """Up to when all that was played has arrived, never after *now_ns*.

        Whoever orders events by their stamps goes no further: what was played before
        this instant is in `receive` already, what comes later is stamped later.
        """
        ...

    def receive(self) -> list[Heard]:
        """All complete messages that wait, oldest first; never blocks, never raises.

        Cost: about 2 µs a message; under 1 µs where nothing waits.
        """
        ...

    def send(self, message: bytes, due_ns: int) -> None:
        """Send one complete message; does nothing once the port is dead.

        It leaves at *due_ns* where the backend can wait for that, else at once; one
        that is late leaves at once. None overtakes another of the same key. A note-off
        that is due before its note-on takes the note back, if that still waits: neither
        leaves.

        Raises:
            ValueError: *message* is not one complete MIDI message (a bug of ours).
        """
        ...

    @property
    def is_woken(self) -> bool:
        """Whether `wait` ends when the thinker rings; else look by yourself."""
        ...

    def wake_by(self, descriptor: int) -> None:
        """Have `wait` end when a descriptor becomes readable, where the port can.

        The descriptor does not block; what is in it is thrown away.
        """
        ...

    def wait(self, until_ns: int) -> None:
        """Sleep until then, or until something may have arrived."""
        ...

    def alive(self) -> bool:
        """Whether the port and its server are there; once False it stays False."""
        ...

    def check(self) -> None:
        """Look closer whether they are; a few times a second."""
        ...

    def close(self) -> None:
        """Remove both ports; harmless when called twice or on a dead server."""
        ...
