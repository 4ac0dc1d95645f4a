"""The process callbacks of JackPort, in C and in Python: exact frames, no losses.

Other processes load the machine at the same time.
"""

import itertools
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from benchmarks.effective import effective
from tests.jack_fixture import JackServer, Missing, attempts, line
from tests.live_daemon import Captured, until
from tests.ports.jack_ports import (
    ECHO,
    IN,
    OUT,
    captured,
    capturing,
    child,
)

from ripieno.clock import NS_PER_MS, SystemClock
from ripieno.music import messages
from ripieno.ports.jack_bridge import PYTHON
from ripieno.ports.jack_native import maybe_native
from ripieno.ports.jack_port import JackPort

pytestmark = pytest.mark.jack

BUSY = "while True: sum(range(100_000))"

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


@pytest.mark.usefixtures("_callback")
@pytest.mark.usefixtures("_busy")
@pytest.mark.slow
def test_planned_notes_leave_on_their_frames_beside_any_load(
    jack: JackServer, tmp_path: Path
) -> None:
    n, csv = 1000, tmp_path / "capture.csv"
    with capturing(jack, csv), child(jack, SCHEDULE, str(n)) as process:
        due = [int(line(process)) for _ in range(n)]
        late, dropped = map(int, line(process).split())
        process.wait(5.0)
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
    with capturing(jack, csv), child(jack, TAKEN_BACK, str(n)) as process:
        assert line(process) == "done"
        process.wait(5.0)
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


@pytest.mark.usefixtures("_callback")
def test_what_sounds_ends_when_the_owner_is_killed(
    jack: JackServer, tmp_path: Path
) -> None:
    offs = [b"\x80\x3c\x40", b"\x81\x40\x40", b"\xb0\x40\x00"]
    silences = [b"\xb0\x7b\x00", b"\xb1\x40\x00", b"\xb1\x7b\x00"]
    csv = tmp_path / "capture.csv"
    with capturing(jack, csv), child(jack, HOLD) as owner:
        until(lambda: csv.exists() and len(captured(csv)) == 3)
        killed_ns = SystemClock().now_ns()
        owner.kill()
        until(lambda: {data for _, data in captured(csv)} >= {*offs, *silences})
    # A busy machine may drop a period: then ends are sent once more.
    first: dict[bytes, int] = {}
    for at_us, data in Captured.read(csv).events[3:]:
        first.setdefault(data, at_us)
    assert [*first] == [*offs, *silences]
    assert (
        first[offs[-1]] * 1_000 - killed_ns < 100 * NS_PER_MS
    )  # 1 to 3 ms, if there is room
