"""A checkpoint → `models/loop-gan/`: graph, manifest, golden vectors, figures, card.

Built beside its place, loaded by the daemon's own session, replayed against the golden
vectors, judged on songs that neither training nor the choice of the weights knew, and
only then moved to where it is found.
"""

import shutil
import tempfile
from pathlib import Path
from typing import Any, Final

import msgspec
import numpy as np
import torch

from ripieno.clock import NS_PER_MS, Clock, SystemClock
from ripieno.errors import ModelError
from ripieno.inference import manifest as manifests
from ripieno.inference.graph import Graph
from ripieno.inference.manifest import Manifest, Sampling, Source
from ripieno.inference.session import Loaded
from ripieno.layouts import pattern
from ripieno_export import checkpoint, evaluate, licences, parity, to_onnx
from ripieno_export.duet.songs import Song
from ripieno_export.loops import bars as bars_of
from ripieno_export.loops import graphs, judging, leaning
from ripieno_export.loops.card import card
from ripieno_export.loops.graphs import INPUTS, OUTPUTS, Step
from ripieno_export.loops.task import Options
from ripieno_export.model_folder import write_manifest
from ripieno_export.preset import Preset
from ripieno_export.publish import FIGURES

NAME: Final = "loop-gan"
GOLDEN_BARS: Final = 16
CLOSE: Final = 1e-4
"""How far a graph's logits may be from torch's."""
TIMED: Final = 100
BURSTS: Final = 40
"""Of `TIMED` bars; the quietest counts, since a core is seldom ours alone."""

Golden = dict[str, np.ndarray[Any, Any]]


def publish(weights: Path, data: Path, models: Path) -> Path:
    """Export, check, judge and write a model folder.

    Args:
        weights: a checkpoint.
        data: the folder of sources.
        models: where the folder goes.

    Returns:
        The folder.

    Raises:
        ModelError: the graph does not answer as the network does.
        FileError: a source is not there.
    """
    payload, songs = checkpoint.load(weights), bars_of.read(data)
    name = str(payload["preset"]["name"])
    found = leaning.leaning(graphs.step_of(weights).network, songs)
    leans = found.onsets, found.holds
    step = graphs.step_of(weights, *leans)
    models.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=models, prefix=".") as place:
        folder = Path(place) / name
        folder.mkdir()
        to_onnx.export(graphs.step_of, weights, folder / manifests.GRAPH, *leans)
        write_manifest(folder, describe(name, step, songs, {}, folder))
        graph = Loaded(folder, "cpu").graphs["model"]
        golden = recorded(step)
        figures = judging.judge(step.network, songs) | {
            "parity_largest_difference": checked(graph, golden),
            "bar_ms": bar_ms(graph),
            "bytes": (folder / manifests.GRAPH).stat().st_size,
            "lean": found.onsets,
            "hold": found.holds,
            "holds_tried": found.tried,
            "recipe": payload["preset"] | {"options": options(payload)},
            "progress": payload["progress"],
        }
        parity.save(golden, folder / manifests.GOLDEN)
        manifest = describe(name, step, songs, quality(figures), folder)
        write_manifest(folder, manifest)
        evaluate.write(figures, folder / FIGURES)
        (folder / manifests.CARD).write_text(card(manifest, figures), encoding="utf-8")
        shutil.rmtree(models / name, ignore_errors=True)
        shutil.move(folder, models / name)
    return models / name


def options(payload: dict[str, Any]) -> dict[str, Any]:
    """The family's options of a checkpoint, those that were left out among them."""
    chosen = Preset(**payload["preset"]).options_as(Options)
    return dict(msgspec.to_builtins(chosen))


def recorded(step: Step) -> Golden:
    """Inputs of some bars and torch's answers to them."""
    torch.manual_seed(1)
    rows: dict[str, list[Any]] = {}
    for _ in range(GOLDEN_BARS):
        put = graphs.examples()
        with torch.no_grad():
            out = step(*put)
        for side, names, tensors in (("in", INPUTS, put), ("out", OUTPUTS, out)):
            for name, tensor in zip(names, tensors, strict=True):
                rows.setdefault(f"{side}/{name}", []).append(tensor.numpy())
    return {name: np.stack(arrays) for name, arrays in rows.items()}


def checked(graph: Graph, golden: Golden) -> float:
    """How far the graph's logits are from torch's.

    Raises:
        ModelError: too far.
    """
    worst = 0.0
    for number in range(len(golden["in/noise"])):
        for name in INPUTS:
            graph.put[name][...] = golden[f"in/{name}"][number]
        graph.run()
        expected = golden["out/logits"][number]
        worst = max(worst, float(np.abs(graph.out["logits"] - expected).max()))
    if worst > CLOSE:
        raise ModelError(f"The exported graph differs from torch by {worst:.2g}.")
    return worst


def bar_ms(graph: Graph, clock: Clock | None = None) -> dict[str, float]:
    """How long a run takes, in ms: the median and the 99th of a hundred."""
    clock, bursts = clock or SystemClock(), []
    for _ in range(BURSTS):
        taken = []
        for _ in range(TIMED):
            before_ns = clock.now_ns()
            graph.run()
            taken.append((clock.now_ns() - before_ns) / NS_PER_MS)
        bursts.append(np.percentile(taken, (50, 99)))
    p50, p99 = min(bursts, key=lambda burst: float(burst[1]))
    return {"p50": round(float(p50), 3), "p99": round(float(p99), 3)}


def describe(
    name: str, step: Step, songs: list[Song], quality_: dict[str, float], folder: Path
) -> Manifest:
    """The manifest of a model folder that holds its graph."""
    part = graphs.part_of(folder / manifests.GRAPH)
    return Manifest(
        name=name,
        family="gan",
        interface="pattern",
        roles=("loop",),
        vocabulary="pattern-1",
        fingerprint=pattern.fingerprint(),
        inputs=part.inputs,
        outputs=part.outputs,
        state=(),
        context_events=0,
        parameters=sum(weight.numel() for weight in step.parameters()),
        licence=licences.of(sources(songs)),
        sources=sources(songs),
        quality=quality_,
        sampling=Sampling(),
        sha256=part.sha256,
    )


def sources(songs: list[Song]) -> tuple[Source, ...]:
    """What was learned from, with the number of training songs of each source."""
    origins = {song.origin.name: song.origin for song in songs}
    learned = [song.origin.name for song in songs if song.part == "train"]
    return tuple(
        Source(o.name, o.licence, o.repository, o.commit, learned.count(o.name))
        for o in origins.values()
    )


def quality(figures: dict[str, Any]) -> dict[str, float]:
    """The figures that go into the manifest, flat."""
    made = figures["bars"]["loop-gan"]
    numbers = {k: v for k, v in made.items() if isinstance(v, float)}
    return {
        **{f"bars_{name}": round(value, 4) for name, value in numbers.items()},
        "cpu_bar_ms_p50": figures["bar_ms"]["p50"],
        "cpu_bar_ms_p99": figures["bar_ms"]["p99"],
    }
