"""`ripieno set` and `ripieno seat` with a real daemon and a JACK server."""

import os

import pytest
from tests.command import ripieno
from tests.live_daemon import OUT, Captured, Daemon, pause, until

from ripieno.commands.replay import replay
from ripieno.files import journal
from ripieno.protocol import Plan, Ready, Voices
from ripieno.settings.ensemble import Ensemble, SeatSettings
from ripieno.settings.params import Params

pytestmark = [pytest.mark.jack, pytest.mark.slow]


@pytest.fixture(autouse=True)
def runtime_dir(tmp_path, monkeypatch, jack):
    """No daemon but the test's own."""
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    monkeypatch.setitem(jack.env, "XDG_RUNTIME_DIR", str(tmp_path))
    return tmp_path


@pytest.fixture
def capture(jack, tmp_path):
    csv = tmp_path / "capture.csv"
    process = jack.capture(OUT, csv)
    yield lambda: Captured.read(csv) if csv.exists() else Captured([])
    process.terminate()
    process.wait()


def turn(*words):
    done = ripieno("set", *words)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.splitlines()


def entries(daemon, kind):
    return [e for e in journal.read(daemon.journal) if isinstance(e, kind)]


def wait_for_ons(capture, wanted):
    until(lambda: len(capture().ons) >= wanted)


def after_last_header(daemon):
    found: list[journal.Entry] = []
    for entry in journal.read(daemon.journal):
        found = [] if isinstance(entry, journal.Header) else [*found, entry]
    return found


def test_what_is_set_holds_at_once_and_outlives_the_player(jack, capture, tmp_path):
    meant = Params(role="accompany", bpm=100.0, lead=0.5, listen=0, seed=1)
    with Daemon(jack, tmp_path, "--role", "answer") as daemon:
        until(lambda: ripieno("set").returncode == 0)
        assert "role = answer" in turn()
        assert "bpm = 100.0 (was 120.0)" in turn(
            "role=accompany", "bpm=100", "lead=0.5", "listen=0"
        )
        until(lambda: entries(daemon, journal.Turned))
        assert [e.ensemble for e in entries(daemon, journal.Turned)] == [
            Ensemble(meant)
        ]
        daemon.phrase(60, 64, 67, 72, gap_s=0.6)
        until(lambda: len(capture().ons) >= 6)
        daemon.kill(daemon.player)
        until(lambda: len(entries(daemon, journal.Header)) == 2)
        assert entries(daemon, journal.Header)[1].params == meant
        assert "lead = 0.5" in turn()
        assert turn("role=answer")
        daemon.phrase(60, 62, 64)
    assert not capture().sounding()
    assert not [*(tmp_path / "ripieno").iterdir()]
    assert replay(daemon.journal).differing == 0


def test_from_role_to_role_live_nothing_hangs(jack, capture, tmp_path):
    with Daemon(jack, tmp_path, "--role", "answer") as daemon:
        until(lambda: ripieno("set").returncode == 0)
        for role in ("accompany", "answer", "harmonize", "continue", "harmonize"):
            turn(f"role={role}", "listen=0", "bpm=140")
            wanted = len(capture().ons) + 1
            daemon.phrase(60, 64, 67, 72, 67, gap_s=0.4)
            wait_for_ons(capture, wanted)
        asked = {
            type(e.message).__name__
            for e in entries(daemon, journal.Told)
            if type(e.message).__name__ in ("Ask", "Decide", "Sing")
        }
        assert asked == {"Ask", "Decide", "Sing"}
        assert "died" not in daemon.log.read_text()
        pause(0.2)  # what was just sent is past the player's own buffers
        daemon.kill(daemon.player)
        until(lambda: len(entries(daemon, journal.Header)) == 2)
        daemon.phrase(60, 64, 67, 72, gap_s=0.4)
        daemon.kill(daemon.thinker)
        until(lambda: daemon.log.read_text().count("Model: chorale-gru") == 2)
        wanted = len(capture().ons) + 3
        daemon.phrase(60, 64, 67)
        wait_for_ons(capture, wanted)
    again = after_last_header(daemon)
    assert "harmonize" in {
        role
        for e in again
        if isinstance(e, journal.Thought) and isinstance(e.message, Ready)
        for role in e.message.roles
    }
    assert any(
        isinstance(e, journal.Thought) and isinstance(e.message, Voices) for e in again
    )
    assert not capture().sounding()
    found = replay(daemon.journal)
    assert (found.differing, found.first) == (0, "")


def test_a_controller_turns_a_knob_live(jack, tmp_path):
    with Daemon(jack, tmp_path, "--thru") as daemon:
        until(lambda: ripieno("set").returncode == 0)
        daemon.play((0.0, bytes((0xB0, 20, 127))), (0.0, bytes((0xB0, 7, 90))))
        until(lambda: "lead = 1.0" in turn())
        daemon.kill(daemon.player)
        until(lambda: len(entries(daemon, journal.Header)) == 2)
        assert entries(daemon, journal.Header)[1].params.lead == 1.0
    sent = [e.data for e in entries(daemon, journal.Sent)]
    assert bytes((0xB0, 7, 90)) in sent
    assert bytes((0xB0, 20, 127)) not in sent


def test_a_seat_that_is_added_plays_and_outlives_the_player(jack, capture, tmp_path):
    with Daemon(jack, tmp_path, "--seat", "solo role=answer channel=3") as daemon:
        until(lambda: ripieno("set").returncode == 0)
        for words in (("add", "echo", "role=answer", "channel=5"), ()):
            done = ripieno("seat", *words)
            assert (done.returncode, done.stderr) == (0, "")
            assert done.stdout.splitlines() == [
                "solo: answer on channel 3",
                "echo: answer on channel 5",
            ]
        assert turn("echo.level=0.5") == ["echo.level = 0.5 (was 1.0)"]
        until(lambda: any(_is_ready_of(2, e) for e in entries(daemon, journal.Thought)))
        daemon.phrase(60, 62, 64, 65)
        until(lambda: {2, 4} <= {data[0] & 15 for _, data in capture().ons})
        planned = {
            e.seat
            for e in entries(daemon, journal.Thought)
            if isinstance(e.message, Plan)
        }
        assert planned == {1, 2}
        daemon.kill(daemon.player)
        until(lambda: len(entries(daemon, journal.Header)) == 2)
        assert entries(daemon, journal.Header)[1].seats == (
            SeatSettings("solo", {"role": "answer", "channel": 3}),
            SeatSettings("echo", {"role": "answer", "channel": 5, "level": 0.5}),
        )
        done = ripieno("seat", "remove", "solo")
        assert done.stdout.splitlines() == ["echo: answer on channel 5"]
    assert not capture().sounding()
    found = replay(daemon.journal)
    assert (found.differing, found.differing_plans) == (0, 0), found.first


def _is_ready_of(seat, entry):
    """Whether the mind of one seat was loaded."""
    return isinstance(entry.message, Ready) and entry.seat == seat


def test_a_daemon_that_was_killed_is_not_found(jack, tmp_path):
    with Daemon(jack, tmp_path) as daemon:
        until(lambda: ripieno("set").returncode == 0)
        daemon.process.kill()
        daemon.process.wait()
        assert ripieno("set").returncode == 5
        assert not [*(tmp_path / "ripieno").glob(f"{os.getpid()}*")]
