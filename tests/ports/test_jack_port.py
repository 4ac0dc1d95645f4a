"""JackPort on a real JACK server: stamps, names, connections, and what passes."""

import itertools

import pytest
from tests.jack_fixture import JackServer
from tests.ports.jack_ports import (
    ECHO,
    IN,
    OUT,
    child,
    connect_to_itself,
    received,
)

from ripieno.clock import NS_PER_MS, SystemClock
from ripieno.errors import PortError
from ripieno.ports.jack_port import JackPort

pytestmark = pytest.mark.jack

FRAME_NS = 20_834


def test_what_arrives_is_stamped_with_its_frame(port: JackPort) -> None:
    connect_to_itself()
    clock = SystemClock()
    due = [clock.now_ns() + (50 + 3 * number) * NS_PER_MS for number in range(20)]
    for number, due_ns in enumerate(due):
        port.send(bytes((0x90, number, 1)), due_ns)
    heard = received(port, len(due))
    assert [data[1] for _, data in heard] == list(range(20))
    apart = [b.at_ns - a.at_ns for a, b in itertools.pairwise(heard)]
    assert all(abs(ns - 3 * NS_PER_MS) <= FRAME_NS for ns in apart)
    # JACK has a client hear itself one period later, at most.
    late_ns = heard[0].at_ns - due[0]
    assert -FRAME_NS <= late_ns <= port.reach_ns


def of_a_key(message: bytes) -> bytes:
    """Sorting by it keeps the order of each key's messages."""
    return message[:2]


def test_a_burst_comes_back_whole_and_each_key_in_order(port: JackPort) -> None:
    connect_to_itself()
    burst = [bytes((0x90 + k % 16, k // 16 % 128, 1 + k // 2048)) for k in range(4000)]
    now_ns = SystemClock().now_ns()
    for message in burst:
        port.send(message, now_ns)
    heard = [data for _, data in received(port, len(burst))]
    # Of two keys whose time has passed either may be first, if the server stalls.
    assert sorted(heard, key=of_a_key) == sorted(burst, key=of_a_key)


def test_system_exclusive_passes(port: JackPort) -> None:
    connect_to_itself()
    dump = b"\xf0\x7d" + bytes(range(128)) * 8 + b"\xf7"
    port.send(dump, SystemClock().now_ns())
    assert [data for _, data in received(port, 1)] == [dump]


def test_the_jack_names_are_those_that_the_documentation_gives(
    here: JackServer,
) -> None:
    port = JackPort()
    assert (port.name_in, port.name_out) == (IN, OUT)
    listed = here.lsp("-p") or []
    assert "input" in listed[listed.index(IN) + 1]
    assert "output" in listed[listed.index(OUT) + 1]
    port.close()
    assert not {IN, OUT} & set(here.lsp() or ())


@pytest.mark.usefixtures("port")
def test_a_name_in_use_is_one_sentence() -> None:
    with pytest.raises(PortError, match="'Ripieno In' is in use: stop the other"):
        JackPort()
    with pytest.raises(PortError, match="'Ripieno Out' is in use"):
        JackPort("Left In")
    left = JackPort("Left In", "Left Out")
    left.close()


@pytest.mark.usefixtures("native")
def test_without_a_server_it_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JACK_DEFAULT_SERVER", "ripieno-test-nobody")
    with pytest.raises(PortError, match="no JACK server answers: start JACK"):
        JackPort()


def test_connections_are_made_when_it_opens(here: JackServer) -> None:
    port = JackPort(connections=lambda: [(OUT, IN), ("nobody:out", IN)])
    listed = here.lsp("-c") or []
    port.close()
    assert listed[listed.index(OUT) + 1].strip() == IN


def test_the_names_of_a_killed_owner_are_soon_free(here: JackServer) -> None:
    with child(here, ECHO) as owner:
        owner.kill()
        here.wait_until_gone(IN, OUT)
        JackPort().close()
