"""A client of ports that exist already, as a DAW is one: the demo plays through it."""

from typing import get_args

from ripieno.errors import PortError
from ripieno.midi.parser import Parser
from ripieno.midi.rtmidi_port import Backend, delete, existing, new_pair


class ClientPort:
    """Connected to two existing ports, found by their names.

    Thread: one.
    """

    def __init__(self, backend: str, destination: str, source: str) -> None:
        """Connect.

        Args:
            backend: ``alsa``, ``jack``, ``coremidi`` or ``windows``.
            destination: a part of the name of the port to send to.
            source: a part of the name of the port to receive from.

        Raises:
            PortError: the library, the server or one of the ports is missing.
        """
        known = next((name for name in get_args(Backend) if name == backend), None)
        if known is None:
            raise PortError(f"there is no MIDI backend called {backend!r}")
        self._in, self._out = new_pair(known, "Ripieno Guest In", "Ripieno Guest Out")
        self._parser = Parser()
        try:
            for device, name in ((self._in, source), (self._out, destination)):
                device.open_port(existing(device.get_ports(), name), "guest")
        except (OSError, PortError):
            delete(self._in, self._out)
            raise

    def send(self, message: bytes) -> None:
        """Send one complete message."""
        self._out.send_message(message)

    def receive(self) -> list[bytes]:
        """All complete messages that wait, oldest first."""
        messages: list[bytes] = []
        while (waiting := self._in.get_message()) is not None:
            messages += self._parser.feed(bytes(waiting[0]))
        return messages

    def close(self) -> None:
        """Disconnect."""
        delete(self._in, self._out)
