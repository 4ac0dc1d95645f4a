"""The Transformer computes the same in torch and in the daemon's lines."""

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("onnxscript")

import torch

from ripieno.inference.controls import Controls, Floats
from ripieno.inference.lines import WindowLine
from ripieno.inference.manifest import Part, Tensor
from ripieno.inference.session import Graph
from ripieno.layouts.vocabulary import SIZES, Event
from ripieno_export import checkpoint, event_step, event_task, publish, to_onnx
from ripieno_export.networks.transformer import EventTransformer
from ripieno_export.preset import Preset
from ripieno_export.step import LOGITS

pytestmark = pytest.mark.torch

CONTEXT = 32
TINY = Preset(
    name="tiny", family="transformer", hidden=128, layers=2, dropout=0.0, events=CONTEXT
)
EVENTS = np.stack(
    [np.random.default_rng(5).integers(0, size, 200) for size in SIZES], axis=1
)


def a_network() -> EventTransformer:
    """As if trained: untrained, a block adds nothing, and attention is not seen."""
    model = event_task.network(TINY)
    assert isinstance(model, EventTransformer)
    for name, weight in model.named_parameters():
        if "from_heads" in name or "narrow" in name:
            torch.nn.init.normal_(weight, std=0.1)
    return model.eval()


@pytest.fixture(scope="module")
def network() -> EventTransformer:
    return a_network()


@pytest.fixture(scope="module")
def graph(network: EventTransformer, tmp_path_factory: pytest.TempPathFactory) -> Graph:
    place = tmp_path_factory.mktemp("transformer")
    payload = {"preset": TINY.as_dict(), "model": network.state_dict()}
    checkpoint.save(place / "best.pt", payload)
    to_onnx.export(event_step.step_in, place / "best.pt", place / "model.onnx")
    inputs, outputs = publish.tensors(event_step.step_of(network, CONTEXT))
    state = event_step.step_of(network, CONTEXT).state
    part = Part(inputs, outputs, state, "")
    return Graph.load(place / "model.onnx", part, "CPUExecutionProvider", "tiny")


def feed(line: WindowLine, first: int, last: int) -> None:
    for row in EVENTS[first:last]:
        line.step(Event(*row.tolist()), Controls())


def of_torch(network: EventTransformer, first: int, last: int) -> Floats:
    """The source's logits after having heard some events."""
    with torch.no_grad():
        known = network.backbone(
            network.read(torch.from_numpy(EVENTS[None, first:last]))
        )
        hidden = network.to_heads(known[:, -1])
        return np.asarray(network.logits(0, hidden, ())[0].numpy())


def source_logits(
    line: WindowLine,
) -> Floats:
    return line.logits()[LOGITS.index("logits_source")]


@pytest.mark.parametrize("count", [1, 2, 17, CONTEXT])
@pytest.mark.slow
def test_a_window_line_computes_the_logits_of_torch(
    network: EventTransformer, graph: Graph, count: int
) -> None:
    line = WindowLine(graph, CONTEXT)
    feed(line, 0, count)
    assert np.abs(source_logits(line) - of_torch(network, 0, count)).max() < 1e-5


@pytest.mark.parametrize("count", [CONTEXT + 1, 3 * CONTEXT // 2, 100])
@pytest.mark.slow
def test_a_full_window_slides_by_half(
    network: EventTransformer, graph: Graph, count: int
) -> None:
    line, half = WindowLine(graph, CONTEXT), CONTEXT // 2
    feed(line, 0, count)
    first = (count - CONTEXT + half - 1) // half * half
    assert line.position == count - first
    assert np.abs(source_logits(line) - of_torch(network, first, count)).max() < 1e-5


@pytest.mark.parametrize(("heard", "back"), [(20, 5), (31, 25), (CONTEXT, 1), (45, 10)])
@pytest.mark.slow
def test_going_back_equals_never_having_gone_further(
    graph: Graph, heard: int, back: int
) -> None:
    line, plain = WindowLine(graph, CONTEXT), WindowLine(graph, CONTEXT)
    feed(line, 0, heard)
    line.rewind(line.position - back)
    feed(plain, 0, heard - back)
    for place in range(heard - back, heard + 60):
        feed(line, place, place + 1)
        feed(plain, place, place + 1)
    assert np.abs(source_logits(line) - source_logits(plain)).max() < 1e-5


@pytest.mark.slow
def test_going_forward_is_refused(graph: Graph) -> None:
    line = WindowLine(graph, CONTEXT)
    feed(line, 0, 3)
    with pytest.raises(ValueError, match="it is at 3"):
        line.rewind(4)


@pytest.mark.parametrize("heard", [10, 30, 45])
@pytest.mark.slow
def test_a_line_that_follows_is_a_copy_wherever_the_window_is(
    graph: Graph, heard: int
) -> None:
    line, other = WindowLine(graph, CONTEXT), WindowLine(graph, CONTEXT)
    feed(other, 0, 7)
    feed(line, 0, heard)
    other.follow(line)
    feed(line, heard, heard + 40)
    feed(other, heard, heard + 40)
    assert np.array_equal(source_logits(line), source_logits(other))


@pytest.mark.parametrize("spare", [1, 2, 5])
@pytest.mark.slow
def test_work_in_idle_time_changes_no_output(graph: Graph, spare: int) -> None:
    line, plain = WindowLine(graph, CONTEXT), WindowLine(graph, CONTEXT)
    for place in range(3 * CONTEXT):
        feed(line, place, place + 1)
        feed(plain, place, place + 1)
        for _ in range(spare):
            line.idle()
        assert np.array_equal(source_logits(line), source_logits(plain))


@pytest.mark.slow
def test_a_line_that_had_idle_time_takes_no_long_step(graph: Graph) -> None:
    line = WindowLine(graph, CONTEXT)
    for place in range(3 * CONTEXT):
        before = line._caught_up
        feed(line, place, place + 1)
        assert line._caught_up in (before, 0)
        while line.idle():
            pass


def test_the_future_does_not_change_the_past(network: EventTransformer) -> None:
    events = torch.from_numpy(EVENTS[None, :24].copy())
    with torch.no_grad():
        before = network.backbone(network.read(events))[:, :16]
        events[:, 16:] = 0
        after = network.backbone(network.read(events))[:, :16]
    assert torch.equal(before, after)


@pytest.mark.slow
def test_the_caches_are_written_in_place(graph: Graph) -> None:
    tensors = {t.name: t for t in graph.twin()._part.inputs}
    assert isinstance(tensors["key_0"], Tensor)
    assert graph.out["next_key_0"] is graph.put["key_0"]
