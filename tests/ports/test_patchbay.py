"""The patchbay restores connections on a JACK server that restarts."""

import subprocess

import pytest
from tests.jack_fixture import JackServer

from ripieno.ports.patchbay import Patchbay

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
    mortal_jack.start()
    the_next = Patchbay("Ripieno test patchbay", PAIR[1:], patchbay.pairs)
    the_next.look()
    the_next.close()
    connected = mortal_jack.lsp("-c", PAIR[1]) or []
    assert [line.strip() for line in connected] == [PAIR[1], PAIR[0]]


def test_a_connection_of_our_output_is_told_once_and_again_after_it_was_removed(
    mortal_jack: JackServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JACK_DEFAULT_SERVER", mortal_jack.name)
    ours, other = Patchbay("Ripieno ours", PAIR[:1]), Patchbay("Ripieno in", PAIR[1:])

    def looks(patchbay: Patchbay) -> list[bool]:
        return [patchbay.look() for _ in range(3)]

    assert looks(ours) == [False] * 3
    for _ in range(2):
        subprocess.run(["jack_connect", *PAIR], env=mortal_jack.env, check=True)
        assert looks(ours) == [False, True, False]
        ours.lost()  # a new player's port has the connection again
        assert looks(ours) == [False] * 3
        assert looks(other) == [False] * 3
        subprocess.run(["jack_disconnect", *PAIR], env=mortal_jack.env, check=True)
        assert looks(ours) == [False] * 3
    ours.close()
    other.close()


ASKER = """
from ripieno.ports.jack_server import why_no_server
print(why_no_server())
"""


@pytest.mark.slow
def test_a_server_that_hangs_is_no_server_and_says_so_in_time(
    mortal_jack: JackServer,
) -> None:
    mortal_jack.pause()
    child = mortal_jack.python(ASKER)
    try:
        said, errors = child.communicate(timeout=20.0)
    finally:
        mortal_jack.resume()
        child.kill()
        child.communicate()
    assert "did not answer within" in said, errors
