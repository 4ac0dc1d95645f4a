"""JackPort when its bridges or its server die, stop or do not answer."""

import signal
from pathlib import Path

import pytest
from tests.jack_fixture import JackServer, line
from tests.live_daemon import until
from tests.ports.jack_ports import (
    IN,
    OUT,
    child,
    connect_to_itself,
    received,
)

from ripieno.clock import NS_PER_MS, NS_PER_S, SystemClock
from ripieno.errors import PortError
from ripieno.music import messages
from ripieno.ports.jack_bridges import MOST_DEATHS
from ripieno.ports.jack_port import JackPort
from ripieno.ports.jack_process import Direction
from ripieno.ports.ports import Heard

pytestmark = pytest.mark.jack

BOTH: tuple[Direction, ...] = ("in", "out")

NOTICE = """
while port.alive():
    wait(clock.now_ns() + 1_000_000)
    port.check()
print(clock.now_ns(), flush=True)
for _ in range(5000):
    port.send(b"\\x80\\x3c\\x00", clock.now_ns())
print("survived", flush=True)
port.close()
print("closed", flush=True)
"""


def replaced(port: JackPort, which: Direction) -> list[Heard]:
    """Kill one of a port's bridges and wait for the next; what was received by then."""
    clock, heard = SystemClock(), list[Heard]()
    port._bridges.processes[which]._process.kill()

    def is_opening() -> bool:
        port.wait(clock.now_ns() + 2 * NS_PER_MS)
        port.check()
        heard.extend(port.receive())
        return bool(port._bridges.opening)

    until(is_opening)
    until(lambda: not is_opening())
    return heard


@pytest.mark.parametrize("which", BOTH)
def test_a_bridge_that_was_killed_is_replaced_and_connected_again(
    here: JackServer, which: Direction
) -> None:
    assert here.name
    port, clock = JackPort(connections=lambda: [(OUT, IN)]), SystemClock()
    try:
        for _ in range(2):  # the second time by a spare process that was made since
            replaced(port, which)
            assert port.alive()
            port.send(b"\x90\x3e\x40", clock.now_ns())
            port.send(b"\x80\x3e\x40", clock.now_ns())
            heard = [data for _, data in received(port, 2)]
            assert b"\x90\x3e\x40" in heard
            assert b"\x80\x3e\x40" in heard
    finally:
        port.close()


def test_both_bridges_and_the_spare_one_may_die(here: JackServer) -> None:
    assert here.name
    port, clock = JackPort(connections=lambda: [(OUT, IN)]), SystemClock()
    try:
        spare, first = port._bridges._spare, port._bridges.processes["out"]
        assert spare is not None
        for process in (spare, *port._bridges.processes.values()):
            process._process.kill()

        def is_whole() -> bool:
            port.wait(clock.now_ns() + 2 * NS_PER_MS)
            port.check()
            port.receive()
            is_new = port._bridges.processes["out"] is not first
            return is_new and not port._bridges.opening

        until(is_whole)
        port.send(b"\x90\x3e\x40", clock.now_ns())
        assert b"\x90\x3e\x40" in [data for _, data in received(port, 1)]
    finally:
        port.close()


def test_a_port_whose_bridges_die_again_and_again_is_dead(port: JackPort) -> None:
    for _ in range(MOST_DEATHS):
        replaced(port, "out")
        assert port.alive()
    port._bridges.processes["out"]._process.kill()
    clock = SystemClock()

    def is_dead() -> bool:
        port.wait(clock.now_ns() + 2 * NS_PER_MS)
        port.check()
        return not port.alive()

    until(is_dead)


def test_note_offs_before_the_death_of_the_output_are_sent_again(
    here: JackServer,
) -> None:
    assert here.name
    port, clock = JackPort(connections=lambda: [(OUT, IN)]), SystemClock()
    try:
        now_ns = clock.now_ns()
        port.send(b"\x90\x3e\x40", now_ns)
        port.send(b"\x80\x3e\x40", now_ns + NS_PER_MS)
        port.send(b"\x90\x40\x40", now_ns)  # it stays down
        assert len(received(port, 3)) == 3
        replaced(port, "out")
        assert [data for _, data in received(port, 1)] == [b"\x80\x3e\x40"]
    finally:
        port.close()


def test_what_is_held_is_let_go_when_the_input_dies(port: JackPort) -> None:
    assert [data for _, data in replaced(port, "in")] == messages.letting_go()


def test_a_bridge_that_is_stopped_amid_telling_of_a_cycle_harms_nothing(
    port: JackPort,
) -> None:
    clock, bridge = SystemClock(), port._bridges.processes["in"]._process
    bridge.send_signal(signal.SIGSTOP)
    try:
        words = port._memory.heard.words
        until(lambda: Path(f"/proc/{bridge.pid}/stat").read_text().split()[2] == "T")
        before_ns = port.heard_until(clock.now_ns())
        words[0] += 1  # counted, and told no further
        assert 0 <= port.heard_until(clock.now_ns()) - before_ns < NS_PER_S
        port.send(b"\x90\x3c\x40", clock.now_ns())
        words[0] -= 1
    finally:
        bridge.send_signal(signal.SIGCONT)


def test_bridges_heed_no_signal_of_the_terminal(port: JackPort) -> None:
    for direction in BOTH:
        bridge = port._bridges.processes[direction]._process
        bridge.send_signal(signal.SIGINT)
        bridge.send_signal(signal.SIGTERM)
    connect_to_itself()
    port.send(b"\x90\x3c\x40", SystemClock().now_ns())
    assert [data for _, data in received(port, 1)] == [b"\x90\x3c\x40"]
    port.check()
    assert port.alive()


def test_a_killed_server_is_noticed_and_nothing_hangs(mortal_jack: JackServer) -> None:
    with child(mortal_jack, NOTICE) as process:
        killed_ns = SystemClock().now_ns()
        mortal_jack.kill()
        noticed_ns = int(line(process))
        line(process, "survived")
        line(process, "closed")
        assert process.wait(5.0) == 0
    assert noticed_ns - killed_ns < 500 * NS_PER_MS


def test_a_stopped_server_is_noticed_and_nothing_hangs(mortal_jack: JackServer) -> None:
    with child(mortal_jack, NOTICE) as process:
        mortal_jack.pause()
        try:
            line(process)
            line(process, "survived")
            line(process, "closed")
            assert process.wait(5.0) == 0
        finally:
            mortal_jack.resume()


@pytest.mark.slow
def test_a_server_that_does_not_answer_is_one_sentence_in_seconds(
    mortal_jack: JackServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JACK_DEFAULT_SERVER", mortal_jack.name)
    mortal_jack.pause()
    clock = SystemClock()
    began_ns = clock.now_ns()
    try:
        with pytest.raises(PortError, match="did not open 'Ripieno In' within 5 s"):
            JackPort()
    finally:
        mortal_jack.resume()
    # 5 s to open, 1 s to let go of a bridge that hangs, and a busy machine.
    assert clock.now_ns() - began_ns < 20_000 * NS_PER_MS
