"""The `bench` commands as processes, with short runs, on a real JACK server.

The tests assert what a musician would hear. They assert no speed, because the machine
does other work at the same time.
"""

import msgspec
import pytest
from tests.command import assert_sentence, ripieno
from tests.jack_fixture import PERIOD_FRAMES, RATE_HZ
from tests.ratios import stored_lateness

from ripieno.bench.report import Report, Spread

pytestmark = pytest.mark.jack

SETTING, FILE, PORT = 2, 3, 5
LOOKS = 3
LATE = "rtmidi-jack, idle: arrived minus due, ms"


@pytest.fixture
def bench(jack, tmp_path):
    """Run a measurement; its report."""

    def run(what, *flags):
        path = tmp_path / "found.json"
        env = {**jack.env, "XDG_RUNTIME_DIR": str(tmp_path)}
        done = ripieno("bench", what, *flags, "-o", path, env=env)
        assert done.returncode == 0, done.stderr
        assert "Traceback" not in done.stderr
        assert done.stdout.startswith(f"ripieno bench {what}, ")
        return msgspec.json.decode(path.read_bytes(), type=Report)

    return run


def spread_of(report, name):
    found = report.figures[name]
    assert isinstance(found, Spread)
    return found


@pytest.mark.parametrize("backend", ["jack", "rtmidi-jack"])
@pytest.mark.slow
def test_latency_of_thru_and_of_an_answer_stand_side_by_side(bench, backend):
    flags = ("--roles", "harmonize", "--notes", "60", "--backend", backend)
    found = bench("latency", *flags)
    thru = spread_of(found, "harmonize: key to itself, thru")
    answer = spread_of(found, "harmonize: key to answer")
    assert thru.count >= 50
    assert answer.count >= 50
    assert 0 < thru.p50 < 20
    if backend == "jack":  # two periods, however long it thought
        assert answer.p50 == pytest.approx(2e3 * PERIOD_FRAMES / RATE_HZ, abs=0.05)
    assert 0 < answer.p50 < 30
    assert found.figures["harmonize: model"].startswith("chorale-gru")
    assert found.versions["JACK period"].startswith("128 frames")


@pytest.mark.slow
def test_an_exact_port_loses_nothing_and_is_exact(bench):
    flags = ("--notes", "300", "--loads", "idle,garbage")
    found = bench("jitter", "--backends", "jack,rtmidi-jack", *flags)
    for backend in ("jack", "rtmidi-jack"):
        for load in ("idle", "garbage"):
            for kind in ("note-ons", "note-offs"):
                assert found.figures[f"{backend}, {load}: {kind}"] == 300
                assert found.figures[f"{backend}, {load}: {kind} lost"] == 0
            assert found.figures[f"{backend}, {load}: doubled"] == 0
    assert spread_of(found, "jack, idle: arrived minus due, samples").p95 == 0


@pytest.mark.slow
def test_a_polled_port_is_about_as_late_as_it_was(bench):
    """Whatever else the machine does makes a look later, never earlier."""
    allowed, late = stored_lateness().allowed, float("inf")
    for _ in range(LOOKS):
        flags = ("--backends", "rtmidi-jack", "--notes", "300", "--loads", "idle")
        found = spread_of(bench("jitter", *flags), LATE)
        late = min(late, found.p95 * RATE_HZ / PERIOD_FRAMES / 1e3)
        if late <= allowed:
            break
    assert late <= allowed


@pytest.mark.slow
def test_no_server_is_one_sentence(jack, tmp_path):
    env = {**jack.env, "JACK_DEFAULT_SERVER": "ripieno-nobody"}
    env["XDG_RUNTIME_DIR"] = str(tmp_path)
    flags = ("--backend", "rtmidi-jack", "--roles", "harmonize")
    done = ripieno("bench", "latency", *flags, env=env)
    assert done.returncode == PORT
    assert "Traceback" not in done.stderr
    assert done.stderr.splitlines()[-1].startswith("ripieno: ")


@pytest.mark.parametrize(
    ("flags", "code", "words"),
    [
        (("latency", "--roles", "sleep"), SETTING, "sleep"),
        (("latency", "--notes", "1"), SETTING, "40"),
        (("jitter", "--loads", "rain"), SETTING, "rain"),
        (("latency", "-o", "nowhere/found.json"), FILE, "nowhere"),
        (("weather",), SETTING, "weather"),
        (("soak",), SETTING, "soak"),
    ],
)
@pytest.mark.slow
def test_a_wrong_argument_is_refused_in_one_sentence(flags, code, words):
    assert_sentence(ripieno("bench", *flags), code, words)
