"""JackPort on a real JACK server: exact frames, nothing lost, and every kind of death.

Frames are compared with frames: no clock comes between what was asked and what a C
client saw. The machine is busy meanwhile.
"""

import itertools
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
from tests import jack_fixture
from tests.jack_fixture import JackServer, attempts, line
from tests.live_daemon import Captured, until

from ripieno.clock import NS_PER_MS, NS_PER_S, SystemClock
from ripieno.errors import PortError
from ripieno.midi.jack_port import JackPort
from ripieno.midi.jack_server import Sentinel
from ripieno.midi.ports import Heard
from ripieno.music import messages

pytestmark = pytest.mark.jack

IN, OUT = "Ripieno In:Ripieno In", "Ripieno Out:Ripieno Out"
FRAME_NS = 20_834
BUSY = "while True: sum(range(100_000))"

BEGIN = """
import contextlib, os, sys
from ripieno.clock import SystemClock
from ripieno.midi.jack_port import JackPort
clock = SystemClock()
port = JackPort()
with contextlib.suppress(OSError, AttributeError):
    os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(60))
print("open", flush=True)
def wait(until_ns):
    port.wait(until_ns)
    port.heard_until(until_ns)
"""
ECHO = """
delay_ns = int(sys.argv[1]) if sys.argv[1:] else 0
while port.alive():
    for at_ns, message in port.receive():
        port.send(message, at_ns + delay_ns)
    wait(clock.now_ns() + 4_000_000)
    port.check()
"""
SCHEDULE = """
n, every_ns = int(sys.argv[1]), 5_000_000
start_ns = clock.now_ns() + 1_500_000_000  # the first second settles the time
for number in range(n):
    due_ns = start_ns + number * every_ns
    while clock.now_ns() < due_ns - port.reach_ns:
        wait(due_ns - port.reach_ns)
    port.send(bytes((0x90, number % 128, 1 + number // 128)), due_ns)
    print(port.frame_at(due_ns) % (1 << 32), flush=True)
while clock.now_ns() < due_ns + 100_000_000:
    wait(due_ns + 100_000_000)
print(port.late, flush=True)
port.close()
"""
HOLD = """
for message in (b"\\xb0\\x40\\x7f", b"\\x90\\x3c\\x40", b"\\x91\\x40\\x40"):
    port.send(message, clock.now_ns())
while True:
    wait(clock.now_ns() + 4_000_000)
"""
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


@pytest.fixture
def _busy() -> Iterator[None]:
    """Every core has something else to do."""
    code = [sys.executable, "-c", BUSY]
    loads = [subprocess.Popen(code) for _ in range(os.cpu_count() or 1)]
    yield
    for load in loads:
        load.kill()
        load.wait()


def child(
    server: JackServer, code: str, *arguments: str
) -> AbstractContextManager[subprocess.Popen[str]]:
    return jack_fixture.child(server, BEGIN + code, *arguments, ports=(IN, OUT))


def received(port: JackPort, n: int) -> list[Heard]:
    """What arrives, until so many messages have."""
    clock, heard = SystemClock(), list[Heard]()
    for _ in attempts(0.001):
        heard += port.receive()
        if len(heard) >= n:
            break
        port.wait(clock.now_ns() + 2 * NS_PER_MS)
    return heard


def captured(csv: Path) -> list[tuple[int, bytes]]:
    """(frame, message) each."""
    rows = [row.split(",") for row in csv.read_text().splitlines()[2:]]
    return [(int(frame), bytes.fromhex(data)) for _, frame, data in rows]


# ── exact ────────────────────────────────────────────────────────────────────────────


@pytest.mark.usefixtures("_busy")
@pytest.mark.slow
def test_planned_notes_leave_on_their_frames_beside_any_load(
    jack: JackServer, tmp_path: Path
) -> None:
    n, csv = 1000, tmp_path / "capture.csv"
    capture = jack.capture(OUT, csv)
    try:
        with child(jack, SCHEDULE, str(n)) as process:
            due = [int(line(process)) for _ in range(n)]
            late = int(line(process))
            process.wait(5.0)
    finally:
        capture.terminate()
        capture.wait()
    events = [event for event in captured(csv) if messages.is_note_on(event[1])]
    assert [data[1] + 128 * (data[2] - 1) for _, data in events] == list(range(n))
    # A server that had an xrun has lost frames: their distance is not all there is.
    off = [frame - wanted for (frame, _), wanted in zip(events, due, strict=True)]
    assert (late, set(off)) == (0, {0})
    apart = [b - a for a, b in itertools.pairwise(due)]
    assert apart.count(240) >= n - 10


