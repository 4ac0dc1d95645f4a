"""Graphs with copied buffers, as on a GPU, give what a graph on the CPU gives.

`FarGraph` and `CapturedGraph` copy into buffers of their own on any device. So these
tests run them on the CPU. Only CUDA itself is not tested here.
"""

import numpy as np
import pytest
from tests.command import MODELS

from ripieno.inference import manifest
from ripieno.inference.bound import (
    CPU,
    CUDA,
    CapturedGraph,
    FarGraph,
    Graph,
    why_no_cuda,
)
from ripieno.inference.controls import Controls
from ripieno.inference.lines import line_of
from ripieno.inference.manifest import Part
from ripieno.inference.onnx_runtime import ort
from ripieno.layouts.vocabulary import SIZES, Event

STEPS = 40
RNG = np.random.default_rng(3)
EVENTS = [Event(*(int(RNG.integers(size)) for size in SIZES)) for _ in range(STEPS)]
NOISE = RNG.random((STEPS, 4)).tolist()


def part_of(name):
    m = manifest.load(MODELS / name)
    return m, Part(m.inputs, m.outputs, m.state, m.sha256)


def session_of(name):
    """A session of ONNX Runtime on the CPU."""
    return ort.InferenceSession(str(MODELS / name / manifest.GRAPH), providers=[CPU])


class Watched:
    """A session that notes what each run was given.

    Attributes:
        numbers: the recording that each run replays.
        addresses: of all output buffers, at each run.
    """

    def __init__(self, name):
        self._session = session_of(name)
        self.numbers: list[str] = []
        self.addresses: list[tuple[int, ...]] = []

    def io_binding(self):
        return self._session.io_binding()

    def get_providers(self):
        return self._session.get_providers()

    def run_with_iobinding(self, binding, options):
        self.numbers.append(options.get_run_config_entry("gpu_graph_id"))
        self._session.run_with_iobinding(binding, options)
        outputs = binding.get_outputs()
        self.addresses.append(tuple(value.data_ptr() for value in outputs))


def line(name, kind=Graph):
    """A line of play through a graph of some kind, on the CPU."""
    told, part = part_of(name)
    return line_of(kind(session_of(name), part), told.context_events)


def steps(played, first=0, last=STEPS):
    """What comes back, and the logits of the last step."""
    said = [
        played.step(event, Controls(noise=noise, top_p=(0.95,) * 4))
        for event, noise in zip(EVENTS[first:last], NOISE[first:last], strict=True)
    ]
    return said, np.concatenate(played.logits())


@pytest.mark.parametrize("name", ["event-gru", "event-transformer"])
@pytest.mark.parametrize("kind", [FarGraph, CapturedGraph])
def test_a_graph_with_copied_buffers_gives_the_same_outputs(name, kind):
    said, logits = steps(line(name))
    far, far_logits = steps(line(name, kind))
    assert far == said
    assert np.abs(far_logits - logits).max() < 1e-5


@pytest.mark.parametrize("name", ["event-gru", "event-transformer"])
@pytest.mark.parametrize("kind", [FarGraph, CapturedGraph])
def test_a_line_on_copied_buffers_follows_another_line(name, kind):
    told, part = part_of(name)
    far = kind(session_of(name), part)
    trunk, branch = (line_of(far, told.context_events) for _ in range(2))
    steps(trunk, 0, 20)
    steps(branch, 5, 9)
    branch.follow(trunk)
    plain, _ = steps(line(name))
    assert steps(branch, 20)[0] == plain[20:]
    assert steps(trunk, 20)[0] == plain[20:]


def test_a_captured_graph_repeats_its_steps_after_going_back():
    far = line("event-transformer", CapturedGraph)
    steps(far, 0, 30)
    far.rewind(10)
    again, logits = steps(far, 10)
    plain, plain_logits = steps(line("event-transformer"))
    assert again == plain[10:]
    assert np.abs(logits - plain_logits).max() < 1e-5


def test_every_twin_replays_a_recording_of_its_own():
    _, part = part_of("event-gru")
    session = Watched("event-gru")
    far = CapturedGraph(session, part)
    for graph in (far, far.twin(), far.twin().twin()):
        graph.run()
    assert len(set(session.numbers)) == 3
    assert "-1" not in session.numbers  # ONNX Runtime would not record that


def test_a_captured_graph_keeps_its_output_buffers_at_every_run():
    _, part = part_of("event-transformer")
    session = Watched("event-transformer")
    far = CapturedGraph(session, part)
    for _ in range(4):
        far.run()
    assert len(session.addresses) == 4
    assert len(set(session.addresses)) == 1


@pytest.mark.skipif(why_no_cuda() is None, reason="there is a GPU here")
def test_cuda_without_a_gpu_records_nothing_and_runs_on_the_cpu(capfd):
    _, part = part_of("event-gru")
    path = MODELS / "event-gru" / manifest.GRAPH
    assert CapturedGraph.tried(path, part, CUDA) is None
    graph = Graph.load(path, part, CUDA, "event-gru")
    assert type(graph) is Graph
    assert graph.provider == CPU
    capfd.readouterr()  # ONNX Runtime complains, which is why it is not asked


def test_a_graph_on_the_cpu_is_not_recorded():
    _, part = part_of("event-gru")
    graph = Graph.load(MODELS / "event-gru" / manifest.GRAPH, part, CPU, "event-gru")
    assert type(graph) is Graph
