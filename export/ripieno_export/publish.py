"""A checkpoint → `models/<name>/`: graph, manifest, golden vectors, figures, card.

Everything is checked before it is published: the folder is built beside its place,
loaded by the daemon's own session, replayed against the golden vectors, judged and
timed, and only then moved to where it is found.
"""

import json
import shutil
import tempfile
from pathlib import Path
from typing import Any, Final

import msgspec
import numpy as np

from ripieno.clock import NS_PER_MS, Clock, SystemClock
from ripieno.inference import manifest as manifests
from ripieno.inference.controls import Controls
from ripieno.inference.manifest import Manifest, Sampling, Source, Tensor
from ripieno.inference.session import Loaded
from ripieno.layouts import vocabulary
from ripieno.layouts.vocabulary import Event
from ripieno_export import (
    checkpoint,
    dataset,
    evaluate,
    event_step,
    event_task,
    licences,
    originality,
    parity,
    to_onnx,
)
from ripieno_export import weights as sidecar
from ripieno_export.card import card
from ripieno_export.dataset import Packed
from ripieno_export.flags import PROMPTS
from ripieno_export.model_folder import write_manifest
from ripieno_export.networks.events import EventNetwork
from ripieno_export.step import LOGITS, Step
from ripieno_export.tokenize import Ints

FIGURES: Final = "figures.json"
ROLES: Final = ("answer", "continue")
SAMPLING: Final = Sampling(
    temperature=(1.0, 1.05, 0.95, 0.9), top_p=(1.0, 0.98, 0.98, 0.98)
)
"""Chosen by `export/NOTES.md`. A low temperature of deltas makes the music ever faster.
A temperature of 0.855 for keys makes a model, most of all a Transformer, repeat itself
and so copy."""
OWN_SAMPLING: Final = {
    "transformer": Sampling(
        temperature=(1.0, 1.05, 1.0, 0.9), top_p=(1.0, 0.98, 0.99, 0.98)
    )
}
"""Of the families that differ from `SAMPLING`: by `export/NOTES.md`, a Transformer with
its keys at 0.95 still copies more often than people do."""
TIMED_STEPS: Final = 2000


def publish(
    weights: Path,
    packed: Packed,
    models: Path,
    *,
    crops: int = evaluate.CROPS,
    baseline_crops: int = evaluate.BASELINE_CROPS,
    golden_events: Ints | None = None,
) -> Path:
    """Export, check, judge and write a model folder.

    Args:
        weights: a checkpoint.
        packed: the corpus that it was trained on.
        models: where the folder goes.
        crops: how many held-out crops judge it.
        baseline_crops: how many crops the baselines learn from.
        golden_events: what the golden vectors are recorded on, shape (T + 1, 4); they
            are published, so held-out music must not serve where it is private.

    Returns:
        The folder.

    Raises:
        SettingsError: the music's licence forbids it.
        ModelError: the graph does not answer as the network does.
    """
    licences.of(sources(packed))  # refused now, not after the export
    payload = checkpoint.load(weights)
    name = str(payload["preset"]["name"])
    model = event_task.network_of(weights)
    models.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=models, prefix=".") as place:
        folder = Path(place) / name
        folder.mkdir()
        to_onnx.export(event_step.step_in, weights, folder / manifests.GRAPH)
        sidecar.write(payload, folder)
        preset = payload["preset"]
        write_manifest(folder, describe(preset, model, packed, {}, folder))
        if golden_events is None:
            golden_events = _golden_events(packed)
        golden = parity.record(model, golden_events)
        parity.save(golden, folder / manifests.GOLDEN)
        figures = measure(folder, model, packed, crops, baseline_crops)
        figures["parity_largest_difference"] = parity.check(
            Loaded(folder, "cpu"), golden
        )
        figures["progress"] = payload["progress"]
        _write(folder, preset, figures)
        shutil.rmtree(models / name, ignore_errors=True)
        shutil.move(folder, models / name)
    return models / name


def count_copies(folder: Path, packed: Packed, prompts: int = PROMPTS) -> None:
    """Search a published model's continuations for copies, and write what is found.

    Args:
        folder: of an event model.
        packed: the corpus that it was trained on.
        prompts: how many are continued, of each seed.

    Raises:
        ModelError: the model cannot be run.
    """
    figures = json.loads((folder / FIGURES).read_text(encoding="utf-8"))
    rewrite(
        folder,
        {**figures, "originality": originality.measure(folder, packed, prompts)},
    )


def rewrite(folder: Path, figures: dict[str, Any]) -> None:
    """A published folder's manifest, figures and card again; its graph stays.

    Args:
        folder: of an event model.
        figures: what is told of it now; its sampling becomes that of its family.

    Raises:
        ModelError: the folder has no weights, which say how it was made.
    """
    _write(folder, sidecar.read(folder)["preset"], figures)


