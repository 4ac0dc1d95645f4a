"""A model with invalid outputs is refused at load or replaced by the fallback."""

from typing import Any, Final

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from tests.command import assert_sentence, ripieno, write_tune
from tests.journaled import Performance
from tests.tiny_models import OPSET, constant_model

from ripieno.commands.replay import replay
from ripieno.errors import ModelError, OutputError
from ripieno.files.midi import read_performance
from ripieno.inference.bound import CPU, open_graph
from ripieno.inference.controls import Controls
from ripieno.inference.manifest import Part, Tensor
from ripieno.inference.outputs import Finite
from ripieno.inference.session import Loaded
from ripieno.layouts.vocabulary import Event
from ripieno.minds.minds import Minds
from ripieno.processes.loading import wake
from ripieno.processes.thinker import Thinker
from ripieno.protocol import Ready
from ripieno.settings.params import Params
from ripieno.similarity.embeddings import Encoder
from ripieno.testing import simulate

NAN, INFINITE = float("nan"), float("inf")
ROLES: Final[dict[str, str]] = {
    "event-gru": "answer",
    "event-transformer": "continue",
    "duet-gru": "accompany",
    "chorale-gru": "harmonize",
    "phrase-vae": "vary",
    "loop-gan": "loop",
}
NEVER_ZERO = ("event-gru", "event-transformer")
"""A step model that always returns the zero event plays the human's part."""


@pytest.mark.parametrize("name", ROLES)
@pytest.mark.parametrize("value", [NAN, INFINITE, -INFINITE])
def test_a_model_whose_outputs_are_not_finite_is_refused_when_loaded(
    tmp_path, name, value
):
    folder = constant_model(tmp_path, name, floats=value)
    with pytest.raises(ModelError, match=f"{name} does not work .*not finite.*choose"):
        wake(folder, "cpu")


@pytest.mark.parametrize(
    ("name", "part"),
    [("duet-gru", "harmony"), ("phrase-vae", "conduct"), ("phrase-vae", "encode")],
)
def test_one_graph_of_several_is_enough_to_refuse_a_model(tmp_path, name, part):
    folder = constant_model(tmp_path, name, floats=NAN, bad=part)
    with pytest.raises(ModelError, match=f"{name} does not work .*not finite"):
        wake(folder, "cpu")


@pytest.mark.parametrize("name", NEVER_ZERO)
@pytest.mark.parametrize("value", [0, -1, 130, 100_000])
def test_a_step_model_that_ignores_its_masks_is_refused_when_loaded(
    tmp_path, name, value
):
    folder = constant_model(tmp_path, name, ints=value)
    with pytest.raises(ModelError, match=f"{name} does not work .*chose {value} as"):
        wake(folder, "cpu")


@pytest.mark.process
@pytest.mark.slow
@pytest.mark.parametrize("value", [-1, 1000])
@pytest.mark.parametrize("name", ["duet-gru", "chorale-gru"])
def test_render_with_a_model_that_chooses_an_impossible_value_is_refused(
    tmp_path, name, value
):
    folder = constant_model(tmp_path, name, ints=value)
    done = ripieno(
        "render", write_tune(tmp_path / "in.mid", 2), "-o", tmp_path / "out.mid",
        "--tail", 4, "--model", folder, "--role", ROLES[name], "--provider", "cpu",
    )  # fmt: skip
    assert_sentence(done, 4, name, "does not work", f"chose {value} as", "choose")


LATER: Final[dict[str, dict[str, Any]]] = {
    # When a graph's outputs become NaN: what is compared is its first float input.
    "event-gru": {"above": 40.0, "obeys": True},  # a state, which counts the runs
    "duet-gru": {"above": 0.01, "bad": "harmony"},
    "chorale-gru": {"above": 0.5, "ints": 50},
    "phrase-vae": {"above": 0.5, "floats": 1.0},
    "loop-gan": {"above": 0.5},
}


