"""The time of our steps relative to a fixed ONNX graph in the same run.

The fixed work is an ONNX graph of its own that nobody optimises: matrices that are
together as large as what the step reads, since other work takes bandwidth from both
alike, and as many small nodes as a step has. Both run in this process, a block of each
in turns. Of each the best block counts, by its median: whatever else the machine does
makes a block slower, never faster.

    python -m tests.ratios        measures, and says what `benchmarks/bounds.json` says
"""

import json
import sys
from typing import NamedTuple

import msgspec
import numpy as np
from tests.command import MODELS, ROOT

from ripieno.bench.answers import answer_of
from ripieno.bench.model import Steps
from ripieno.clock import SystemClock
from ripieno.inference.onnx_runtime import ort
from ripieno.inference.session import Loaded
from ripieno.inference.tuning import Threads

BOUNDS = ROOT / "benchmarks" / "bounds.json"
ROUNDS, BLOCK = 60, 9
SIZE, SMALL = 512, 64


class Bound(msgspec.Struct):
    """What was measured on a quiet machine, and what is allowed."""

    measured: float
    allowed: float


class Bounds(msgspec.Struct):
    """By what is measured; and how the figures came about.

    Attributes:
        how: the figures came about.
        ratios: our work over fixed work, by what it is.
        late_over_period: a planned note's lateness (p95) on polled rtmidi, in periods.
    """

    how: str
    ratios: dict[str, Bound]
    late_over_period: Bound


def stored():
    """The bounds that were written down."""
    return _bounds().ratios


def stored_lateness():
    """The bound of `tests/bench/test_bench_live.py`."""
    return _bounds().late_over_period


def _bounds():
    return msgspec.json.decode(BOUNDS.read_bytes(), type=Bounds)


def reference(megabytes):
    """The fixed work: a matrix for each megabyte."""
    from onnx import TensorProto, helper, numpy_helper

    rng = np.random.default_rng(1)
    nodes, constants, name = [], [], "x"
    small = np.zeros((1, SIZE), np.float32)
    constants.append(numpy_helper.from_array(small, "zero"))
    for number in range(megabytes):
        matrix = rng.standard_normal((SIZE, SIZE), np.float32) / SIZE**0.5
        constants.append(numpy_helper.from_array(matrix, f"m{number}"))
        nodes.append(helper.make_node("MatMul", [name, f"m{number}"], [f"y{number}"]))
        name = f"y{number}"
    for number in range(SMALL):  # Sin, since sums with a constant might be folded
        nodes.append(helper.make_node("Sin", [name], [f"s{number}"]))
        name = f"s{number}"
    nodes.append(helper.make_node("Add", [name, "zero"], ["out"]))
    into, out_of = (
        [helper.make_tensor_value_info(n, TensorProto.FLOAT, [1, SIZE])]
        for n in ("x", "out")
    )
    graph = helper.make_graph(nodes, "reference", into, out_of, constants)
    opset = [helper.make_opsetid("", 20)]
    whole = helper.make_model(graph, opset_imports=opset, ir_version=10)
    options = ort.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = ort.InferenceSession(
        whole.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    binding = session.io_binding()
    given, out = np.ones((1, SIZE), np.float32), np.zeros((1, SIZE), np.float32)
    binding.bind_ortvalue_input("x", ort.OrtValue.ortvalue_from_numpy(given))
    binding.bind_ortvalue_output("out", ort.OrtValue.ortvalue_from_numpy(out))
    return lambda: session.run_with_iobinding(binding)


def steps(name):
    """One step of a model, as the daemon takes it."""
    taken = Steps(Loaded(MODELS / name, "cpu", Threads()))
    taken.fill()
    return taken


WORK = {
    "event-gru, a step": (7, lambda: steps("event-gru")),
    "event-transformer, a step": (17, lambda: steps("event-transformer")),
    "event-transformer-int8, a step": (9, lambda: steps("event-transformer-int8")),
    "chorale-gru, an answer": (
        2,
        lambda: answer_of(Loaded(MODELS / "chorale-gru", "cpu", Threads())),
    ),
}
"""Megabytes that it reads, and what makes it."""


def best_ms(work, clock):
    """A block's median."""
    rest = getattr(work, "rest", None)
    work()
    taken = []
    for _ in range(BLOCK):
        if rest is not None:
            rest()
        before_ns = clock.now_ns()
        work()
        taken.append(clock.now_ns() - before_ns)
    return float(np.median(taken)) / 1e6


class Found(NamedTuple):
    """A ratio.

    Attributes:
        ratio: how many times as long as the fixed work.
        unrest: how many times as long as at best the fixed work took itself.
    """

    ratio: float
    unrest: float


def ratio(work, beside, rounds=ROUNDS):
    """Measure."""
    clock = SystemClock()
    pairs = [(best_ms(work, clock), best_ms(beside, clock)) for _ in range(rounds)]
    ours, fixed = np.min(pairs, axis=0)
    return Found(float(ours / fixed), float(np.median(pairs, axis=0)[1] / fixed))


def looked(work, beside, allowed, looks=5):
    """The least ratio of a few looks; one is enough where it is allowed."""
    found = Found(float("inf"), 1.0)
    for _ in range(looks):
        found = min(found, ratio(work, beside))
        if found.ratio <= allowed:
            break
    return found


def main():
    """Measure and compare."""
    bounds = stored()
    for name, (megabytes, load) in WORK.items():
        beside = reference(megabytes)
        work = load()
        found = [round(ratio(work, beside).ratio, 3) for _ in range(5)]
        line = {name: found, "stored": msgspec.to_builtins(bounds[name])}
        sys.stdout.write(json.dumps(line) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
