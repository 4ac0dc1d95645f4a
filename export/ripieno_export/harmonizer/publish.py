"""A checkpoint → `models/chorale-gru/`: graph, manifest, golden vectors, figures, card.

Built beside its place, replayed against the golden vectors, judged and timed, and only
then moved to where it is found.
"""

import shutil
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from ripieno.clock import NS_PER_MS, NS_PER_S, Clock, SystemClock
from ripieno.inference import manifest as manifests
from ripieno.inference.graph import Graph
from ripieno.inference.manifest import Manifest, Sampling, Source, Tensor
from ripieno.inference.session import Loaded
from ripieno.layouts import voices
from ripieno.minds.harmonizer import Harmonizer, Manner
from ripieno_export import checkpoint, licences, to_onnx
from ripieno_export import evaluate as figures_of
from ripieno_export import parity as goldens
from ripieno_export.harmonizer import evaluate, families, parity, task
from ripieno_export.harmonizer.card import card
from ripieno_export.harmonizer.chorales import Chorale
from ripieno_export.harmonizer.network import Harmonies
from ripieno_export.harmonizer.step import (
    INPUTS,
    OUTPUTS,
    STATE,
    StepModule,
    output_shapes,
    step_in,
)
from ripieno_export.model_folder import write_manifest
from ripieno_export.preset import Preset
from ripieno_export.publish import FIGURES
from ripieno_export.tokenize import Floats

ROLES: Final = ("harmonize",)
TIMED: Final = 400
BURSTS: Final = 12
"""Of `TIMED` answers; the quietest counts, since a core is seldom ours alone."""


def publish(weights: Path, pieces: Sequence[Chorale], models: Path) -> Path:
    """Export, check, judge and write a model folder.

    Args:
        weights: a checkpoint.
        pieces: all that was read; the split is made again.
        models: where the folder goes.

    Returns:
        The folder.

    Raises:
        ModelError: the graph does not answer as the network does.
    """
    payload = checkpoint.load(weights)
    recipe, model = Preset(**payload["preset"]), task.network_of(payload)
    learned, held_out = families.split(pieces)
    name = recipe.name
    models.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=models, prefix=".") as place:
        folder = Path(place) / name
        folder.mkdir()
        to_onnx.export(step_in, weights, folder / manifests.GRAPH)
        write_manifest(folder, describe(name, model, learned, {}, folder))
        graph = Loaded(folder, "cpu").graphs["model"]
        golden = parity.record(StepModule(model), task.held_out_batches(held_out)[0])
        goldens.save(golden, folder / manifests.GOLDEN)
        figures = evaluate.evaluate(model, graph, held_out, Manner())
        figures |= {
            "parity_largest_difference": parity.check(graph, golden),
            "step_ms": step_ms(graph),
            "bytes": (folder / manifests.GRAPH).stat().st_size,
            "progress": payload["progress"],
        }
        manifest = describe(name, model, learned, quality(figures), folder)
        write_manifest(folder, manifest)
        figures_of.write(figures, folder / FIGURES)
        text = card(manifest, recipe, figures)
        (folder / manifests.CARD).write_text(text, encoding="utf-8")
        shutil.rmtree(models / name, ignore_errors=True)
        shutil.move(folder, models / name)
    return models / name


def step_ms(graph: Graph, clock: Clock | None = None) -> dict[str, dict[str, float]]:
    """How long a run and a whole answer take, in ms: median, 99th of 100, fastest."""
    clock, mind = clock or SystemClock(), Harmonizer(graph)
    bursts = [_burst(graph, mind, clock) for _ in range(BURSTS)]
    mind.reset()
    quietest = min(bursts, key=lambda taken: float(np.percentile(taken, 99)))
    return {
        name: {
            "p50": round(float(np.percentile(quietest[:, column], 50)), 3),
            "p99": round(float(np.percentile(quietest[:, column], 99)), 3),
            "min": round(float(quietest[:, column].min()), 3),
        }
        for column, name in enumerate(("answer", "graph"))
    }


def _burst(graph: Graph, mind: Harmonizer, clock: Clock) -> Floats:
    """Times of answers, and of runs alone, in ms, shape (TIMED, 2)."""
    taken = np.zeros((TIMED, 2))
    melody = np.random.default_rng(0).integers(60, 82, TIMED).tolist()
    for number, pitch in enumerate(melody):
        begun_ns = clock.now_ns()
        mind.voices(pitch, number * NS_PER_S)
        answered_ns = clock.now_ns()
        graph.run()
        taken[number] = answered_ns - begun_ns, clock.now_ns() - answered_ns
    return taken / NS_PER_MS


def describe(
    name: str,
    model: Harmonies,
    learned: Sequence[Chorale],
    quality_: dict[str, float],
    folder: Path,
) -> Manifest:
    """The manifest of a model folder that holds its graph."""
    examples = StepModule(model).example_inputs()
    outputs = zip(OUTPUTS, output_shapes(model), strict=True)
    heat, share = Manner().temperature, Manner().top_p
    return Manifest(
        name=name,
        family="gru",
        interface="voices",
        roles=ROLES,
        vocabulary="voices-1",
        fingerprint=voices.fingerprint(),
        inputs=tuple(
            Tensor(n, str(t.dtype).removeprefix("torch."), tuple(t.shape))
            for n, t in zip(INPUTS, examples, strict=True)
        ),
        outputs=tuple(
            Tensor(n, "int64" if n == "voices" else "float32", shape)
            for n, shape in outputs
        ),
        state=STATE,
        context_events=0,
        parameters=sum(weight.numel() for weight in model.parameters()),
        licence=licences.of(sources(learned)),
        sources=sources(learned),
        quality=quality_,
        sampling=Sampling((*heat, 1.0), (*share, 1.0)),
        sha256=manifests.digest(folder / manifests.GRAPH),
    )


def sources(learned: Sequence[Chorale]) -> tuple[Source, ...]:
    """What the model was trained on, with the number of pieces of each source."""
    pieces = Counter(piece.origin for piece in learned)
    return tuple(
        Source(o.name, o.licence, o.repository, o.commit, count)
        for o, count in pieces.items()
    )


def quality(figures: dict[str, Any]) -> dict[str, float]:
    """The figures that go into the manifest, flat."""
    truth, own = (figures["nats"][f"led by {by}"] for by in ("the truth", "itself"))
    written = figures["writing"]["model"]
    return {
        **{f"model_nats_{name}": value for name, value in truth.items()},
        "model_nats_led_by_itself": own["total"],
        **{f"writing_{name}": value for name, value in written.items()},
        "cpu_step_ms_p50": figures["step_ms"]["graph"]["p50"],
        "cpu_step_ms_p99": figures["step_ms"]["graph"]["p99"],
    }
