"""A checkpoint → `models/phrase-encoder/`: graph, runs, manifest, golden vectors, card.

The folder is built beside its place, loaded by the daemon's own session, replayed
against torch, judged and timed, and only then moved to where it is found.
"""

import shutil
import tempfile
from pathlib import Path
from typing import Any, Final

import msgspec
import numpy as np
import torch

from ripieno.inference import manifest as manifests
from ripieno.inference.manifest import Manifest, Sampling, Source, Tensor
from ripieno.inference.session import Loaded
from ripieno.layouts import likeness
from ripieno.similarity import runs as stored_runs
from ripieno.similarity.embeddings import Encoder
from ripieno.similarity.runs import Runs
from ripieno_export import checkpoint, evaluate, licences, parity, to_onnx
from ripieno_export.likeness import (
    cards,
    encoder_task,
    graph,
    measuring,
    retrieval,
    weighing,
)
from ripieno_export.likeness.graph import EncoderGraph
from ripieno_export.likeness.pieces import JUDGED, TRAINED, Music
from ripieno_export.model_folder import write_manifest
from ripieno_export.preset import Preset
from ripieno_export.publish import FIGURES

GOLDEN_WINDOWS: Final = 2 * graph.BATCH
FLAT: Final = {"similar": "similar", "model": "model", "interval runs": "intervals"}
"""The methods whose recall is in the manifest, and their names there."""


def publish(weights: Path, music: Music, data: Path, models: Path) -> Path:
    """Export, check, judge and write a model folder.

    Args:
        weights: a checkpoint.
        music: what it was trained on and what was held out.
        data: the folder of sources, for a collection of another kind.
        models: where the folder goes.

    Raises:
        ModelError: the graph does not answer as the network does.
    """
    payload = checkpoint.load(weights)
    recipe = Preset(**payload["preset"])
    built = graph.graph_in(weights)
    models.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=models, prefix=".") as place:
        folder = Path(place) / recipe.name
        folder.mkdir()
        to_onnx.export(graph.graph_in, weights, folder / manifests.GRAPH)
        manifest = describe(recipe, built, music, folder)
        write_manifest(folder, manifest)
        loaded = Loaded(folder, "cpu").graphs["model"]
        golden = graph.record(built, torch.from_numpy(_golden_windows(music)))
        parity.save(golden, folder / manifests.GOLDEN)
        embed = Encoder(loaded).embed
        chosen, tried = weighing.weighed(music, retrieval.by_embedding(embed))
        manifest = _with_runs(manifest, chosen, folder)
        runs = stored_runs.load(folder, manifests.load(folder))
        trained = encoder_task.network_of(weights)
        untrained = encoder_task.network(recipe).eval()
        figures = measuring.measure(trained, untrained, loaded, runs, music, data)
        figures |= {
            "runs": {"weight": runs.weight, "mrr_by_weight": tried},
            "parity_largest_difference": graph.check(loaded, golden),
            "bytes": (folder / manifests.GRAPH).stat().st_size,
            "recipe": payload["preset"],
            "progress": payload["progress"],
        }
        manifest = msgspec.structs.replace(manifest, quality=quality(figures))
        write_manifest(folder, manifest)
        evaluate.write(figures, folder / FIGURES)
        text = cards.card(manifest, figures)
        (folder / manifests.CARD).write_text(text, encoding="utf-8")
        shutil.rmtree(models / recipe.name, ignore_errors=True)
        shutil.move(folder, models / recipe.name)
    return models / recipe.name


def describe(
    recipe: Preset, built: EncoderGraph, music: Music, folder: Path
) -> Manifest:
    """The manifest of a model folder that holds its graph; nothing measured yet."""
    examples = built.example_inputs()
    with torch.no_grad():
        results = built(*examples)
    return Manifest(
        name=recipe.name,
        family="encoder",
        interface="likeness",
        roles=(),
        vocabulary="likeness-2",
        fingerprint=likeness.fingerprint(),
        inputs=_tensors(built.input_names, examples),
        outputs=_tensors(built.output_names, results),
        state=(),
        context_events=0,
        parameters=sum(weight.numel() for weight in built.parameters()),
        licence=licences.of(sources(music)),
        sources=sources(music),
        quality={},
        sampling=Sampling(),
        sha256=manifests.digest(folder / manifests.GRAPH),
    )


def sources(music: Music) -> tuple[Source, ...]:
    """What was trained on, with the number of files of each source."""
    counts = [0] * len(music.origins)
    files = zip(music.names, music.origin.tolist(), music.part.tolist(), strict=True)
    for _, origin in {(name, at) for name, at, part in files if part == TRAINED}:
        counts[origin] += 1
    return tuple(
        Source(o.name, o.licence, o.repository, o.commit, count)
        for o, count in zip(music.origins, counts, strict=True)
        if count
    )


def quality(figures: dict[str, Any]) -> dict[str, float]:
    """The figures that go into the manifest, flat."""
    flat = {
        f"{kind}_{name}_recall_at_1": found["tempo told"][method]["at_1"]
        for kind, found in figures["retrieval"].items()
        for method, name in FLAT.items()
    }
    untrained = figures["retrieval"]["whole"]["tempo told"]["untrained"]
    return {
        **flat,
        "whole_untrained_recall_at_1": untrained["at_1"],
        "neighbours_accuracy": figures["neighbours"]["model"]["accuracy"],
        "rebuilt_f1_struck": figures["reconstruction_f1"]["model"]["struck"],
        "rebuilt_f1_sounding": figures["reconstruction_f1"]["model"]["sounding"],
        "cpu_run_ms_p50": figures["run_ms"]["p50"],
    }


def _with_runs(manifest: Manifest, runs: Runs, folder: Path) -> Manifest:
    """The manifest of a folder into which runs were written."""
    path = folder / manifests.RUNS
    np.save(path, runs.rarity.astype(np.float32))
    stored = manifests.Runs(runs.weight, manifests.digest(path))
    manifest = msgspec.structs.replace(manifest, runs=stored)
    write_manifest(folder, manifest)
    return manifest


def _golden_windows(music: Music) -> likeness.Rolls:
    found: list[likeness.Rolls] = []
    for piece in np.flatnonzero(music.part == JUDGED).tolist():
        found.append(likeness.phrases(music.piece(piece))[0][:2])
        if sum(map(len, found)) >= GOLDEN_WINDOWS:
            break
    return np.concatenate(found)[:GOLDEN_WINDOWS]


def _tensors(
    names: tuple[str, ...], tensors: tuple[torch.Tensor, ...]
) -> tuple[Tensor, ...]:
    return tuple(
        Tensor(name, str(tensor.dtype).removeprefix("torch."), tuple(tensor.shape))
        for name, tensor in zip(names, tensors, strict=True)
    )
