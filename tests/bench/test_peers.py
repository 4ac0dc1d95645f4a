"""`ripieno bench peers` runs programs in turns and names what is missing."""

import argparse
import io
import sys
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from ripieno.bench import peers
from ripieno.bench.peers import Asked, Peer, figures, parsed, shown
from ripieno.errors import SettingsError

QUIET = Console(file=io.StringIO())
OURS = Peer("ours", "ours", "ours")
THEIRS = Peer("theirs", "theirs", "ours", is_ours=False)

SERVES = """
from turns import serve
serve({"parameters": 7, "ours": "1.0"}, lambda: None)
"""
MISSES = """
from turns import missing
missing("No module named 'notochord'; pip install notochord")
"""
DIES = """
import sys
from turns import say
say({"parameters": 7})
sys.stdin.readline()
sys.exit(1)
"""


@pytest.fixture
def folder(tmp_path):
    """Scripts of the test's own, beside the real protocol."""
    turns = (peers.scripts() / "turns.py").read_text(encoding="utf-8")
    (tmp_path / "turns.py").write_text(turns, encoding="utf-8")
    return tmp_path


def begun(folder, script, peer=OURS):
    (folder / f"{peer.script}.py").write_text(script, encoding="utf-8")
    return peers.started(peer, folder, None, QUIET)


@pytest.mark.realtime
def test_a_program_is_told_how_often_and_says_how_long_each_took(folder):
    one = begun(folder, SERVES)
    one.block(3)
    one.block(4)
    one.close()
    assert one.about == {"parameters": 7, "ours": "1.0"}
    assert len(one.taken_ms) == 7
    assert all(taken >= 0 for taken in one.taken_ms)


@pytest.mark.realtime
def test_a_peer_that_is_not_installed_is_named_with_what_to_install(folder):
    one = begun(folder, MISSES, THEIRS)
    assert one.why_not.startswith("not installed: ")
    assert "pip install notochord" in one.why_not
    one.block(3)  # does nothing
    row = shown([Asked(OURS, taken_ms=[1.0]), one]).rows[1]
    assert row[0] == "theirs"
    assert row[-1] == one.why_not
    assert figures([Asked(OURS, taken_ms=[1.0]), one])["theirs, ms"] is None


@pytest.mark.realtime
@pytest.mark.parametrize("script", ["raise SystemExit(3)", "print('hello')", ""])
def test_a_program_that_does_not_start_is_reported(folder, script):
    assert begun(folder, script).why_not == "not installed: it did not start"


@pytest.mark.realtime
def test_a_program_that_dies_is_reported_and_the_others_go_on(folder):
    one = begun(folder, DIES)
    one.block(3)
    one.block(3)
    assert one.why_not == "not measured: it died meanwhile"
    assert one.taken_ms == []


def test_ratios_are_of_the_medians_of_one_run():
    ours = Asked(OURS, about={"parameters": 5}, taken_ms=[1.0, 2.0, 9.0])
    theirs = Asked(THEIRS, about={"parameters": 6}, taken_ms=[6.0, 7.0, 8.0])
    assert figures([ours, theirs])["theirs, over ours"] == pytest.approx(3.5)
    table = shown([ours, theirs])
    place = table.columns.index("× ours")
    assert [row[place] for row in table.rows] == ["1.0", "3.5"]


def test_without_ours_there_is_no_ratio():
    ours = Asked(OURS, why_not="not installed: it did not start")
    theirs = Asked(THEIRS, taken_ms=[6.0])
    assert figures([ours, theirs])["theirs, over ours"] is None
    assert all(len(row) == len(peers.COLUMNS) for row in shown([ours, theirs]).rows)


@pytest.mark.parametrize("line", ["", "\n", "{", "3", '"x"', "[1.0, null]", "[[1.0]]"])
def test_a_line_outside_the_protocol_is_ignored(line):
    assert parsed(line) is None


def test_every_peer_has_its_script_and_what_it_is_compared_with():
    names = {peer.script for peer in peers.PEERS}
    there = {path.stem for path in peers.scripts().glob("*.py")}
    assert names == there - {"turns"}
    assert {peer.beside for peer in peers.PEERS} <= names


@pytest.mark.parametrize("rounds", [0, -3, 10**6])
def test_rounds_out_of_bounds_are_refused(rounds):
    with pytest.raises(SettingsError, match="rounds is"):
        peers.run(argparse.Namespace(python=None, rounds=rounds), QUIET)


def test_a_missing_python_is_refused():
    nowhere = Path("/nowhere/python")
    with pytest.raises(SettingsError, match="is no file"):
        peers.run(argparse.Namespace(python=nowhere, rounds=1), QUIET)


@pytest.mark.realtime
@pytest.mark.slow
def test_ours_and_the_naive_run_time_are_measured_in_turns():
    report = peers.run(argparse.Namespace(python=Path(sys.executable), rounds=2), QUIET)
    figures: dict[str, Any] = report.figures
    for name in ("ours_harmonize", "ours_step", "naive_step"):
        assert figures[f"{name}, ms"].count == 2 * peers.BLOCK
    assert figures["naive_step, over ours"] > 0
