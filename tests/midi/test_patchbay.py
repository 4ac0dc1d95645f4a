"""The patchbay on a real JACK server, which dies and comes back."""

import subprocess

import pytest
from tests.jack_fixture import JackServer

from ripieno.midi.patchbay import Patchbay

pytestmark = pytest.mark.jack

PAIR = ("system:capture_1", "system:playback_1")


def test_on_the_next_server_the_connections_of_the_last_are_put_back(
    mortal_jack: JackServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JACK_DEFAULT_SERVER", mortal_jack.name)
    patchbay = Patchbay("Ripieno test patchbay", PAIR[1:])
    subprocess.run(["jack_connect", *PAIR], env=mortal_jack.env, check=True)
    patchbay.look()
    patchbay.look()
    assert patchbay.pairs == (PAIR,)
    mortal_jack.kill()
    patchbay.lost()
    patchbay.server_lost()  # at once: it need not have noticed by itself
    mortal_jack.start()
    patchbay.look()
    patchbay.close()
    connected = mortal_jack.lsp("-c", PAIR[1]) or []
    assert [line.strip() for line in connected] == [PAIR[1], PAIR[0]]


DEAF = """
import sys
import jack
jack.Client.set_shutdown_callback = lambda *_: None
from ripieno.midi.jack_server import server_is_up
from ripieno.midi.patchbay import Patchbay
patchbay = Patchbay("Ripieno test patchbay", ("system:playback_1",))
patchbay.look()
print("looked", flush=True)
sys.stdin.readline()
print(server_is_up(), flush=True)
patchbay.server_lost()
patchbay.close()
print("closed", flush=True)
"""
"""JACK calls nobody back if the server dies between the opening and that call."""


def test_a_client_that_never_heard_of_its_servers_death_does_not_end_us(
    mortal_jack: JackServer,
) -> None:
    child = mortal_jack.python(DEAF)
    assert child.stdout is not None
    assert child.stdout.readline() == "looked\n"
    mortal_jack.kill()
    said, errors = child.communicate("\n", timeout=20.0)
    assert (child.returncode, said) == (0, "False\nclosed\n"), errors
