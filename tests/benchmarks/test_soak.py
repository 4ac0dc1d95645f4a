"""`python -m benchmarks.soak`: what its musician plays, and a short one on a server."""

import os
import signal
import subprocess
import sys
from collections import Counter

import msgspec
import pytest
from benchmarks import soak_script
from benchmarks.effective import sounding
from benchmarks.soak_sums import lateness_ms
from hypothesis import given
from hypothesis import strategies as st
from tests.command import ROOT, assert_sentence
from tests.live_daemon import until

from ripieno.bench.report import Report
from ripieno.clock import NS_PER_MS as MS
from ripieno.clock import NS_PER_S
from ripieno.files import journal
from ripieno.music import messages
from ripieno.settings.controllers import merged, parsed
from ripieno.settings.params import Params
from ripieno.settings.roles import ROLES

SOAK = (sys.executable, "-m", "benchmarks.soak")
SETTING = 2

seeds = st.integers(0, 10_000)


def soak(*flags, env=None):
    """Run it, and wait for its end."""
    return subprocess.run(
        [*SOAK, *map(str, flags)],
        env={**os.environ, **(env or {})},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=180.0,
        check=False,
    )


@given(st.integers(0, 500), seeds)
def test_what_a_stint_changes_is_valid(number, seed):
    told = soak_script.stint(number, seed)
    params = Params()
    for words in (told.words, told.middle):
        split = [word.partition("=") for word in words]
        fields = {
            name.replace("-", "_"): parsed(name.replace("-", "_"), text)
            for name, _, text in split
        }
        params = merged(params, fields)
    assert params.role == told.role


@given(st.integers(0, 60), seeds)
def test_a_stint_ends_with_every_key_up(number, seed):
    told = soak_script.stint(number, seed)
    played = soak_script.played(told, 0, 5 * NS_PER_S, seed)
    assert played == sorted(played, key=lambda each: each.at_ns)
    assert not sounding(each.data for each in played)
    assert any(messages.is_note_on(each.data) for each in played)


def test_every_role_comes_in_turn():
    roles = [soak_script.stint(number, 1).role for number in range(2 * len(ROLES))]
    assert Counter(roles) == dict.fromkeys(ROLES, 2)


def test_only_what_the_machine_planned_can_be_late():
    entries: list[journal.Entry] = [
        journal.Tick(10 * MS),
        journal.Sent(10 * MS, messages.note_on(0, 60, 70)),
        journal.Sent(8 * MS, messages.note_on(1, 60, 70)),
        journal.Sent(1 * MS, messages.note_off(1, 50)),
    ]
    assert list(lateness_ms(entries)) == [2.0]


def test_a_length_out_of_bounds_is_refused():
    assert_sentence(soak("--minutes", "0"), SETTING, "0.4")


@pytest.mark.jack
@pytest.mark.slow
def test_a_short_soak_leaves_nothing_sounding(jack, tmp_path):
    path = tmp_path / "found.json"
    env = {**jack.env, "XDG_RUNTIME_DIR": str(tmp_path)}
    done = soak("--minutes", "0.42", "--seed", "3", "-o", path, env=env)
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout.startswith("ripieno bench soak, ")
    found = msgspec.json.decode(path.read_bytes(), type=Report)
    for name in ("stuck notes", "lost messages", "doubled messages"):
        assert found.figures[name] == 0, name
    assert found.figures["processes that died"] == 0
    known = {name for name in found.figures if name.startswith("memory of ")}
    names = {"supervisor", "thinker", "player", "patch", "standby"}
    ports = {f"{side} port of player" for side in ("in", "out", "spare")}
    waiting = {"spare port of standby"}
    assert known == {f"memory of {name}, MiB" for name in names | ports | waiting}
    stints = found.figures["stints"]
    assert isinstance(stints, float)
    assert stints >= 4
    assert found.figures["ISR"] is not None


@pytest.mark.jack
@pytest.mark.slow
def test_ctrl_c_ends_the_daemon_and_says_what_was_measured(jack, tmp_path):
    log = tmp_path / "said.txt"
    with log.open("wb") as said:
        soaking = subprocess.Popen(
            [*SOAK, "--minutes", "5"],
            env={**jack.env, "XDG_RUNTIME_DIR": str(tmp_path)},
            stdout=subprocess.PIPE,
            stderr=said,
            text=True,
            cwd=ROOT,
            start_new_session=True,
        )
    until(lambda: "Connected" in log.read_text(), patience_s=30.0)
    os.killpg(soaking.pid, signal.SIGINT)
    shown, _ = soaking.communicate(timeout=30.0)
    assert soaking.returncode == 0
    assert "Stopped by Ctrl-C" in shown
    assert "stuck notes" in shown
    assert "Traceback" not in log.read_text()
    assert not list((tmp_path / "ripieno").glob("*.json"))
