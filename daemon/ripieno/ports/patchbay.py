"""Who is connected to our ports, remembered, so that it can be put back.

When the player dies its ports go, and with them what the musician had connected. We
look a few times a second, from beside; the next player is given the pairs, and what
cannot be connected at once (the DAW is still coming up) is tried for a while.

Only JACK tells who is connected, and lets others connect: elsewhere this is empty.
"""

from collections.abc import Iterable, Sequence

from ripieno.ports.jack_server import Sentinel

Pair = tuple[str, str]


class Patchbay:
    """The connections of two ports on JACK. Thread: one, not the player's.

    Attributes:
        pairs: what is, or should be, connected.
    """

    def __init__(
        self, client_name: str, port_names: Sequence[str], pairs: Iterable[Pair] = ()
    ) -> None:
        """Remember for these ports.

        Args:
            client_name: what to be called on the server; must be free.
            port_names: full names of the ports to look after.
            pairs: what was connected before, and is to be put back.

        Raises:
            PortError: no server answers, or the name is in use.
        """
        self.pairs: tuple[Pair, ...] = tuple(pairs)
        self._port_names = tuple(port_names)
        self._missing: set[Pair] = set(self.pairs)
        self._seen: tuple[Pair, ...] | None = None
        self._sentinel = Sentinel(client_name)

    @property
    def gone(self) -> bool:
        """Whether the server is; a client of it must never be closed then."""
        return self._sentinel.gone

    def look(self) -> None:
        """See who is connected; put back what was lost. Cost: some 0.3 ms.

        A change counts when it is seen twice: a dying port loses its connections one
        by one, and half of them must not be taken for what the musician wanted.
        """
        sentinel = self._sentinel
        if not all(map(sentinel.has_port, self._port_names)):
            self.lost()
            return
        self._missing = {p for p in self._missing if not sentinel.connect([p])}
        now = tuple(
            pair
            for pair in sentinel.connections(self._port_names)
            if not set(pair) <= set(self._port_names)  # a port that hears itself
        )
        if now == self._seen:
            self.pairs = (*now, *sorted(self._missing - set(now)))
        self._seen = now

    def lost(self) -> None:
        """The ports are gone: everything remembered is to be put back."""
        self._missing = set(self.pairs)
        self._seen = None

    def close(self) -> None:
        """Leave the server."""
        self._sentinel.close()
