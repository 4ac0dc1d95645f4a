"""RtMidiPort on a real JACK server: names, losses, and the death of the server."""

import subprocess
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest
from tests import jack_fixture
from tests.jack_fixture import JackServer, attempts, line

from ripieno.errors import PortError
from ripieno.ports.backends import choose_backend
from ripieno.ports.jack_server import Sentinel, server_is_up
from ripieno.ports.ports import IN, OUT
from ripieno.ports.rtmidi_port import RtMidiPort, list_ports

pytestmark = pytest.mark.jack

JACK_IN = "Ripieno In:Ripieno In"
JACK_OUT = "Ripieno Out:Ripieno Out"

ECHO = """
import sys, threading
from ripieno.ports.rtmidi_port import RtMidiPort
port = RtMidiPort("rtmidi-jack")
print("open", flush=True)
never = threading.Event()
while port.alive():
    for at_ns, message in port.receive():
        port.send(message, at_ns)
    never.wait(0.0005)
"""

SENDER = """
import sys, threading
from ripieno.clock import SystemClock
from ripieno.ports.rtmidi_port import RtMidiPort
port, clock, never = RtMidiPort("rtmidi-jack"), SystemClock(), threading.Event()
print("open", flush=True)
n = 0
while port.alive():
    port.send(bytes((0x90, n % 128, 64)), 0)
    n += 1
    never.wait(0.0005)
print(clock.now_ns(), flush=True)
for _ in range(5000):
    port.send(b"\\x80\\x3c\\x00", 0)
print("survived", flush=True)
port.close()
print("closed", flush=True)
"""


COMES_AND_GOES = """
import subprocess
print("going", flush=True)
while True:
    subprocess.run(["jack_lsp"], stdout=subprocess.DEVNULL)
"""

CLOSER = """
import sys
from ripieno.ports.rtmidi_port import RtMidiPort
port = RtMidiPort("rtmidi-jack")
print("open", flush=True)
sys.stdin.readline()
port.close()
print("closed", flush=True)
"""


def child(
    server: JackServer, code: str
) -> AbstractContextManager[subprocess.Popen[str]]:
    return jack_fixture.child(server, code, ports=(JACK_IN, JACK_OUT))


def test_the_jack_names_are_those_that_the_documentation_gives(
    here: JackServer,
) -> None:
    port = RtMidiPort("rtmidi-jack")
    try:
        assert (port.name_in, port.name_out) == (JACK_IN, JACK_OUT)
        listed = here.lsp("-p") or []
        assert "input" in listed[listed.index(JACK_IN) + 1]
        assert "output" in listed[listed.index(JACK_OUT) + 1]
        assert JACK_OUT in list_ports("rtmidi-jack")[0]
        assert JACK_IN in list_ports("rtmidi-jack")[1]
    finally:
        port.close()
    assert JACK_IN not in (here.lsp() or [])


@pytest.mark.slow
def test_of_two_thousand_echoed_notes_none_is_lost_doubled_or_stuck(
    jack: JackServer, tmp_path: Path
) -> None:
    with child(jack, ECHO):
        counts = jack.probe(JACK_IN, JACK_OUT, 2000, 3.0, tmp_path / "probe.csv")
    faults = {key: counts[key] for key in ("lost", "dup", "ooo", "bad", "stuck")}
    assert faults == dict.fromkeys(faults, 0)
    assert counts["sent"] == counts["offs"] == 2000


def test_a_capture_connects_again_when_the_port_reappears(
    here: JackServer, tmp_path: Path
) -> None:
    csv = tmp_path / "capture.csv"
    capture = here.capture(JACK_OUT, csv)
    try:
        for pitch in (60, 62):
            send_until_captured(csv, bytes((0x90, pitch, 1)))
    finally:
        capture.terminate()
        capture.wait()
    assert "raw_minus_jack_us" in csv.read_text().splitlines()[0]


