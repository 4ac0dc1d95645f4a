"""A pair of ports connected to another program's, as a DAW's are; for the demo."""

from typing import get_args

from ripieno.clock import SystemClock
from ripieno.errors import PortError
from ripieno.ports.parser import Parser
from ripieno.ports.ports import Heard
from ripieno.ports.rtmidi_port import RtMidiBackend, delete, existing, new_pair


class ClientPort:
    """Connected to two existing ports, found by their names. Thread: one."""

    def __init__(self, backend: str, destination: str, source: str) -> None:
        """Connect.

        Args:
            backend: ``alsa``, ``jack``, ``coremidi`` or ``windows``. On JACK rtmidi is
                used, because no exact frames are needed here.
            destination: a part of the name of the port to send to.
            source: a part of the name of the port to receive from.

        Raises:
            PortError: the library, the server or one of the ports is missing.
        """
        wanted = "rtmidi-jack" if backend == "jack" else backend
        known = next((name for name in get_args(RtMidiBackend) if name == wanted), None)
        if known is None:
            raise PortError(f"there is no MIDI backend called {backend!r}")
        self._in, self._out = new_pair(known, "Ripieno Guest In", "Ripieno Guest Out")
        self._parser, self._clock = Parser(), SystemClock()
        try:
            for device, name in ((self._in, source), (self._out, destination)):
                device.open_port(existing(device.get_ports(), name), "guest")
        except (OSError, PortError):
            delete(self._in, self._out)
            raise

    def send(self, message: bytes, due_ns: int = 0) -> None:
        """Send one complete message, now."""
        del due_ns
        self._out.send_message(message)

    def receive(self) -> list[Heard]:
        """Return all complete messages, oldest first, stamped with the present time."""
        messages: list[bytes] = []
        while (waiting := self._in.get_message()) is not None:
            messages += self._parser.feed(bytes(waiting[0]))
        now_ns = self._clock.now_ns()
        return [Heard(now_ns, message) for message in messages]

    def close(self) -> None:
        """Close the connections."""
        delete(self._in, self._out)
