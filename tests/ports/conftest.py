"""A JACK server as this process finds it, and a port on it."""

from collections.abc import Iterator

import pytest
from tests.jack_fixture import JackServer

from ripieno.ports.jack_port import JackPort


@pytest.fixture
def here(jack: JackServer, monkeypatch: pytest.MonkeyPatch) -> JackServer:
    """The session's server, as the one that this process finds."""
    for key in ("JACK_DEFAULT_SERVER", "JACK_NO_START_SERVER"):
        monkeypatch.setenv(key, jack.env[key])
    return jack


@pytest.fixture
def port(here: JackServer) -> Iterator[JackPort]:
    """A pair of ports of this process."""
    assert here.name
    opened = JackPort()
    yield opened
    opened.close()