@pytest.mark.parametrize("name", LATER)
def test_after_a_model_fails_the_fallback_plays_and_one_warning_is_given(
    tmp_path, name
):
    role = ROLES[name]
    folder = constant_model(tmp_path, name, **LATER[name])
    shown: list[Ready] = []
    minds = Minds(lambda _: wake(folder, "cpu"), shown.append)
    ready = minds.load(role)
    tune = read_performance(write_tune(tmp_path / "tune.mid", 3))
    played = simulate(
        [*tune.messages],
        Params(role=role, distance=1.0, listen=0),
        mind=minds,
        ready=ready,
        tail_s=8.0,
    )
    status = played.engine.status()
    assert (status.model, status.provider) == ("fallback", "fallback")
    assert status.sent > 0
    assert len(shown) == 1
    assert name in shown[0].why
    assert "not finite" in shown[0].why


class Failing(Performance):
    """A performance with a model that fails after 120 runs."""

    def __init__(self, folder, path):
        self._folder = folder
        super().__init__(path)

    def new_thinker(self):
        to_player, to_thinker, _ = self._rings
        self._minds = Minds(lambda _: wake(self._folder, "cpu"))
        self.ready = self._minds.load("answer")
        self._thinker = Thinker(self._minds, to_thinker, to_player)


@pytest.mark.slow
def test_a_journal_in_which_a_model_fails_is_played_again(tmp_path, monkeypatch):
    folder = constant_model(tmp_path, "event-gru", above=120.0, obeys=True)
    live = Failing(folder, tmp_path / "journal.jsonl")
    for _ in range(8):
        live.play(60, 62, 64, 65)
    live.end()
    assert live.player.status().model == "fallback"
    monkeypatch.setenv("RIPIENO_MODELS", str(tmp_path))
    found = replay(tmp_path / "journal.jsonl")
    assert found.plans > 0
    assert (found.differing, found.differing_plans, found.why_no_plans) == (0, 0, "")


def test_a_graph_that_onnx_runtime_cannot_run_to_its_end_is_an_output_error(tmp_path):
    place, value = (Tensor(name, "int64", (1,)) for name in ("place", "value"))
    table = numpy_helper.from_array(np.arange(4), "table")
    gather = helper.make_node("Gather", ["table", "place"], ["value"])
    ports = [
        helper.make_tensor_value_info(each.name, TensorProto.INT64, each.shape)
        for each in (place, value)
    ]
    made = helper.make_graph([gather], "gather", ports[:1], ports[1:], [table])
    opset = [helper.make_opsetid("", OPSET)]
    path = tmp_path / "model.onnx"
    onnx.save(helper.make_model(made, opset_imports=opset, ir_version=8), path)
    graph = open_graph(path, Part((place,), (value,), (), ""), CPU, "gather")
    graph.run()
    graph.put["place"][0] = 9
    with pytest.raises(OutputError, match=r"ONNX Runtime cannot run it: .*bounds"):
        graph.run()


def test_embeddings_of_another_length_than_1_are_refused(tmp_path):
    folder = constant_model(tmp_path, "phrase-encoder", runs=None)
    encoder = Encoder(Loaded(folder, "cpu").graphs["model"])
    with pytest.raises(OutputError, match="unit length"):
        encoder.embed(np.zeros((3, 2, 32, 72), np.float32))


def test_a_model_that_obeys_its_masks_is_taken(tmp_path):
    folder = constant_model(tmp_path, "event-gru", obeys=True)
    session = Loaded(folder, "cpu")
    session.warm_up()
    assert session.line().step(Event(0, 0, 60, 16), Controls()) == (0, 0, 0, 16)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_large_numbers_are_finite_and_huge_ones_are_not(dtype):
    numbers = np.full((1, 300), 1e4, dtype)
    finite = Finite({"logits": numbers, "event": np.zeros(4, np.int64)})
    finite.check()
    for wrong in (NAN, INFINITE, -INFINITE, 1e18, 1e30):
        with np.errstate(over="ignore"):
            numbers[0, 17] = wrong
        with pytest.raises(OutputError, match="'logits' is not finite"):
            finite.check()
