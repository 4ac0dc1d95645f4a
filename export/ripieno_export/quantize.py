"""`ripieno-export quantize`: a published step model again, in fewer bits.

::

    ripieno-export quantize event-gru --bits 8 --data DIR      models/event-gru-int8
    ripieno-export quantize models/event-gru --bits 16 --data DIR

The lighter folder goes through the checks of every published one: it is built beside
its place, loaded by the daemon's own session, and replayed against the golden vectors
that torch wrote. Its tolerance is wider, and is stated in them. The loss is measured on
held-out crops, and the gain in steps that both models take in turns. If the loss is
more than `BOUNDS` allows, the model is not published.
"""

import argparse
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import msgspec
import numpy as np
import onnx

from ripieno.clock import NS_PER_MS, Clock, SystemClock
from ripieno.errors import ModelError, SettingsError
from ripieno.inference import manifest as manifests
from ripieno.inference.controls import Controls
from ripieno.inference.lines import Scored
from ripieno.inference.manifest import Manifest, Tensor
from ripieno.inference.session import Loaded
from ripieno.layouts.vocabulary import FIELDS, Event
from ripieno_export import (
    dataset,
    display,
    evaluate,
    event_task,
    lighter,
    originality,
    parity,
)
from ripieno_export.dataset import Packed
from ripieno_export.evaluation.readers import replay
from ripieno_export.flags import PROMPTS
from ripieno_export.lighter_card import card
from ripieno_export.model_folder import write_manifest
from ripieno_export.parity import Golden
from ripieno_export.publish import FIGURES
from ripieno_export.step import CONTROLS, LOGITS
from ripieno_export.tokenize import Floats

BLOCK: Final = 50
STEPS: Final = 2000
"""Steps that are timed, of each model in turns: other work then slows both alike."""


@dataclass(frozen=True, slots=True)
class Bound:
    """What a lighter model may cost.

    Attributes:
        logit: the largest difference of a logit over the golden vectors.
        agreement: the least share of golden events that are sampled alike.
        nats: what an event of held-out music may cost more.
    """

    logit: float
    agreement: float
    nats: float


BOUNDS: Final = {8: Bound(0.5, 0.8, 0.02), 16: Bound(0.05, 0.95, 0.005)}


def quantize(
    folder: Path,
    bits: int,
    packed: Packed,
    models: Path,
    *,
    crops: int,
    prompts: int = 0,
) -> Path:
    """Write the lighter folder of a published one.

    Args:
        folder: of a step model in float32.
        bits: 8 or 16.
        packed: the corpus that it was trained on.
        models: where the lighter folder goes.
        crops: how many held-out crops measure what it costs.
        prompts: how many continuations are searched for copies; 0 leaves that out.

    Returns:
        The folder.

    Raises:
        SettingsError: it is not a step model.
        ModelError: it lost more than `BOUNDS` allows.
    """
    whole = manifests.load(folder)
    if whole.interface != "step":
        raise SettingsError(
            f"{whole.name} is a {whole.interface} model; only step models are "
            "quantised, which are driven event by event."
        )
    name = f"{whole.name}-{lighter.BITS[bits]}"
    models.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=models, prefix=".") as place:
        made = Path(place) / name
        made.mkdir()
        _write_graph(folder, whole, bits, made / manifests.GRAPH)
        light = _described(whole, name, bits, made)
        write_manifest(made, light)
        golden = parity.load(folder / manifests.GOLDEN)
        figures = _measured(folder, made, golden, packed, crops)
        _check(name, figures, BOUNDS[bits])
        bound = np.float32(BOUNDS[bits].logit), np.float32(BOUNDS[bits].agreement)
        stated = dict(
            zip(("tolerance", "agreement"), map(np.array, bound), strict=True)
        )
        parity.save({**golden, **stated}, made / manifests.GOLDEN)
        if prompts:
            figures["originality"] = originality.measure(made, packed, prompts)
        _write(made, whole, bits, figures)
        shutil.rmtree(models / name, ignore_errors=True)
        shutil.move(made, models / name)
    return models / name


def rewrite(made: Path, folder: Path, bits: int, figures: dict[str, Any]) -> None:
    """A lighter folder's manifest, figures and card again; its graph stays.

    Args:
        made: the lighter folder.
        folder: of the model in float32, whose sampling it takes.
        bits: 8 or 16.
        figures: what is told of it now.
    """
    _write(made, manifests.load(folder), bits, figures)


def _write(made: Path, whole: Manifest, bits: int, figures: dict[str, Any]) -> None:
    """What is told of a lighter folder that holds a graph and a manifest."""
    light = msgspec.structs.replace(
        manifests.load(made),
        quality=_quality(whole, figures),
        sampling=whole.sampling,
    )
    write_manifest(made, light)
    evaluate.write(figures, made / FIGURES)
    text = card(light, whole, bits, figures)
    (made / manifests.CARD).write_text(text, encoding="utf-8")


def _write_graph(folder: Path, whole: Manifest, bits: int, path: Path) -> None:
    graph = onnx.load(folder / manifests.GRAPH)
    if bits == 8:
        lighter.save(lighter.in_eight_bits(graph), path)
    else:
        state = [name for pair in whole.state for name in pair]
        lighter.save(lighter.in_half(graph, state, CONTROLS), path)