def _write(folder: Path, preset: dict[str, Any], figures: dict[str, Any]) -> None:
    """What is told of a folder that holds a graph and a manifest."""
    before = manifests.load(folder)
    final = msgspec.structs.replace(
        before, quality=quality(figures), sampling=sampling_of(before.family)
    )
    write_manifest(folder, final)
    evaluate.write(figures, folder / FIGURES)
    text = card(final, preset, figures)
    (folder / manifests.CARD).write_text(text, encoding="utf-8")


def sampling_of(family: str) -> Sampling:
    """The defaults that a family of event models is published with."""
    return OWN_SAMPLING.get(family, SAMPLING)


def measure(
    folder: Path, model: EventNetwork, packed: Packed, crops: int, baseline_crops: int
) -> dict[str, Any]:
    """Likelihoods, the graph's own likelihood, and the time of a step."""
    figures = evaluate.evaluate(
        model, packed, crops=crops, baseline_crops=baseline_crops
    )
    figures["session"] = evaluate.through_session(Loaded(folder, "cpu"), model, packed)
    figures["step_ms"] = step_ms(Loaded(folder, "cpu"))
    figures["bytes"] = (folder / manifests.GRAPH).stat().st_size
    return figures


def step_ms(session: Loaded, clock: Clock | None = None) -> dict[str, float]:
    """How long a step takes, in ms: the median, the 99th of a hundred, the fastest."""
    clock = clock or SystemClock()
    session.warm_up()
    controls, taken = Controls(top_p=(0.95,) * 4), []
    line, event = session.line(), Event(0, 0, 60, 16)
    for _ in range(TIMED_STEPS):
        before_ns = clock.now_ns()
        event = line.step(event, controls)
        taken.append((clock.now_ns() - before_ns) / NS_PER_MS)
    p50, p99 = np.percentile(taken, (50, 99))
    return {
        "p50": round(float(p50), 3),
        "p99": round(float(p99), 3),
        "min": round(min(taken), 3),
    }


def describe(
    preset: dict[str, Any],
    model: EventNetwork,
    packed: Packed,
    quality_: dict[str, float],
    folder: Path,
) -> Manifest:
    """The manifest of a model folder that holds its graph."""
    step = event_step.step_of(model, preset["events"])
    inputs, outputs = tensors(step)
    return Manifest(
        name=preset["name"],
        family=preset["family"],
        interface="step",
        roles=ROLES,
        vocabulary="free-time-1",
        fingerprint=vocabulary.fingerprint(),
        inputs=inputs,
        outputs=outputs,
        state=step.state,
        context_events=step.context_events,
        parameters=sum(weight.numel() for weight in model.parameters()),
        licence=licences.of(sources(packed)),
        sources=sources(packed),
        quality=quality_,
        sampling=sampling_of(preset["family"]),
        sha256=manifests.digest(folder / manifests.GRAPH),
    )


def tensors(step: Step) -> tuple[tuple[Tensor, ...], tuple[Tensor, ...]]:
    """A step graph's inputs and outputs, as the manifest names them."""
    inputs = tuple(
        Tensor(name, str(example.dtype).removeprefix("torch."), tuple(example.shape))
        for name, example in zip(step.input_names, step.example_inputs(), strict=True)
    )
    shapes = {tensor.name: tensor.shape for tensor in inputs}
    carried = (Tensor(out, "float32", shapes[into]) for into, out in step.state)
    logits = (
        Tensor(name, "float32", (1, size))
        for name, size in zip(LOGITS, vocabulary.SIZES, strict=True)
    )
    return inputs, (Tensor("next_event", "int64", (1, 4)), *carried, *logits)


def sources(packed: Packed) -> tuple[Source, ...]:
    """What the model was trained on, with the number of files of each source."""
    pieces = _pieces(packed)
    return tuple(
        Source(o.name, o.licence, o.repository, o.commit, pieces[o.name])
        for o in packed.origins
    )


def quality(figures: dict[str, Any]) -> dict[str, float]:
    """The figures that go into the manifest, flat."""
    flat = {
        f"{name}_nats_{field}": value
        for name, fields in figures["nats"].items()
        for field, value in fields.items()
    }
    return {
        **flat,
        "cpu_step_ms_p50": figures["step_ms"]["p50"],
        "cpu_step_ms_p99": figures["step_ms"]["p99"],
    }


def _pieces(packed: Packed) -> dict[str, int]:
    """Training pieces per source; a song and its parts count once."""
    whole = ~packed.held_out & (packed.kind != dataset.KINDS.index("duet"))
    found = {}
    for number, origin in enumerate(packed.origins):
        mine = packed.kind[whole & (packed.origin == number)]
        found[origin.name] = (
            int(np.bincount(mine, minlength=1).max()) if len(mine) else 0
        )
    return found


def _golden_events(packed: Packed) -> Ints:
    batch = dataset.held_out_batches(packed, parity.STEPS, 64)[0]
    longest = int(batch.real.sum(1).argmax())
    return batch.events[longest, : int(batch.real[longest].sum())]
