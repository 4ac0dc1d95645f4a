"""A checkpoint → `models/phrase-vae/`: graphs, manifest, golden vectors, figures, card.

What is known of the latents (directions of the attributes, where new phrases lie) is
found on training music and becomes constants of a graph, so its hash stands for it. The
folder is built beside its place,
replayed against the golden vectors, judged through the daemon's own mind, timed, and
only then moved to where it is found.
"""

import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import torch

from ripieno.inference import manifest as manifests
from ripieno.inference.manifest import Manifest, Part, Sampling, Source
from ripieno.inference.session import Loaded
from ripieno.layouts import phrase
from ripieno.minds.variations import TEMPERATURE, TOP_P, Variations
from ripieno.minds.writer import Writer
from ripieno_export import checkpoint, evaluate, licences, to_onnx
from ripieno_export import parity as goldens
from ripieno_export.model_folder import write_manifest
from ripieno_export.phrases import crops, half, measure, parity, playing, task
from ripieno_export.phrases.card import card
from ripieno_export.phrases.graphs import (
    Built,
    Decoder,
    Encoder,
    conductor_in,
    encoder_in,
    part_of,
    step_in,
    with_space,
)
from ripieno_export.phrases.windows import Windows
from ripieno_export.preset import Preset
from ripieno_export.publish import FIGURES

ROLES: Final = ("vary",)
STEP: Final = "model"
GRAPHS: Final[dict[str, Callable[[Path], Built]]] = {
    STEP: step_in,
    "encode": encoder_in,
    "conduct": conductor_in,
}


def publish(weights: Path, windows: Windows, models: Path) -> Path:
    """Export, check, judge and write a model folder.

    Args:
        weights: a checkpoint.
        windows: all that was cut; the held-out ones judge.
        models: where the folder goes.

    Returns:
        The folder.

    Raises:
        ModelError: a graph does not answer as the network does.
    """
    payload = checkpoint.load(weights)
    preset = Preset(**payload["preset"])
    model = half.rounded(task.network_of(weights))
    models.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=models, prefix=".") as place:
        folder = Path(place) / preset.name
        folder.mkdir()
        space = measure.space_of(model, windows)
        whole = with_space(weights, space, Path(place) / "whole.pt")
        parts = _export(whole, folder)
        write_manifest(folder, describe(preset, model, windows, parts, {}))
        graphs = Loaded(folder, "cpu").graphs
        numbers = measure.sample_of(task.held_out(windows), parity.CALLS)
        encoder = Encoder(model).eval()
        decoder = half.rounded(Decoder(model, space).eval())
        golden = parity.record(encoder, decoder, crops.plain(windows, numbers))
        goldens.save(golden, folder / manifests.GOLDEN)
        largest = parity.check(graphs, golden)
        figures = measure.measure(model, windows, space)
        mind = Variations(Writer(graphs))
        figures |= playing.listen(mind, playing.phrases_of(windows))
        figures |= {
            "parity_largest_difference": largest,
            "bytes": sum(f.stat().st_size for f in folder.glob("*.onnx")),
            "windows_trained_on": len(windows.chosen("train")),
            "progress": payload["progress"],
        }
        final = describe(preset, model, windows, parts, quality(figures))
        write_manifest(folder, final)
        evaluate.write(figures, folder / FIGURES)
        text = card(final, preset, figures)
        (folder / manifests.CARD).write_text(text, encoding="utf-8")
        shutil.rmtree(models / preset.name, ignore_errors=True)
        shutil.move(folder, models / preset.name)
    return models / preset.name


def _export(weights: Path, folder: Path) -> dict[str, Part]:
    """Write all graphs; what the manifest says of each."""
    parts = {}
    for name, build in GRAPHS.items():
        graph = folder / f"{name}.onnx"
        to_onnx.export(build, weights, graph)
        half.store(graph)
        parts[name] = part_of(build(weights), graph)
    return parts


def describe(
    preset: Preset,
    model: torch.nn.Module,
    windows: Windows,
    parts: dict[str, Part],
    quality_: dict[str, float],
) -> Manifest:
    """The manifest of a model folder that holds its graphs."""
    whole = parts[STEP]
    sources = tuple(
        Source(o.name, o.licence, o.repository, o.commit, count)
        for o, count in windows.sources
    )
    return Manifest(
        name=preset.name,
        family="vae",
        interface="phrase",
        roles=ROLES,
        vocabulary="phrase-1",
        fingerprint=phrase.fingerprint(),
        inputs=whole.inputs,
        outputs=whole.outputs,
        state=whole.state,
        context_events=0,
        parameters=sum(weight.numel() for weight in model.parameters()),
        licence=licences.of(sources),
        sources=sources,
        quality=quality_,
        sampling=Sampling((TEMPERATURE, 1.0, 1.0, 1.0), (TOP_P, 1.0, 1.0, 1.0)),
        sha256=whole.sha256,
        more={name: part for name, part in parts.items() if name != STEP},
    )


def quality(figures: dict[str, Any]) -> dict[str, float]:
    """The figures that go into the manifest, flat."""
    kept = figures["reconstruction"]["all"]
    return {
        **{
            f"{how}_accuracy_{what}": value
            for how, found in kept.items()
            for what, value in found.items()
        },
        "latent_nats": figures["latent"]["nats"],
        "latent_used": figures["latent"]["used"],
        "cpu_answer_ms_p50": figures["answer_ms"]["p50"],
        "cpu_answer_ms_p99": figures["answer_ms"]["p99"],
    }
