"""A report equals itself after writing and reading, and is readable as a table."""

import io

import msgspec
import pytest
from rich.console import Console

from ripieno.bench.machine import machine, versions
from ripieno.bench.report import Begun, Figure, Report, Table, spread
from ripieno.errors import FileError


@pytest.fixture
def report():
    begun = Begun("latency", {"notes": 60, "roles": ["harmonize"], "model": ""})
    return begun.end(
        [Table("Keys", ("", "p50"), (("thru", "2.67"), ("[answer]", "12.40")))],
        {"thru": spread([2.0, 3.0]), "lost": 0.0, "kept": True, "gpu": None},
        notes=["As it should be."],
    )


def test_a_report_equals_itself_after_writing_and_reading(report, tmp_path):
    path = tmp_path / "found.json"
    report.write_json(path)
    assert msgspec.json.decode(path.read_bytes(), type=Report) == report


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
    assert "As it should be." in shown


def test_a_folder_that_is_not_there_is_one_sentence(report, tmp_path):
    with pytest.raises(FileError, match="Cannot write"):
        report.write_json(tmp_path / "nowhere" / "found.json")


def test_the_machine_and_its_versions_are_words():
    told = machine() | versions()
    assert all(isinstance(value, str) and value for value in told.values())


def test_each_part_has_a_table_and_its_name_before_its_figures():
    parts: dict[str, dict[str, Figure]] = {
        "harmonize": {"thru": spread([2.0]), "lost": 3, "model": "[m]"}
    }
    found = Begun("latency", {}).end_parts(parts)
    assert found.figures == {
        "harmonize: thru": spread([2.0]), "harmonize: lost": 3,
        "harmonize: model": "[m]",
    }  # fmt: skip
    (table,) = found.tables
    assert table.title == "harmonize: lost 3; model [m]"
    assert [row[:2] for row in table.rows] == [("thru", "1")]
