"""A graph that is bound as on a GPU returns what a graph bound on the CPU returns.

On a device the buffers of a graph are copies at fixed addresses. These tests make such
copies on the CPU. CUDA itself is not tested here.
"""

from functools import partial
from itertools import count
from typing import Any

import numpy as np
import pytest
from tests.command import MODELS

from ripieno.inference import manifest
from ripieno.inference.bound import (
    CPU,
    CUDA,
    Graph,
    copied,
    maybe_recorded,
    open_graph,
    recorded,
    shared,
    why_no_cuda,
)
from ripieno.inference.controls import Controls
from ripieno.inference.lines import line_of
from ripieno.inference.manifest import Part
from ripieno.layouts.vocabulary import SIZES, Event

STEPS = 40
RNG = np.random.default_rng(3)
EVENTS = [Event(*(int(RNG.integers(size)) for size in SIZES)) for _ in range(STEPS)]
RECORDED = partial(recorded, numbers=count(1))
NOISE = RNG.random((STEPS, 4)).tolist()


def part_of(name):
    m = manifest.load(MODELS / name)
    return m, Part(m.inputs, m.outputs, m.state, m.sha256)


def bound(name, bind=shared):
    """A graph bound in some way, on the CPU."""
    _, part = part_of(name)
    graph = open_graph(MODELS / name / manifest.GRAPH, part, CPU, name)
    return Graph(graph._session, part, bind)


def line(name, bind=shared):
    """A line of play through a graph bound in some way, on the CPU."""
    told, _ = part_of(name)
    return line_of(bound(name, bind), told.context_events)


def steps(played, first=0, last=STEPS):
    """The events that are returned, and the logits of the last step."""
    said = [
        played.step(event, Controls(noise=noise, top_p=(0.95,) * 4))
        for event, noise in zip(EVENTS[first:last], NOISE[first:last], strict=True)
    ]
    return said, np.concatenate(played.logits())


@pytest.mark.parametrize("name", ["event-gru", "event-transformer"])
@pytest.mark.parametrize("bind", [copied, RECORDED])
def test_a_graph_with_copies_at_fixed_addresses_returns_the_same_events(name, bind):
    said, logits = steps(line(name))
    far, far_logits = steps(line(name, bind))
    assert far == said
    assert np.abs(far_logits - logits).max() < 1e-5


@pytest.mark.parametrize("name", ["event-gru", "event-transformer"])
@pytest.mark.parametrize("bind", [copied, RECORDED])
def test_a_line_on_a_device_follows_another_one(name, bind):
    told, _ = part_of(name)
    far = bound(name, bind)
    trunk, branch = (line_of(far, told.context_events) for _ in range(2))
    steps(trunk, 0, 20)
    steps(branch, 5, 9)
    branch.follow(trunk)
    plain, _ = steps(line(name))
    assert steps(branch, 20)[0] == plain[20:]
    assert steps(trunk, 20)[0] == plain[20:]


def test_how_far_the_caches_count_is_frozen_and_going_back_still_works():
    far = line("event-transformer", RECORDED)
    steps(far, 0, 30)
    far.rewind(10)
    again, logits = steps(far, 10)
    plain, plain_logits = steps(line("event-transformer"))
    assert again == plain[10:]
    assert np.abs(logits - plain_logits).max() < 1e-5


def test_every_twin_is_a_recording_of_its_own():
    numbers = count(1)
    bound("event-gru", partial(recorded, numbers=numbers)).twin().twin()
    assert next(numbers) == 4  # −1 would mean: do not record


def test_no_buffer_moves():
    far: Any = bound("event-transformer", RECORDED)
    values = far._binding.fixed
    before = [value.data_ptr() for value in values]
    for _ in range(3):
        far.run()
    assert [value.data_ptr() for value in values] == before


@pytest.mark.skipif(why_no_cuda() is None, reason="there is a GPU here")
def test_where_there_is_no_gpu_nothing_is_recorded_and_the_cpu_runs(capfd):
    _, part = part_of("event-gru")
    path = MODELS / "event-gru" / manifest.GRAPH
    assert maybe_recorded(path, part, CUDA) is None
    graph: Any = open_graph(path, part, CUDA, "event-gru")
    assert graph._bind is shared
    assert graph.provider == CPU
    capfd.readouterr()  # ONNX Runtime prints an error


def test_on_the_cpu_nothing_is_recorded():
    _, part = part_of("event-gru")
    path = MODELS / "event-gru" / manifest.GRAPH
    graph: Any = open_graph(path, part, CPU, "event-gru")
    assert graph._bind is shared