def _described(whole: Manifest, name: str, bits: int, made: Path) -> Manifest:
    """The manifest of the lighter folder, which holds its graph."""
    halved = {n for pair in whole.state for n in pair} if bits == 16 else set()

    def retyped(tensors: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        return tuple(
            msgspec.structs.replace(t, dtype="float16") if t.name in halved else t
            for t in tensors
        )

    return msgspec.structs.replace(
        whole,
        name=name,
        inputs=retyped(whole.inputs),
        outputs=retyped(whole.outputs),
        sha256=manifests.digest(made / manifests.GRAPH),
    )


# ── measuring ─────────────────────────────────────────────────────────────────────


def _measured(
    folder: Path, made: Path, golden: Golden, packed: Packed, crops: int
) -> dict[str, Any]:
    """Both folders, side by side."""
    pair = {"float32": Loaded(folder, "cpu"), "lighter": Loaded(made, "cpu")}
    nats = {
        name: held_out_nats(session.line(), packed, crops)
        for name, session in pair.items()
    }
    lost = (nats["lighter"] - nats["float32"]).sum(1)
    return {
        "golden": agreement(pair["lighter"].line(), golden),
        "crops": crops,
        "events": len(lost),
        "nats": {name: evaluate.summary(values) for name, values in nats.items()},
        "nats_lost": float(lost.mean()),
        "nats_lost_standard_error": float(lost.std() / len(lost) ** 0.5),
        "step_ms": step_ms({name: session.line() for name, session in pair.items()}),
        "bytes": {
            name: (place / manifests.GRAPH).stat().st_size
            for name, place in (("float32", folder), ("lighter", made))
        },
    }


def agreement(line: Scored, golden: Golden) -> dict[str, float]:
    """Golden vectors, replayed: how many events are the same, how far logits differ.

    A logit counts where the fields before it were sampled alike: else it answers
    another question.
    """
    line.reset()
    same, furthest, count = 0, 0.0, len(golden["event"])
    for number in range(count):
        masks = tuple(golden[f"mask_{name}"][number] for name in FIELDS)
        chance = {n: golden[n][number].tolist() for n in CONTROLS[:3]}
        heard = Event(*golden["event"][number].tolist())
        told = line.step(heard, Controls(masks, **chance))
        wanted = Event(*golden["next_event"][number].tolist())
        same += told == wanted
        for field, (name, logits) in enumerate(zip(LOGITS, line.logits(), strict=True)):
            if told[:field] == wanted[:field]:
                away = np.abs(logits - golden[name][number]).max()
                furthest = max(furthest, float(away))
    return {"agreement": same / count, "largest_difference": furthest}


def held_out_nats(line: Scored, packed: Packed, crops: int) -> Floats:
    """Nats of every real event and field of held-out crops, through a line, (N, 4)."""
    batches = dataset.held_out_batches(packed, evaluate.EVENTS, crops, min(crops, 64))
    return np.concatenate(
        [
            replay(line, crop[: count + 1]).nats
            for batch in batches
            for crop, count in zip(batch.events, batch.real.sum(1), strict=True)
        ]
    )


def step_ms(
    lines: dict[str, Scored], clock: Clock | None = None
) -> dict[str, dict[str, float]]:
    """How long a step of each takes, in ms: the median, and the 99th of a hundred.

    A block of each in turns: if they took turns after every step, each would evict the
    other's weights from the processor's cache (twice the time). This does not happen
    while a model plays.
    """
    clock, event = clock or SystemClock(), Event(0, 0, 60, 16)
    controls, taken = Controls(top_p=(0.95,) * 4), np.zeros((STEPS, len(lines)))
    for first in range(0, STEPS, BLOCK):
        for place, line in enumerate(lines.values()):
            for row in taken[first : first + BLOCK]:
                before_ns = clock.now_ns()
                line.step(event, controls)
                row[place] = (clock.now_ns() - before_ns) / NS_PER_MS
    middle, slow = np.percentile(taken, (50, 99), axis=0).round(3)
    return {
        name: {"p50": float(middle[place]), "p99": float(slow[place])}
        for place, name in enumerate(lines)
    }


def _check(name: str, figures: dict[str, Any], bound: Bound) -> None:
    found = figures["golden"]
    for what, value, is_good, limit in (
        (
            "differs by {:.3f} in a logit",
            found["largest_difference"],
            found["largest_difference"] <= bound.logit,
            f"{bound.logit} is allowed",
        ),
        (
            "samples {:.0%} of the golden events alike",
            found["agreement"],
            found["agreement"] >= bound.agreement,
            f"{bound.agreement:.0%} are needed",
        ),
        (
            "loses {:.4f} nats an event",
            figures["nats_lost"],
            figures["nats_lost"] <= bound.nats,
            f"{bound.nats} is allowed",
        ),
    ):
        if not is_good:
            raise ModelError(
                f"{name} {what.format(value)}; {limit}. Publish it in more bits."
            )


def _quality(whole: Manifest, figures: dict[str, Any]) -> dict[str, float]:
    """The figures of the manifest; those of the baselines are the whole model's."""
    nats = figures["nats"]["lighter"]
    return {
        **whole.quality,
        **{f"model_nats_{field}": value for field, value in nats.items()},
        "float32_nats_total": figures["nats"]["float32"]["total"],
        "golden_agreement": figures["golden"]["agreement"],
        "cpu_step_ms_p50": figures["step_ms"]["lighter"]["p50"],
        "cpu_step_ms_p99": figures["step_ms"]["lighter"]["p99"],
    }


# ── the command ───────────────────────────────────────────────────────────────────


def run(options: argparse.Namespace) -> None:
    """Do what the flags say."""
    folder = options.model
    if not folder.is_dir():
        folder = options.models / folder
    corpus = options.run or Path("runs") / folder.name
    packed = event_task.packed(options.data, corpus)
    crops = evaluate.CROPS if options.crops is None else options.crops
    made = quantize(
        folder, options.bits, packed, options.models, crops=crops, prompts=PROMPTS
    )
    display.say(f"{made.name} is in {made}.")
