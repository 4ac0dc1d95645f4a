"""JackPort on a real JACK server: exact frames, no losses, dying processes.

The tests compare the frame that was asked for with the frame that a C client saw; no
other clock is involved. Other processes load the machine at the same time.
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
from benchmarks.effective import effective
from tests import jack_fixture
from tests.jack_fixture import JackServer, Missing, attempts, line
from tests.live_daemon import Captured, until

from ripieno.clock import NS_PER_MS, NS_PER_S, SystemClock
from ripieno.errors import PortError
from ripieno.music import messages
from ripieno.ports.jack_bridge import PYTHON
from ripieno.ports.jack_bridges import MOST_DEATHS
from ripieno.ports.jack_native import maybe_native
from ripieno.ports.jack_port import JackPort
from ripieno.ports.jack_process import Direction
from ripieno.ports.jack_server import Sentinel
from ripieno.ports.ports import Heard

pytestmark = pytest.mark.jack

IN, OUT = "Ripieno In:Ripieno In", "Ripieno Out:Ripieno Out"
FRAME_NS = 20_834
BOTH: tuple[Direction, ...] = ("in", "out")
BUSY = "while True: sum(range(100_000))"

BEGIN = """
import contextlib, os, sys
from ripieno.clock import SystemClock
from ripieno.ports.jack_memory import GAPS, LATE
from ripieno.ports.jack_port import JackPort
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
words = port._memory.due.words
print(words[LATE], words[GAPS], flush=True)
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


TAKEN_BACK = """
n, start_ns = int(sys.argv[1]), clock.now_ns() + 1_500_000_000
for number in range(n):
    due_ns = start_ns + number * 20_000_000
    while clock.now_ns() < due_ns - port.reach_ns:
        wait(due_ns - port.reach_ns)
    port.send(bytes((0x90, 60, 1 + number)), due_ns)
    is_taken_back = number % 2
    off_ns = due_ns - port.reach_ns if is_taken_back else due_ns + 5_000_000
    if not is_taken_back:
        wait(due_ns)
    port.send(b"\\x80\\x3c\\x40", off_ns)
while clock.now_ns() < due_ns + 100_000_000:
    wait(due_ns + 100_000_000)
print("done", flush=True)
port.close()
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


@pytest.fixture(params=["native", "python"])
def _callback(
    request: pytest.FixtureRequest, jack: JackServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The process callback in C, and the one in Python that does without a compiler."""
    if request.param == "python":
        monkeypatch.setenv(PYTHON, "1")
        monkeypatch.setitem(jack.env, PYTHON, "1")
    elif maybe_native() is None:
        Missing("the callback in C was not built").skip_or_fail()


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


@pytest.mark.usefixtures("_callback")
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
            late, dropped = map(int, line(process).split())
            process.wait(5.0)
    finally:
        capture.terminate()
        capture.wait()
    events = [event for event in captured(csv) if messages.is_note_on(event[1])]
    frames = {data[1] + 128 * (data[2] - 1): frame for frame, data in events}
    if not dropped:  # else the receiver, too, may have read a period late
        assert [*frames] == sorted(frames)
    assert len(events) == len(frames)
    # Whatever was in a period that the server dropped is lost: one note, at 5 ms apart.
    assert n - dropped <= len(frames) <= n
    # A server that had an xrun has lost frames: their distance is not all there is.
    off = {frame - due[number] for number, frame in frames.items()}
    assert (late, off) == (0, {0})
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


@pytest.mark.usefixtures("_callback")
def test_a_note_that_ends_before_it_is_due_is_not_played_at_all(
    jack: JackServer, tmp_path: Path
) -> None:
    """As at a stop: what was handed over ahead of its time has yet to begin."""
    n, csv = 100, tmp_path / "capture.csv"
    capture = jack.capture(OUT, csv)
    try:
        with child(jack, TAKEN_BACK, str(n)) as process:
            assert line(process) == "done"
            process.wait(5.0)
    finally:
        capture.terminate()
        capture.wait()
    heard = list(effective(data for _, data in captured(csv)))
    ons = [data[2] - 1 for data in heard if messages.is_note_on(data)]
    offs = [data for data in heard if messages.is_note_off(data)]
    late = set(ons) - set(range(0, n, 2))  # a busy machine may hand one over too late
    assert set(ons) >= set(range(0, n, 2))
    assert len(late) <= n // 20
    assert len(offs) == len(ons)


