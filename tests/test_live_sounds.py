"""Programs and volumes reach a synthesizer that is connected late, on JACK."""

import pytest
from tests.live_daemon import OUT, Captured, Daemon, pause, until

from ripieno.commands.replay import replay
from ripieno.play import sound
from ripieno.settings.params import Params

pytestmark = [pytest.mark.jack, pytest.mark.slow]

SET_UP = sound.set_up(Params(role="answer"))


def arrived(csv):
    return [data for _, data in Captured.read(csv).events] if csv.exists() else []


def connected(jack, csv, name):
    """Start a receiver, written in C, that connects to the daemon's output at once."""
    return jack.capture(OUT, csv, name)


def test_a_synthesizer_that_connects_late_gets_programs_and_volumes_once(
    jack, tmp_path
):
    first, second = tmp_path / "first.csv", tmp_path / "second.csv"
    with Daemon(jack, tmp_path) as daemon:
        pause(1.0)
        synthesizers = [connected(jack, first, "first")]
        until(lambda: arrived(first) == SET_UP, 3.0)
        pause(1.5)
        assert arrived(first) == SET_UP
        synthesizers.append(connected(jack, second, "second"))
        until(lambda: arrived(second) == SET_UP, 3.0)
        daemon.process.terminate()
        daemon.process.wait()
    for synthesizer in synthesizers:
        synthesizer.terminate()
        synthesizer.wait()
    found = replay(daemon.journal)
    assert (found.differing, found.differing_plans) == (0, 0), found.first


def test_a_player_that_is_restarted_sends_them_once_to_what_was_connected(
    jack, tmp_path
):
    csv = tmp_path / "capture.csv"
    with Daemon(jack, tmp_path) as daemon:
        synthesizer = connected(jack, csv, "capture")
        until(lambda: arrived(csv) == SET_UP, 3.0)
        pause(1.0)
        daemon.kill(daemon.player)
        until(lambda: daemon.log.read_text().count("Ports: ") == 2)
        pause(1.5)
        assert [d for d in arrived(csv) if d in SET_UP] == 2 * SET_UP
    synthesizer.terminate()
    synthesizer.wait()
