"""A report equals itself after writing and reading, and is readable as a table."""

import io

import pytest
from rich.console import Console

from ripieno.bench.machine import Load, machine, versions
from ripieno.bench.processes import Growth, growth
from ripieno.bench.report import Picture, Table, begin, read
from ripieno.bench.spread import spread
from ripieno.clock import SimulatedClock
from ripieno.errors import FileError


@pytest.fixture
def report():
    begun = begin("latency", {"notes": 60, "roles": ["harmonize"], "model": ""})
    return begun.end(
        [Table("Keys", ("", "p50"), (("thru", "2.67"), ("[answer]", "12.40")))],
        {"thru": spread([2.0, 3.0]), "lost": 0.0, "kept": True, "gpu": None},
        pictures=[Picture("How often", ("1 ███", "2 █"))],
        notes=["As it should be."],
    )


def test_a_report_equals_itself_after_writing_and_reading(report, tmp_path):
    path = tmp_path / "found.json"
    report.write_json(path)
    assert read(path) == report


def test_it_says_where_it_comes_from(report):
    assert report.machine["cores"]
    assert {"ripieno", "python", "numpy", "python-rtmidi"} <= set(report.versions)
    assert "seconds" in report.load


def test_a_narrow_terminal_shows_the_whole_report(report):
    text = io.StringIO()
    report.print(Console(file=text, width=20, soft_wrap=True))
    shown = text.getvalue()
    assert "\n[answer]  12.40\n" in shown
    assert "\nthru       2.67\n" in shown
    for words in ("How often", "1 ███", "As it should be."):
        assert words in shown


def test_a_folder_that_is_not_there_is_one_sentence(report, tmp_path):
    with pytest.raises(FileError, match="Cannot write"):
        report.write_json(tmp_path / "nowhere" / "found.json")


def test_what_is_no_report_is_refused(tmp_path):
    path = tmp_path / "other.json"
    path.write_text("{}")
    with pytest.raises(FileError, match="no report"):
        read(path)


def test_the_machine_and_its_versions_are_words():
    told = machine() | versions()
    assert all(isinstance(value, str) and value for value in told.values())


def test_a_load_over_no_time_is_left_out():
    assert "cores of ours" not in Load(SimulatedClock()).beside()


def test_growth_is_from_the_second_quarter_to_the_last():
    samples = [50.0] * 10 + [100.0] * 20 + [103.0] * 10
    found = growth("thinker", samples)
    assert found == Growth("thinker", 50.0, 100.0, 103.0)
    assert found.percent == pytest.approx(3.0)


def test_no_samples_are_no_growth():
    assert growth("player", []).percent == 0.0
