import json
import math

import numpy as np
import pytest
from tests.export.judge.tunes import chords, notes, piece, scale, take

from ripieno.files.midi import read_performance
from ripieno_export.judge import recording, report, targets
from ripieno_export.judge.figure import Figure
from ripieno_export.judge.folder import read_piece
from ripieno_export.judge.metrics import Sheet


def sheet(system, condition="", **means):
    figures = {name: Figure(mean, 0.01, 54) for name, mean in means.items()}
    return Sheet(system, "POP909", condition, figures)


HUMAN = sheet("human", NIC=0.725, **{"length entropy": 1.4})
GOOD = sheet("it", NIC=0.73, **{"length entropy": 1.55})


def target(name, corpus, condition=""):
    found = targets.target_of(name, corpus, condition)
    assert found is not None
    return found


def test_a_target_is_good_reached_or_missed():
    nic = target("NIC", "POP909")
    assert [nic.reached(Figure(v, 0, 1)) for v in (0.73, 0.70, 0.60)] == [
        "good",
        "must",
        "missed",
    ]
    assert nic.reached(Figure(math.nan, 0, 0)) == "-"


def test_near_the_human_is_measured_from_the_human():
    near = target("length entropy", "POP909")
    assert near.reached(Figure(1.7, 0, 1), Figure(1.4, 0, 1)) == "must"
    assert near.reached(Figure(1.7, 0, 1)) == "-"


def test_a_system_that_predicts_has_targets_of_its_own():
    assert target("NIC", "POP909", "predicting").must == 0.52
    assert target("NIC", "POP909", "T3").must == 0.68
    assert target("NIC", "Nottingham").must == 0.66
    assert targets.target_of("silence", "POP909") is None


def test_a_table_has_a_row_a_system_and_marks_what_was_reached():
    text = report.as_markdown([HUMAN, GOOD, sheet("bad", NIC=0.5)])
    assert "### POP909 (54 songs)" in text
    assert "| *must* | ≥ 0.68 | ± 0.4 |" in text
    assert "| it | 0.730 ± 0.010 ** | 1.550 ± 0.010 ** |" in text
    assert "| bad | 0.500 ± 0.010 ✗ |  |" in text
    assert "| human | 0.725 ± 0.010 |" in text


def test_each_missed_target_is_one_sentence():
    assert report.missed(sheet("it", NIC=0.5)) == [
        "it on POP909: NIC is 0.500 ± 0.010, must be ≥ 0.68."
    ]
    assert report.missed(GOOD, HUMAN) == []


def test_json_has_null_for_what_is_no_number(tmp_path):
    path = tmp_path / "figures.json"
    report.write_json([sheet("it", NIC=math.nan)], path)
    found = json.loads(path.read_text())
    assert found[0]["figures"]["NIC"] == {"mean": None, "error": 0.01, "songs": 54}


def test_a_take_is_written_with_both_accompaniments_and_its_chords(tmp_path):
    song = piece(scale(), notes((0, 16, 40)), chords("C", each=16))
    heard = take(chords("C", "F", "G", "N"), notes((0, 8, 48), (8, 16, 55)))
    path = recording.write_recording(song, heard, tmp_path)
    assert path.name == "by-hand-tune-it.mid"
    tracks = read_performance(path).tracks
    assert [t.name for t in tracks] == ["Melody", "it", "Human accompaniment"]
    again = read_piece(path, tmp_path)
    assert again.chords.tolist() == heard.chords.tolist()
    assert path.with_suffix(".wav").stat().st_size > 44


def test_the_worst_and_the_best_are_found():
    scores = [0.5, 0.1, math.nan, 0.9]
    assert recording.extremes(scores, 2) == ([1, 0], [3, 0])


def test_the_page_loads_nothing_and_shows_every_plot(tmp_path):
    plots = pytest.importorskip("ripieno_export.judge.plots")
    drawn = [
        plots.latency({"it": np.array([0.1, 0.2, 3.0])}),
        plots.quality_against_latency(
            {
                "it": [(0.0, Figure(0.7, 0.01, 54)), (125.0, Figure(0.6, 0.01, 54))],
                "human": [(0.0, Figure(0.72, 0.01, 54))],
            }
        ),
        plots.recovery({"it": np.linspace(0, 1, 60)}),
        plots.beat_positions({"it": np.ones(16), "human": np.eye(16)[0]}),
    ]
    path = tmp_path / "page.html"
    plots.write_page("Figures <1>", report.as_markdown([HUMAN, GOOD]), drawn, path)
    text = path.read_text()
    assert text.count("<svg") == 4
    assert "Figures &lt;1&gt;" in text
    assert "<td>it</td><td>0.730 ± 0.010 **</td>" in text
    assert "<script" not in text
    assert "<link" not in text
    assert plots.recovery({"it": np.linspace(0, 1, 60)}) == drawn[2]
