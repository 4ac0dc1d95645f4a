"""The MIDI server behind a backend's ports, as the supervisor sees it.

Only JACK has a server that can end while we play, and that tells who is connected.
"""

from collections.abc import Sequence
from typing import NamedTuple

from ripieno.ports.jack_server import server_is_up
from ripieno.ports.ports import ON_JACK, name_on_jack


class Server(NamedTuple):
    """The server of a backend.

    Attributes:
        backend: one of `ripieno.ports.backends.Backend`.
    """

    backend: str

    @property
    def tells_connections(self) -> bool:
        """Whether it says who is connected, so that a patchbay can restore that."""
        return self.backend in ON_JACK

    def has_gone(self) -> bool:
        """Return whether it has ended. Cost: some 0.1 s on JACK."""
        return self.backend in ON_JACK and not server_is_up()

    def full_names(self, names: Sequence[str]) -> tuple[str, ...]:
        """Return the names of our ports as the server has them."""
        return tuple(map(name_on_jack, names) if self.tells_connections else names)