def send_until_captured(csv: Path, message: bytes) -> None:
    port = RtMidiPort("rtmidi-jack")
    try:
        for _ in attempts():
            port.send(message, 0)
            if csv.exists() and f",{message.hex()}\n" in csv.read_text():
                return
        pytest.fail(f"{message.hex()} was never captured")
    finally:
        port.close()


def test_a_name_in_use_is_refused(here: JackServer) -> None:
    port = RtMidiPort("rtmidi-jack")
    try:
        with pytest.raises(PortError, match="is in use"):
            RtMidiPort("rtmidi-jack")
        assert here.lsp() is not None
        assert not any("-01" in name for name in here.lsp() or ())
    finally:
        port.close()
    RtMidiPort("rtmidi-jack").close()


def test_another_program_with_our_port_name_is_noticed(here: JackServer) -> None:
    with (
        foreign(here, "Ripieno Out"),
        pytest.raises(PortError, match="'Ripieno Out' is in use"),
    ):
        RtMidiPort("rtmidi-jack")


@contextmanager
def foreign(server: JackServer, name: str) -> Iterator[None]:
    """A program that is not Ripieno and has a virtual output of this name."""
    code = (
        "import rtmidi, sys\n"
        f"port = rtmidi.MidiOut(rtmidi.API_UNIX_JACK, name={name!r})\n"
        f"port.open_virtual_port({name!r}); print('open', flush=True); sys.stdin.read()"
    )
    process = server.python(code)
    try:
        line(process, "open")
        yield
    finally:
        process.kill()
        process.communicate()


@pytest.mark.slow
def test_a_pair_works_however_many_clients_come_and_go(here: JackServer) -> None:
    """JACK ties a client that opens to the semaphore of one that leaves."""
    leaving = here.python(COMES_AND_GOES)
    try:
        line(leaving, "going")
        for _ in range(5):
            with child(here, CLOSER) as opened:
                opened.communicate("\n", timeout=10.0)
                assert opened.returncode == 0
    finally:
        leaving.kill()
        leaving.communicate()


def test_two_with_other_names_live_side_by_side(here: JackServer) -> None:
    first, second = (
        RtMidiPort("rtmidi-jack"),
        RtMidiPort("rtmidi-jack", "Left In", "Left Out"),
    )
    try:
        assert {"Left In:Left In", JACK_IN} <= set(here.lsp() or ())
    finally:
        first.close()
        second.close()


