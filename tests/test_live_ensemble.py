"""Several seats in the daemon's real processes, on a JACK server.

A C client captures what arrives. The seats are added, changed and removed as a person
would do it, through `ripieno set` and `ripieno seat`.
"""

import signal

import pytest
from tests.live_daemon import OUT, Captured, Daemon, melody, pause, until

from ripieno.commands.replay import replay
from ripieno.errors import SettingsError
from ripieno.processes.remote import change, status_of
from ripieno.settings.ensemble import SeatSettings

pytestmark = [pytest.mark.jack, pytest.mark.slow]

FOUR = (
    "--listen", "0", "--seat", "keys role=keys channel=1",
    "--seat", "pad role=pad channel=2", "--seat", "bass role=bass channel=3",
    "--seat", "solo role=answer channel=5",
)  # fmt: skip
CHANNELS = {0, 1, 2}
"""Of the seats that play on the beat."""


@pytest.fixture
def capture(jack, tmp_path):
    """A C client on the daemon's output; call it for what it saw so far."""
    csv = tmp_path / "capture.csv"
    process = jack.capture(OUT, csv)
    yield lambda: Captured.read(csv) if csv.exists() else Captured([])
    process.terminate()
    process.wait()


@pytest.fixture
def daemon(jack, capture, tmp_path):
    """Four seats, which play to a melody."""
    with Daemon(jack, tmp_path, *FOUR) as daemon:
        daemon.begin(*melody(60))
        until(lambda: {channel for channel, _ in capture().sounding()} >= CHANNELS)
        pause(1.0)  # the daemon has seen the connections by then
        yield daemon


def seats():
    """The state of each seat, by name."""
    status = status_of("Ripieno In")
    assert status is not None
    return {seat.name: seat for seat in status.seats}


def sounding_on(capture, channel):
    """The keys that sound on a channel, counted from 0."""
    return {pitch for which, pitch in capture().sounding() if which == channel}


def test_four_seats_play_on_their_channels_and_replay_bit_for_bit(daemon):
    pause(4.0)
    found = seats().values()
    assert [(seat.name, seat.channel) for seat in found] == [
        ("keys", 1), ("pad", 2), ("bass", 3), ("solo", 5),
    ]  # fmt: skip
    assert all(seat.sent for seat in found if seat.role != "answer")
    daemon.process.terminate()
    daemon.process.wait()
    found = replay(daemon.journal)
    assert found.outputs > 50
    assert (found.differing, found.differing_plans) == (0, 0), found.first
    assert not found.why_no_plans


@pytest.mark.usefixtures("daemon")
def test_a_seat_that_is_removed_while_it_sounds_leaves_nothing(capture):
    until(lambda: sounding_on(capture, 1))
    change((), remove=("pad",))
    pause(0.5)
    assert not sounding_on(capture, 1)
    until(lambda: sounding_on(capture, 0))  # the others play on
    change((), add=(SeatSettings("pad", {"role": "pad", "channel": 7}),))
    until(lambda: sounding_on(capture, 6))


@pytest.mark.usefixtures("daemon")
def test_a_seat_is_muted_and_changed_by_its_name(capture):
    change(["keys.mute=yes"])
    pause(0.5)
    assert not sounding_on(capture, 0)
    change(["keys.mute=no", "pad.role=keys", "bass.channel=9"])
    until(lambda: sounding_on(capture, 0))
    until(lambda: sounding_on(capture, 8))
    assert not sounding_on(capture, 2)
    assert seats()["pad"].role == "keys"
    with pytest.raises(SettingsError, match="no seat 'drums'; there are: keys, pad"):
        change(["drums.busy=8"])


@pytest.mark.parametrize("name", ["player", "thinker"])
def test_a_killed_process_releases_all_seats_and_the_seats_come_back(
    daemon, capture, name
):
    change(["keys.busy=12"])
    daemon.kill(daemon.child(name))
    if name == "player":
        until(lambda: not capture().sounding(), 3.0)
    until(lambda: {channel for channel, _ in capture().sounding()} >= CHANNELS, 20.0)
    now = change(()).after
    assert now.seated()["keys"].busy == 12.0
    daemon.process.send_signal(signal.SIGTERM)
    daemon.process.wait()
    pause(0.3)
    assert not capture().sounding()


def test_when_the_supervisor_is_killed_no_seat_sounds_on(daemon, capture):
    daemon.process.kill()
    until(lambda: not capture().sounding(), 5.0)


def test_a_second_seat_of_one_role_is_loaded_while_the_others_play(
    jack, capture, tmp_path
):
    with Daemon(jack, tmp_path, *FOUR) as daemon:
        daemon.begin(*melody(24))
        until(lambda: {channel for channel, _ in capture().sounding()} >= CHANNELS)
        before = seats()["keys"]
        change((), add=(SeatSettings("echo", {"role": "answer", "channel": 6}),))
        pause(6.0)
        after = seats()["keys"]
        decided = after.asked - before.asked
        by_rules = after.fallbacks - before.fallbacks
        assert decided >= 8
        assert by_rules <= decided // 4
        # The melody ends, and both seats answer it.
        until(lambda: {4, 5} <= {data[0] & 15 for _, data in capture().ons}, 15.0)
