"""Remembers the connections of our ports, and restores them.

When the player dies, its ports and their connections go with it. The patchbay reads the
connections a few times a second, and the next player gets them. A connection that
cannot be made at once (the DAW is still starting) is tried again.

Only JACK tells which ports are connected, and lets a third program connect them.
"""

from collections.abc import Iterable, Sequence

from ripieno.ports.jack_server import Sentinel

Pair = tuple[str, str]


class Patchbay:
    """The connections of two ports on JACK. Thread: one, not the player's.

    Args:
        client_name: the patchbay's own name on the server; must be free.
        port_names: full names of the ports.
        pairs: the connections to restore.

    Attributes:
        pairs: the connections that exist or are to be restored.

    Raises:
        PortError: no server answers, or the name is in use.
    """

    def __init__(
        self, client_name: str, port_names: Sequence[str], pairs: Iterable[Pair] = ()
    ) -> None:
        self.pairs: tuple[Pair, ...] = tuple(pairs)
        self._port_names = tuple(port_names)
        self._missing: set[Pair] = set(self.pairs)
        self._seen: tuple[Pair, ...] | None = None
        self._there: tuple[Pair, ...] = ()
        self._sentinel = Sentinel(client_name)

    @property
    def gone(self) -> bool:
        """Whether the server has gone; its clients must not be closed then."""
        return self._sentinel.gone

    def look(self) -> bool:
        """Read the connections, and restore missing ones. Cost: some 0.3 ms.

        A change counts only when it is seen twice: a dying port loses its connections
        one by one, and the musician wants none of these states.

        Returns:
            Whether an output of ours has a connection that it did not have before. One
            that a new player's port has again is none.
        """
        sentinel = self._sentinel
        if not all(map(sentinel.has_port, self._port_names)):
            self.lost()
            return False
        self._missing = {p for p in self._missing if not sentinel.connect([p])}
        now = tuple(
            pair
            for pair in sentinel.connections(self._port_names)
            if not set(pair) <= set(self._port_names)  # a port that hears itself
        )
        is_sure, self._seen = now == self._seen, now
        if not is_sure:
            return False
        self.pairs = (*now, *sorted(self._missing - set(now)))
        gained, self._there = set(now) - set(self._there), now
        return any(source in self._port_names for source, _ in gained)

    def lost(self) -> None:
        """Plan to restore all connections: the ports have gone."""
        self._missing = set(self.pairs)
        self._seen = None

    def close(self) -> None:
        """Close the client."""
        self._sentinel.close()
