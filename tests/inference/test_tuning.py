"""Tuned thread settings are kept, and used only on the machine they came from."""

import json

import msgspec
import pytest
from tests.command import MODELS

from ripieno.bench import tune as tuner
from ripieno.clock import SimulatedClock
from ripieno.commands.doctor import examine
from ripieno.errors import FileError
from ripieno.inference import manifest, tuning
from ripieno.inference.session import Loaded, runtime_version
from ripieno.inference.tuning import Place, Threads, Tuned

HERE = Place("a processor", 4, "1.31.1")
TWO = Threads(2, spinning=True)


def tuned(sha256="abc", threads=TWO, provider="CPUExecutionProvider"):
    return Tuned("gru", sha256, provider, threads, 0.1, 0.2, "2026-01-02 03:04:05 UTC")


@pytest.fixture(autouse=True)
def machine_file(tmp_path, monkeypatch):
    """The machine's file, in a folder of the test's own."""
    for name in ("XDG_STATE_HOME", "LOCALAPPDATA", "HOME"):
        monkeypatch.setenv(name, str(tmp_path))
    path = tuning.path()
    assert tmp_path in path.parents
    return path


def test_an_untuned_model_runs_on_one_thread_that_does_not_spin():
    assert tuning.threads_for("abc", "CPUExecutionProvider", HERE) == Threads(1)
    assert not Threads().spinning


def test_a_tuned_setting_holds_for_its_model_and_provider_only():
    tuning.keep([tuned()], HERE)
    assert tuning.threads_for("abc", "CPUExecutionProvider", HERE) == TWO
    assert tuning.threads_for("abd", "CPUExecutionProvider", HERE) == Threads()
    assert tuning.threads_for("abc", "CUDAExecutionProvider", HERE) == Threads()


def test_tuning_again_replaces_only_the_setting_of_that_model():
    tuning.keep([tuned("abc"), tuned("abd")], HERE)
    tuning.keep([tuned("abc", Threads())], HERE)
    found = {t.sha256: t.threads for t in tuning.found(HERE).machine.models}
    assert found == {"abc": Threads(), "abd": TWO}


@pytest.mark.parametrize(
    ("elsewhere", "what"),
    [
        (Place("another", 4, "1.31.1"), "processor"),
        (Place("a processor", 8, "1.31.1"), "number of cores"),
        (Place("a processor", 4, "1.32.0"), "ONNX Runtime"),
    ],
)
def test_a_setting_of_another_machine_is_passed_over_with_a_reason(elsewhere, what):
    tuning.keep([tuned()], HERE)
    found = tuning.found(elsewhere)
    assert found.machine.models == ()
    assert f"another {what}" in found.why_not
    assert tuning.threads_for("abc", "CPUExecutionProvider", elsewhere) == Threads()


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"place": 3}', b"\xff\xfe"])
def test_a_damaged_file_counts_as_missing_and_is_replaced(machine_file, content):
    machine_file.parent.mkdir(parents=True)
    machine_file.write_bytes(content)
    assert "damaged" in tuning.found(HERE).why_not
    tuning.keep([tuned()], HERE)
    assert tuning.threads_for("abc", "CPUExecutionProvider", HERE) == TWO


def test_a_file_that_cannot_be_written_is_reported_in_one_sentence(machine_file):
    machine_file.parent.parent.mkdir(parents=True, exist_ok=True)
    machine_file.parent.write_text("a file where the folder should be")
    with pytest.raises(FileError, match=r"cannot be kept .* 1 thread, goes on"):
        tuning.keep([tuned()], HERE)


def test_nothing_but_the_file_is_left_in_its_folder(machine_file):
    tuning.keep([tuned()], HERE)
    assert list(machine_file.parent.iterdir()) == [machine_file]


def test_a_model_is_loaded_with_what_was_found_for_it():
    folder = MODELS / "event-gru"
    sha256, place = manifest.load(folder).sha256, tuning.here(runtime_version())
    assert Loaded(folder, "cpu").threads == Threads()
    tuning.keep([tuned(sha256, Threads(2))], place)
    assert Loaded(folder, "cpu").threads == Threads(2)
    assert Loaded(folder, "cpu", Threads()).threads == Threads()


def test_more_threads_give_the_same_output():
    folder = MODELS / "event-transformer"
    said = []
    for threads in (Threads(), Threads(2), Threads(2, spinning=True)):
        graph = Loaded(folder, "cpu", threads).graphs["model"]
        tuner.fill(graph)
        graph.run()
        said.append(graph.out["logits_key"].copy())
    assert abs(said[0] - said[1]).max() < 1e-5
    assert abs(said[0] - said[2]).max() < 1e-5


def test_another_candidate_must_be_clearly_faster():
    assert tuner.choose([1.0, 0.95, 0.92]) == 0
    assert tuner.choose([1.0, 0.8, 0.75]) == 1
    assert tuner.choose([1.0, 0.8, 0.6]) == 2


@pytest.mark.parametrize(("cores", "most"), [(1, 1), (2, 2), (4, 2), (8, 4), (64, 4)])
def test_the_default_is_tried_first_and_never_all_of_many_cores(cores, most):
    tried = tuner.candidates(cores)
    assert tried[0] == Threads()
    assert max(threads.count for threads in tried) == most


def test_runs_are_measured_in_turns():
    clock, order = SimulatedClock(), []

    def run(name, took_ms):
        def once():
            order.append(name)
            clock.wait_until(clock.now_ns() + took_ms * 1_000_000)

        return once

    found = tuner.in_turns([run("a", 2), run("b", 5)], clock, 200_000_000, 4)
    assert found == [2.0, 5.0]
    assert "".join(order).count("ba") >= 4


@pytest.mark.realtime
@pytest.mark.slow
def test_doctor_reports_the_setting_that_tuning_found():
    (found,) = tuner.tune([MODELS / "duet-gru"])
    assert found.p50_ms <= found.plain_ms
    assert msgspec.json.decode(tuning.path().read_bytes(), type=tuning.Machine).models
    (told,) = [f for f in examine() if f.topic == "Threads"]
    assert told.verdict == "ok"
    assert found.when in told.sentence


def test_doctor_reports_a_setting_of_another_machine():
    tuning.keep([tuned()], HERE)
    (told,) = [f for f in examine() if f.topic == "Threads"]
    assert told.verdict == "note"
    assert "another processor" in told.sentence
    assert "--tune" in told.sentence


def test_the_tuning_file_is_json_with_the_number_of_threads(machine_file):
    tuning.keep([tuned()], HERE)
    assert json.loads(machine_file.read_text())["models"][0]["threads"]["count"] == 2


@pytest.mark.parametrize("count", [-5, 0, 10**18])
def test_a_number_of_threads_that_no_machine_has_is_passed_over(count):
    tuning.keep([tuned()], HERE)
    told = json.loads(tuning.path().read_text())
    told["models"][0]["threads"]["count"] = count
    tuning.path().write_text(json.dumps(told))
    assert tuning.threads_for("abc", "CPUExecutionProvider", HERE) == Threads()
    assert "is damaged" in tuning.found(HERE).why_not
