"""What a pair of MIDI ports is: one in, one out, polled, never a callback.

The player asks `receive` for what has arrived and hands `send` what is due; nothing
of ours ever runs in the audio server's own thread (measured: a Python callback there
loses 8–83 % of the events beside a busy thread and gives the DAW xruns).

A port knows neither time nor notes. The player stamps a message when it takes it.
"""

from typing import Final, Protocol

CLIENT: Final = "Ripieno"
"""The name of the program, where a backend shows one beside its ports (ALSA)."""
IN: Final = "Ripieno In"
"""The port that a DAW sends the musician's playing to."""
OUT: Final = "Ripieno Out"
"""The port that a DAW takes our playing from."""


class Port(Protocol):
    """A pair of MIDI ports."""

    @property
    def name_in(self) -> str:
        """The name under which others find the input."""
        ...

    @property
    def name_out(self) -> str:
        """The name under which others find the output."""
        ...

    def receive(self) -> list[bytes]:
        """All complete messages that wait, oldest first; never blocks, never raises.

        Thread: the one that opened the port.
        Cost: about 2 µs a message; under 1 µs where nothing waits.
        """
        ...

    def send(self, message: bytes) -> None:
        """Send one complete message; does nothing once the port is dead.

        Raises:
            ValueError: *message* is not one complete MIDI message (a bug of ours).

        Thread: the one that opened the port.
        """
        ...

    def alive(self) -> bool:
        """Whether the port and its server are there; once False it stays False."""
        ...

    def close(self) -> None:
        """Remove both ports; harmless when called twice or on a dead server."""
        ...
