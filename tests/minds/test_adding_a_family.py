"""A model family is a layout, a mind and a row of `INTERFACES`; nothing else changes.

The family here, *octaves*, is a graph that returns the pitch an octave below.
"""

import argparse
import io
import json
from typing import Any, Final

import onnx
import pytest
from onnx import TensorProto, helper
from rich.console import Console

from ripieno.bench import model as bench_model
from ripieno.errors import ModelError
from ripieno.inference.interfaces import INTERFACES, Interface
from ripieno.inference.manifest import digest, for_role
from ripieno.inference.session import Loaded
from ripieno.minds.minds import Minds
from ripieno.music import messages
from ripieno.processes.loading import wake
from ripieno.protocol import Letter, Limits, Reply, Reset, Sing, ToThinker, Voices
from ripieno.settings.params import Params
from ripieno.testing import simulate

# ── the layout ────────────────────────────────────────────────────────────────────────


def fingerprint():
    """Return what makes two layouts of this family interchangeable."""
    return "octaves-1"


# ── the mind ──────────────────────────────────────────────────────────────────────────


class Octaves:
    """Answers a key with what its graph returns for it."""

    hears: Final[tuple[type[ToThinker], ...]] = ()

    def __init__(self, graph):
        self._graph, self._asked = graph, None

    def receive(self, message):
        if isinstance(message, Sing):
            self._asked = message
        elif isinstance(message, Reset):
            self._asked = None

    def answer(self):
        sing, self._asked = self._asked, None
        if sing is None:
            return None
        self._graph.put["pitch"][0] = sing.pitch
        self._graph.run()
        return Voices(sing.revision, tuple(self._graph.out["below"].tolist()))


def from_model(loaded: Loaded):
    return Octaves(loaded.graphs["model"])


# ── the row ───────────────────────────────────────────────────────────────────────────

ROW: Final = Interface(
    name="octaves",
    fingerprint=fingerprint,
    graphs={"model": ({"pitch": "int64 1"}, {"below": "int64 1"})},
    plays=f"{__name__}:from_model",
)


# ── a model of the family, and what can be done with it ───────────────────────────────


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The folder of a model that is found before the shipped ones; the row is added."""
    monkeypatch.setitem(INTERFACES, ROW.name, ROW)
    monkeypatch.setenv("RIPIENO_MODELS", str(tmp_path))
    made = tmp_path / "a-low"
    made.mkdir()
    graph = helper.make_graph(
        [helper.make_node("Sub", ["pitch", "octave"], ["below"])],
        "octaves",
        [helper.make_tensor_value_info("pitch", TensorProto.INT64, [1])],
        [helper.make_tensor_value_info("below", TensorProto.INT64, [1])],
        [helper.make_tensor("octave", TensorProto.INT64, [1], [12])],
    )
    opset = [helper.make_opsetid("", 17)]
    onnx.save(
        helper.make_model(graph, opset_imports=opset, ir_version=8),
        made / "model.onnx",
    )
    manifest = {
        "name": made.name, "family": "none", "interface": ROW.name,
        "roles": ["harmonize"], "vocabulary": ROW.name, "fingerprint": fingerprint(),
        "inputs": [{"name": "pitch", "dtype": "int64", "shape": [1]}],
        "outputs": [{"name": "below", "dtype": "int64", "shape": [1]}],
        "state": [], "context_events": 0, "parameters": 1, "licence": "CC0-1.0",
        "sources": [], "quality": {}, "sampling": {},
        "sha256": digest(made / "model.onnx"),
    }  # fmt: skip
    (made / "manifest.json").write_text(json.dumps(manifest))
    return made


def test_a_model_of_a_new_family_is_found_for_its_role_and_loaded(folder):
    model = for_role("harmonize")
    assert model.folder == folder
    minds = Minds(lambda role: wake(for_role(role), "cpu"))
    assert minds.load("harmonize").model == "a-low"
    minds.receive(Letter(1, Reset("harmonize")))
    minds.receive(Letter(1, Sing(7, 0, 72, 3, Limits())))
    assert minds.answer() == Reply(1, Voices(7, (60,)))


def test_a_model_of_a_new_family_plays_its_role(folder):
    mind, ready = wake(folder, "cpu")
    key = [(10**9, messages.note_on(0, 72, 80)), (2 * 10**9, messages.note_off(0, 72))]
    params = Params(role="harmonize", manner="learned")
    played = simulate(key, params, mind=mind, ready=ready)
    sent = [send.data for _, send in played.sent if messages.is_note_on(send.data)]
    assert [data[1] for data in sent] == [60]


@pytest.mark.realtime
def test_a_model_of_a_new_family_is_measured_by_bench_model(folder):
    arguments = argparse.Namespace(model=[str(folder)], seconds=0.2)
    report = bench_model.run(arguments, Console(file=io.StringIO()))
    figures: dict[str, Any] = report.figures
    assert figures["a-low, 1 thread, load, ms"] > 0
    assert figures["a-low, 1 thread, step, ms"].count >= bench_model.ROUNDS
    assert report.tables[0].rows[0][0] == "a-low"


def test_a_model_of_a_new_family_with_another_layout_is_refused(folder, monkeypatch):
    monkeypatch.setattr(f"{__name__}.fingerprint", lambda: "octaves-2")
    row = Interface(name=ROW.name, fingerprint=fingerprint, plays=ROW.plays)
    monkeypatch.setitem(INTERFACES, ROW.name, row)
    with pytest.raises(ModelError, match="trained on another vocabulary"):
        wake(folder, "cpu")
