"""Who is connected to our ports, remembered, so that it can be put back.

When the player dies its ports go, and with them what the musician had connected. The
supervisor looks a few times a second, from beside; the next player is given the pairs,
and what cannot be connected at once (the DAW is still coming up) is tried for a while.

Only JACK tells who is connected, and lets others connect: elsewhere this is empty.
"""

from collections.abc import Sequence

from ripieno.errors import PortError
from ripieno.midi.jack_server import Sentinel

Pair = tuple[str, str]


class Patchbay:
    """The connections of two ports on JACK. Thread: one, not the player's."""

    def __init__(self, client_name: str, port_names: Sequence[str]) -> None:
        """Remember for these ports.

        Args:
            client_name: what to be called on the server; must be free.
            port_names: full names of the ports to look after.
        """
        self.pairs: tuple[Pair, ...] = ()
        self._client_name, self._port_names = client_name, tuple(port_names)
        self._sentinel: Sentinel | None = None
        self._missing: set[Pair] = set()
        self._seen: tuple[Pair, ...] | None = None

    def look(self) -> None:
        """See who is connected; put back what was lost. Cost: some 0.3 ms.

        A change counts when it is seen twice: a dying port loses its connections one
        by one, and half of them must not be taken for what the musician wanted.
        """
        sentinel = self._reach()
        if sentinel is None or not all(map(sentinel.has_port, self._port_names)):
            self._seen = None
            return
        self._missing = {p for p in self._missing if not sentinel.connect([p])}
        now = tuple(
            pair
            for pair in sentinel.connections(self._port_names)
            if not set(pair) <= set(self._port_names)  # a port that hears itself
        )
        if now == self._seen:
            self.pairs = (*now, *sorted(self._missing))
        self._seen = now

    def lost(self) -> None:
        """The ports are gone: everything remembered is to be put back."""
        self._missing = set(self.pairs)
        self._seen = None

    def server_lost(self) -> None:
        """The server is gone: our client of it is kept, never closed.

        One that was being opened as the server died has not noticed, and closing it
        would end the process with a segmentation fault (docs/decisions/0005).
        """
        if self._sentinel is not None:
            self._sentinel.abandon()
        self._sentinel = None

    def close(self) -> None:
        """Leave the server."""
        if self._sentinel is not None:
            self._sentinel.close()
        self._sentinel = None

    def _reach(self) -> Sentinel | None:
        if self._sentinel is None or self._sentinel.gone:
            try:
                self._sentinel = Sentinel(self._client_name)
            except PortError:
                self._sentinel = None
        return self._sentinel