@pytest.mark.usefixtures("here")
def test_a_burst_comes_back_whole_and_in_order() -> None:
    port = RtMidiPort("rtmidi-jack")
    try:
        assert port.sentinel is not None
        assert port.sentinel.connect([(JACK_OUT, JACK_IN)]) == 1
        burst = [bytes((0x90 + k % 16, k // 16 % 128, 1)) for k in range(4000)]
        for message in burst:
            port.send(message, 0)
        echoed: list[bytes] = []
        for _ in attempts(patience_s=3.0):
            echoed += [heard.data for heard in port.receive()]
            if len(echoed) >= len(burst):
                break
        assert echoed == burst
    finally:
        port.close()


def test_connections_are_read_and_restored(here: JackServer) -> None:
    port = RtMidiPort("rtmidi-jack")
    sentinel = port.sentinel
    assert sentinel is not None
    try:
        wanted = [(JACK_OUT, JACK_IN)]
        assert sentinel.connections([JACK_IN, JACK_OUT]) == []
        assert sentinel.connect([*wanted, ("Nobody:Out", JACK_IN)]) == 1
        assert sentinel.connect(wanted) == 1
        assert sentinel.connections([JACK_IN, JACK_OUT, "Nobody:Out"]) == wanted
        subprocess.run(["jack_disconnect", JACK_OUT, JACK_IN], env=here.env, check=True)
        assert sentinel.connections([JACK_OUT]) == []
        assert port.alive()
    finally:
        port.close()


def test_the_sentinel_knows_the_period_and_the_rate(here: JackServer) -> None:
    sentinel = Sentinel("Ripieno test watch")
    assert (sentinel.period_frames, sentinel.rate_hz) == (here.period, 48_000)
    sentinel.close()


def test_jack_comes_first_where_it_answers(here: JackServer) -> None:
    assert here.lsp() is not None
    assert choose_backend("auto", platform="linux") == ("jack", "a JACK server answers")


@pytest.mark.usefixtures("native")
def test_without_a_server_nothing_is_started_and_a_sentence_is_raised(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("JACK_DEFAULT_SERVER", "ripieno-test-nobody")
    assert not server_is_up()
    with pytest.raises(PortError, match="no JACK server answers: start JACK"):
        RtMidiPort("rtmidi-jack")
    assert capfd.readouterr().err == ""


def test_a_killed_server_is_noticed_and_nothing_hangs(mortal_jack: JackServer) -> None:
    from ripieno.clock import SystemClock

    with child(mortal_jack, SENDER) as sender:
        killed_ns = SystemClock().now_ns()
        mortal_jack.kill()
        noticed_ns = int(line(sender))
        line(sender, "survived")
        line(sender, "closed")
        assert sender.wait(5.0) == 0
        assert noticed_ns - killed_ns < 500_000_000


def test_a_stopped_server_is_noticed_and_nothing_hangs(mortal_jack: JackServer) -> None:
    with child(mortal_jack, SENDER) as sender:
        mortal_jack.pause()
        try:
            line(sender)
            line(sender, "survived")
            line(sender, "closed")
            assert sender.wait(5.0) == 0
        finally:
            mortal_jack.resume()


def test_closing_on_a_stopped_server_does_not_hang(mortal_jack: JackServer) -> None:
    with child(mortal_jack, CLOSER) as closer:
        mortal_jack.pause()
        try:
            _, errors = closer.communicate("\n", timeout=10.0)
            assert closer.returncode == 0, errors
        finally:
            mortal_jack.resume()


def test_after_a_server_restart_a_new_port_has_the_old_names(
    mortal_jack: JackServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JACK_DEFAULT_SERVER", mortal_jack.name)
    old = RtMidiPort("rtmidi-jack")
    mortal_jack.kill()
    for _ in attempts(0.01):
        if not old.alive():
            break
    old.close()
    mortal_jack.start()
    new = RtMidiPort("rtmidi-jack")
    try:
        mortal_jack.wait_for_ports(JACK_IN, JACK_OUT)
        assert new.alive()
        assert new.name_in.endswith(IN)
        assert new.name_out.endswith(OUT)
    finally:
        new.close()


def test_a_port_that_jack_took_away_never_freezes_the_sender(here: JackServer) -> None:
    port = RtMidiPort("rtmidi-jack")
    try:
        port._out.close_port()
        for _ in range(3000):
            port.send(b"\x90\x3c\x40", 0)
        assert not port.alive()
        assert here.lsp() is not None
    finally:
        port.close()


@pytest.mark.parametrize("device", ["_in", "_out"])
def test_a_port_that_jack_took_away_is_noticed_without_a_send(
    here: JackServer, device: str
) -> None:
    port = RtMidiPort("rtmidi-jack")
    try:
        port.check()
        assert port.alive()
        getattr(port, device).close_port()
        port.check()
        assert not port.alive()
        assert here.lsp() is not None
    finally:
        port.close()


def test_a_new_pair_is_connected_to_nothing_and_has_nothing_to_say(
    here: JackServer,
) -> None:
    """It has heard itself when it opened; nothing of that is left."""
    port = RtMidiPort("rtmidi-jack")
    try:
        assert port.sentinel is not None
        assert port.sentinel.connections([JACK_IN, JACK_OUT]) == []
        assert port.receive() == []
        assert here.lsp() is not None
    finally:
        port.close()


def test_the_names_of_a_killed_owner_are_soon_free(here: JackServer) -> None:
    with child(here, ECHO) as owner:
        owner.kill()
        for _ in attempts(0.02):
            try:
                port = RtMidiPort("rtmidi-jack")
                break
            except PortError:
                continue
        else:
            pytest.fail("the names were never freed")
        port.close()
