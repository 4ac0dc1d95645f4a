"""Makes models of a given size with random weights, exported as published ones are.

They are for measuring only: the time of a step does not depend on the weights. The
folders are kept, because an export takes longer than a measurement.
"""

from dataclasses import dataclass
from pathlib import Path

import msgspec
import onnx
import torch

from ripieno.inference import manifest as manifests
from ripieno.inference.manifest import Manifest
from ripieno.layouts import vocabulary
from ripieno_export import checkpoint, event_step, event_task, lighter, to_onnx
from ripieno_export.networks.events import EventNetwork
from ripieno_export.preset import Preset
from ripieno_export.publish import tensors
from ripieno_export.step import CONTROLS


@dataclass(frozen=True, slots=True)
class Size:
    """A network's shape; `hidden` is a multiple of 64, the size of a head."""

    hidden: int
    layers: int


SIZES = {"1M": Size(192, 2), "5M": Size(320, 4), "20M": Size(512, 6)}
SIZES["85M"] = Size(768, 12)


def preset(name: str, context: int) -> Preset:
    """Return the preset of a size, of the published Transformer's family."""
    size = SIZES[name]
    return Preset(
        name=f"step-{name}-{context}",
        family="transformer",
        hidden=size.hidden,
        layers=size.layers,
        dropout=0.0,
        events=context,
    )


def network(wanted: Preset) -> EventNetwork:
    """Return the network; its blocks change their input, as those of a trained one."""
    model = event_task.network(wanted)
    for name, weight in model.named_parameters():
        if "from_heads" in name or "narrow" in name:
            torch.nn.init.normal_(weight, std=0.02)
    return model.eval()


def folder(name: str, context: int, bits: int, place: Path) -> Path:
    """Return the model folder of a size; make it if it does not exist.

    Args:
        name: of the size.
        context: events.
        bits: 32, 16 or 8.
        place: where folders are kept.
    """
    wanted = preset(name, context)
    kind = {32: "", **{bits: f"-{what}" for bits, what in lighter.BITS.items()}}
    made = place / f"{wanted.name}{kind[bits]}"
    if (made / manifests.MANIFEST).is_file():
        return made
    made.mkdir(parents=True, exist_ok=True)
    graph, model = made / manifests.GRAPH, network(wanted)
    if bits == 32:
        weights = made / "weights.pt"
        payload = {"preset": wanted.as_dict(), "model": model.state_dict()}
        checkpoint.save(weights, payload)
        to_onnx.export(event_step.step_in, weights, graph)
        weights.unlink()
    else:
        whole = onnx.load(folder(name, context, 32, place) / manifests.GRAPH)
        caches = [n for pair in event_step.step_of(model, context).state for n in pair]
        lighter.save(
            lighter.in_eight_bits(whole)
            if bits == 8
            else lighter.in_half(whole, caches, CONTROLS),
            graph,
        )
    manifest = describe(wanted, model, graph, bits)
    (made / manifests.MANIFEST).write_bytes(msgspec.json.encode(manifest))
    return made


def describe(wanted: Preset, model: EventNetwork, graph: Path, bits: int) -> Manifest:
    """Return the manifest of a graph."""
    step = event_step.step_of(model, wanted.events)
    caches = {n for pair in step.state for n in pair} if bits == 16 else set()
    inputs, outputs = (
        tuple(
            msgspec.structs.replace(t, dtype="float16") if t.name in caches else t
            for t in side
        )
        for side in tensors(step)
    )
    return Manifest(
        name=graph.parent.name,
        family=wanted.family,
        interface="step",
        roles=(),
        vocabulary="free-time-1",
        fingerprint=vocabulary.fingerprint(),
        inputs=inputs,
        outputs=outputs,
        state=step.state,
        context_events=step.context_events,
        parameters=sum(weight.numel() for weight in model.parameters()),
        licence="none",
        sources=(),
        quality={},
        sampling=manifests.Sampling(),
        sha256=manifests.digest(graph),
    )