@pytest.mark.usefixtures("_callback")
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


@pytest.mark.usefixtures("_callback")
def test_recent_note_offs_are_sent_again_after_dropped_periods(
    here: JackServer, tmp_path: Path
) -> None:
    csv = tmp_path / "capture.csv"
    capture, port, clock = here.capture(OUT, csv), JackPort(), SystemClock()

    def sent(message: bytes) -> int:
        return [data for _, data in captured(csv)].count(message)

    try:
        for _ in attempts():
            port.send(b"\xb0\x01\x01", 0)
            if csv.exists() and captured(csv):
                break
        now_ns = clock.now_ns()
        for key, times in ((60, "10"), (62, "101")):  # 60 is released, 62 stays down
            for number, is_on in enumerate(times):
                data = bytes((0x90 if is_on == "1" else 0x80, key, 33))
                port.send(data, now_ns + number * NS_PER_MS)
        until(lambda: sent(b"\x90\x3e\x21") == 2)
        here.pause()
        clock.wait_until(clock.now_ns() + 100 * NS_PER_MS)
        here.resume()
        until(lambda: sent(b"\x80\x3c\x21") >= 2)
    finally:
        port.close()
        capture.terminate()
        capture.wait()
    assert sent(b"\x90\x3c\x21") == 1
    assert sent(b"\x90\x3e\x21") == 2
    before_closing = [data for _, data in captured(csv) if data[0] < 0xB0][:-1]
    assert before_closing.count(b"\x80\x3e\x21") == 1


@pytest.mark.usefixtures("_callback")
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
    port = JackPort(connections=lambda: [(OUT, IN), ("nobody:out", IN)])
    listed = here.lsp("-c") or []
    port.close()
    assert listed[listed.index(OUT) + 1].strip() == IN


def test_the_names_of_a_killed_owner_are_soon_free(here: JackServer) -> None:
    with child(here, ECHO) as owner:
        owner.kill()
        here.wait_until_gone(IN, OUT)
        JackPort().close()


# ── death ────────────────────────────────────────────────────────────────────────────


@pytest.mark.usefixtures("_callback")
def test_what_sounds_ends_when_the_owner_is_killed(
    jack: JackServer, tmp_path: Path
) -> None:
    offs = [b"\x80\x3c\x40", b"\x81\x40\x40", b"\xb0\x40\x00"]
    silences = [b"\xb0\x7b\x00", b"\xb1\x40\x00", b"\xb1\x7b\x00"]
    csv = tmp_path / "capture.csv"
    capture = jack.capture(OUT, csv)
    try:
        with child(jack, HOLD) as owner:
            until(lambda: csv.exists() and len(captured(csv)) == 3)
            killed_ns = SystemClock().now_ns()
            owner.kill()
            until(lambda: {data for _, data in captured(csv)} >= {*offs, *silences})
    finally:
        capture.terminate()
        capture.wait()
    # A busy machine may drop a period: then ends are sent once more.
    first: dict[bytes, int] = {}
    for at_us, data in Captured.read(csv).events[3:]:
        first.setdefault(data, at_us)
    assert [*first] == [*offs, *silences]
    assert (
        first[offs[-1]] * 1_000 - killed_ns < 100 * NS_PER_MS
    )  # 1 to 3 ms, if there is room


def replaced(port: JackPort, which: Direction) -> list[Heard]:
    """Kill one of a port's bridges and wait for the next; what was received by then."""
    clock, heard = SystemClock(), list[Heard]()
    port._bridges.process(which)._process.kill()

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
        spare, first = port._bridges._spare, port._bridges.process("out")
        assert spare is not None
        for process in (spare, *map(port._bridges.process, BOTH)):
            process._process.kill()

        def is_whole() -> bool:
            port.wait(clock.now_ns() + 2 * NS_PER_MS)
            port.check()
            port.receive()
            is_new = port._bridges.process("out") is not first
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
    port._bridges.process("out")._process.kill()
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
    clock, bridge = SystemClock(), port._bridges.process("in")._process
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
    for direction in BOTH:
        bridge = port._bridges.process(direction)._process
        bridge.send_signal(signal.SIGINT)
        bridge.send_signal(signal.SIGTERM)
    connect_to_itself()
    port.send(b"\x90\x3c\x40", SystemClock().now_ns())
    assert [data for _, data in received(port, 1)] == [b"\x90\x3c\x40"]
    port.check()
    assert port.alive()
