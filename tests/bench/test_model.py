"""`ripieno bench model` measures the answers that the daemon asks for."""

import argparse
import io
from typing import Any

import msgspec
import numpy as np
import pytest
from rich.console import Console
from tests.command import MODELS, copy_model

from ripieno.bench import model
from ripieno.bench.answers import answer_of, request, what_is_asked
from ripieno.bench.model import Memory, Steps, cache_bytes
from ripieno.bench.report import Report
from ripieno.bench.tune import FILLED
from ripieno.errors import ModelError, SettingsError
from ripieno.inference import manifest
from ripieno.inference.bound import Graph
from ripieno.inference.session import Loaded
from ripieno.minds.composer import from_model

QUIET = Console(file=io.StringIO())
EVERY_KIND = {
    "event-gru": "step", "event-transformer-int8": "step", "chorale-gru": "voices",
    "duet-gru": "duet", "phrase-vae": "phrase", "loop-gan": "pattern",
    "phrase-encoder": "likeness",
}  # fmt: skip


def asked(*models, seconds=0.2):
    return argparse.Namespace(model=list(models), seconds=seconds)


def loaded(name):
    return Loaded(MODELS / name, "cpu")


@pytest.mark.parametrize("name", EVERY_KIND)
def test_a_measured_answer_runs_the_graphs_of_its_model(name, monkeypatch):
    model, runs, run = loaded(name), [0], Graph.run

    def counted(graph):
        runs[0] += 1
        run(graph)

    monkeypatch.setattr(Graph, "run", counted)
    answer = answer_of(model)
    answer()
    first = runs[0]
    answer()
    assert 0 < first < runs[0]


def test_every_model_that_is_shipped_has_an_answer_that_can_be_measured():
    kinds = {manifest.load(folder).interface for folder in manifest.installed()}
    asked = {kind: what_is_asked(kind) for kind in kinds - {"tables", "likeness"}}
    assert "a run" not in asked.values()


def test_a_reply_is_eight_seconds_of_notes():
    mind = from_model(loaded("event-gru"))
    mind.receive(request(mind, 1, 24, 8 * 480))
    heard = []
    while (plan := mind.answer()) is not None:
        heard.append(plan)
    assert heard[-1].complete
    assert heard[-1].until_ticks == (6 + 8) * 480  # six seconds are heard before it
    assert sum(len(plan.notes) for plan in heard) > 8


@pytest.mark.realtime
def test_a_model_is_measured_cold_and_warm_in_every_way(tmp_path):
    report = model.run(asked("duet-gru"), QUIET)
    figures: dict[str, Any] = report.figures
    (table,) = report.tables
    assert {row[1] for row in table.rows} >= {"1 thread", "2 threads"}
    for name in ("load, ms", "first step, ms", "first answer, ms", "over limit"):
        assert figures[f"duet-gru, 1 thread, {name}"] > 0
    step = figures["duet-gru, 1 thread, step, ms"]
    assert 0 < step.p50 <= step.p95 <= step.p99
    assert step.count >= model.ROUNDS
    report.write_json(tmp_path / "model.json")
    data = (tmp_path / "model.json").read_bytes()
    assert msgspec.json.decode(data, type=Report).figures.keys() == figures.keys()


@pytest.mark.realtime
@pytest.mark.skipif(not model.why_not_cuda(), reason="there is a GPU here")
def test_without_a_gpu_the_table_gives_the_reason():
    report = model.run(asked("duet-gru"), QUIET)
    (row,) = [row for row in report.tables[0].rows if row[1] == "CUDA"]
    assert row[2] == f"not measured: {model.why_not_cuda()}"
    assert report.figures["duet-gru, CUDA"] is None


def test_tables_have_no_step_to_measure():
    with pytest.raises(SettingsError, match="chord-hmm has no steps"):
        model.run(asked("chord-hmm"), QUIET)


@pytest.mark.parametrize("seconds", [0, -1, float("nan"), 1e9])
def test_seconds_out_of_bounds_are_refused(seconds):
    with pytest.raises(SettingsError, match="must lie between"):
        model.run(asked("duet-gru", seconds=seconds), QUIET)


def test_an_unknown_model_is_refused_in_one_sentence():
    with pytest.raises(ModelError, match="no model called 'nobody'"):
        model.run(asked("nobody"), QUIET)


def test_a_damaged_model_is_refused_in_one_sentence(tmp_path):
    folder = copy_model(tmp_path, sha256="0" * 64)
    with pytest.raises(ModelError, match="copy the whole model folder again"):
        model.run(asked(str(folder)), QUIET)


def test_a_step_moves_its_filled_rows_and_a_state_whole():
    window = manifest.load(MODELS / "event-transformer")
    half, full = (cache_bytes(window, rows) for rows in (256, 512))
    layers, hidden = 4, 256
    assert full == 2 * half == layers * 2 * 512 * hidden * 4
    state = manifest.load(MODELS / "event-gru")
    assert cache_bytes(state, 0) == 2 * 512 * 4


def test_the_limit_is_bytes_over_bandwidth():
    memory = Memory()
    memory.gb_per_s += [10.0, 20.0, 40.0]
    assert memory.limit_ms(20e6) == pytest.approx(1.0)


@pytest.mark.realtime
def test_memory_is_read_at_some_speed():
    memory = Memory(read_bytes=1 << 24)
    memory.read()
    assert 0.5 < memory.typical_gb_per_s < 2000


def test_steps_go_on_past_the_end_of_a_window_and_rest_in_between():
    steps: Any = Steps(loaded("event-transformer-int8"))
    steps.fill()
    before = steps._line.logits()
    steps.rest()
    assert all(map(np.array_equal, steps._line.logits(), before))
    assert steps._line.position == int(FILLED * 512)