@pytest.mark.usefixtures("_busy")
@pytest.mark.slow
def test_answers_at_a_distance_keep_it_to_the_frame(
    jack: JackServer, tmp_path: Path
) -> None:
    with child(jack, ECHO, str(16 * NS_PER_MS)):
        seen = jack.probe(IN, OUT, 1000, 5.0, tmp_path / "probe.csv")
    assert (seen["lost"], seen["dup"], seen["stuck"], seen["ooo"]) == (0, 0, 0, 0)
    assert (seen["p50_ms"], seen["sd_ms"]) == (16.0, 0.0)


@pytest.mark.slow
def test_an_echo_takes_one_period(jack: JackServer, tmp_path: Path) -> None:
    with child(jack, ECHO):
        seen = jack.probe(IN, OUT, 2000, 3.0, tmp_path / "probe.csv")
    assert (seen["lost"], seen["dup"], seen["stuck"], seen["bad"]) == (0, 0, 0, 0)
    period_ms = jack.period / 48.0
    assert seen["min_ms"] == seen["p90_ms"] == pytest.approx(period_ms, abs=1e-3)


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


# ── nothing is lost ──────────────────────────────────────────────────────────────────


def connect_to_itself() -> None:
    sentinel = Sentinel("Ripieno test watch")
    assert sentinel.connect([(OUT, IN)]) == 1
    sentinel.close()


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


def test_closing_lets_the_offs_go_first(here: JackServer, tmp_path: Path) -> None:
    csv = tmp_path / "capture.csv"
    capture = here.capture(OUT, csv)
    port = JackPort()
    try:
        for _ in attempts():
            port.send(b"\xb0\x01\x01", 0)
            if csv.exists() and len(csv.read_text().splitlines()) > 2:
                break
        soon_ns = SystemClock().now_ns() + 10_000 * NS_PER_MS
        port.send(b"\x90\x3c\x40", soon_ns)
        port.send(b"\x80\x3c\x00", soon_ns)
    finally:
        port.close()
    capture.terminate()
    capture.wait()
    kinds = [data[0] for _, data in captured(csv)]
    assert 0x80 in kinds
    assert 0x90 not in kinds


# ── names ────────────────────────────────────────────────────────────────────────────


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
    port = JackPort(connections=[(OUT, IN), ("nobody:out", IN)])
    listed = here.lsp("-c") or []
    port.close()
    assert listed[listed.index(OUT) + 1].strip() == IN


def test_the_names_of_a_killed_owner_are_soon_free(here: JackServer) -> None:
    with child(here, ECHO) as owner:
        owner.kill()
        here.wait_until_gone(IN, OUT)
        JackPort().close()


# ── death ────────────────────────────────────────────────────────────────────────────


def test_what_sounds_ends_when_the_owner_is_killed(
    jack: JackServer, tmp_path: Path
) -> None:
    csv = tmp_path / "capture.csv"
    capture = jack.capture(OUT, csv)
    try:
        with child(jack, HOLD) as owner:
            until(lambda: csv.exists() and len(captured(csv)) == 3)
            killed_ns = SystemClock().now_ns()
            owner.kill()
            until(lambda: len(captured(csv)) == 6)
    finally:
        capture.terminate()
        capture.wait()
    *_, off, other, foot = Captured.read(csv).events
    assert {off[1], other[1]} == {b"\x80\x3c\x40", b"\x81\x40\x40"}
    assert foot[1] == b"\xb0\x40\x00"
    assert foot[0] * 1_000 - killed_ns < 100 * NS_PER_MS  # 1 to 3 ms, if there is room


@pytest.mark.parametrize("which", [0, 1], ids=["in", "out"])
def test_a_bridge_that_was_killed_is_noticed(port: JackPort, which: int) -> None:
    port.check()
    assert port.alive()
    process = port._bridges[which]._process
    process.kill()
    process.wait()
    port.check()
    assert not port.alive()


def test_a_bridge_that_is_stopped_amid_telling_of_a_cycle_harms_nothing(
    port: JackPort,
) -> None:
    clock, bridge = SystemClock(), port._bridges[0]._process
    bridge.send_signal(signal.SIGSTOP)
    try:
        words = port._memory.heard._words
        until(lambda: Path(f"/proc/{bridge.pid}/stat").read_text().split()[2] == "T")
        before_ns = port.heard_until(clock.now_ns())
        words[0] += 1  # counted, and told no further
        assert 0 <= port.heard_until(clock.now_ns()) - before_ns < NS_PER_S
        port.send(b"\x90\x3c\x40", clock.now_ns())
        words[0] -= 1
    finally:
        bridge.send_signal(signal.SIGCONT)


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


def test_bridges_heed_no_signal_of_the_terminal(port: JackPort) -> None:
    for bridge in port._bridges:
        bridge._process.send_signal(signal.SIGINT)
        bridge._process.send_signal(signal.SIGTERM)
    connect_to_itself()
    port.send(b"\x90\x3c\x40", SystemClock().now_ns())
    assert [data for _, data in received(port, 1)] == [b"\x90\x3c\x40"]
    port.check()
    assert port.alive()
