"""Checkpoints → `models/duet-gru/`, counts → `models/chord-hmm/`.

Nothing is published that was not checked: graphs are loaded by the daemon's own session
and must answer as torch does, over golden vectors that the daemon's tests replay; they
are judged on held-out songs, and timed. Then the folder is moved to where it is found.
"""

import os
import platform
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch

from ripieno.clock import NS_PER_MS, Clock, SystemClock
from ripieno.errors import ModelError
from ripieno.inference import manifest as manifests
from ripieno.inference.manifest import Manifest, Part, Sampling, Source
from ripieno.inference.session import Graph, Loaded
from ripieno.layouts import duet
from ripieno.music.chords import N_CHORDS, NO_CHORD
from ripieno.rules import harmony as harmonies
from ripieno_export import checkpoint, evaluate, licences, parity, to_onnx
from ripieno_export.checkpoint import BEST
from ripieno_export.duet import cards, course, graphs
from ripieno_export.duet.counting import count
from ripieno_export.duet.course import HARMONY, LABELLED, TEXTURE, Lessons
from ripieno_export.duet.graphs import Step
from ripieno_export.duet.harmony_task import judged
from ripieno_export.duet.texture_task import held_crop, nats
from ripieno_export.model_folder import write_manifest
from ripieno_export.publish import FIGURES

DUET: Final = "duet-gru"
TABLES: Final = "chord-hmm"
VOCABULARY: Final = "duet-2"
STEPS: Final[dict[str, Callable[[Path], Step]]] = {
    "harmony": graphs.harmony_in,
    "texture": graphs.texture_in,
}
GOLDEN_STEPS: Final = 48
CLOSE: Final = 1e-4
TIMED: Final = 2000
CROP: Final = 256


def publish_duet(material: Lessons, run: Path, models: Path) -> Path:
    """Export, check, judge and write `models/duet-gru/`.

    Raises:
        ModelError: a graph does not answer as its network does.
    """
    weights = {"harmony": run / HARMONY / BEST, "texture": run / TEXTURE / BEST}
    with _folder(models, DUET) as folder:
        files = {
            "harmony": folder / "harmony.onnx",
            "texture": folder / manifests.GRAPH,
        }
        steps: dict[str, Step] = {}
        parts: dict[str, Part] = {}
        for kind, path in weights.items():
            to_onnx.export(STEPS[kind], path, files[kind])
            steps[kind] = STEPS[kind](path)
            parts[kind] = graphs.part_of(steps[kind], files[kind])
        write_manifest(folder, _duet_manifest(material, steps, parts, {}))
        loaded = Loaded(folder, "cpu").graphs
        figures = _measure(material, steps, loaded)
        golden = {
            f"{kind}/{name}": array
            for kind, graph in (("harmony", "harmony"), ("texture", "model"))
            for name, array in _golden(steps[kind], loaded[graph], figures).items()
        }
        parity.save(golden, folder / manifests.GOLDEN)
        figures["bytes"] = sum(file.stat().st_size for file in files.values())
        figures["recipes"] = {
            kind: checkpoint.load(path)["preset"] for kind, path in weights.items()
        }
        figures["progress"] = {
            kind: checkpoint.load(path)["progress"] for kind, path in weights.items()
        }
        manifest = _duet_manifest(material, steps, parts, _quality(figures))
        _finish(folder, manifest, figures, cards.duet(manifest, figures))
    return models / DUET


def publish_tables(material: Lessons, models: Path) -> Path:
    """Count and write `models/chord-hmm/`; seconds."""
    songs = [
        song
        for song in material.songs
        if song.part == "train" and song.origin.name in LABELLED
    ]
    tables = count(songs)
    with _folder(models, TABLES) as folder:
        arrays = {
            name: np.asarray(getattr(tables, name))
            for name in harmonies.Tables.__struct_fields__
        }
        parity.save(arrays, folder / manifests.TABLES)
        manifest = Manifest(
            name=TABLES,
            family="hmm",
            interface="tables",
            roles=("accompany",),
            vocabulary=VOCABULARY,
            fingerprint=duet.fingerprint(),
            inputs=(),
            outputs=(),
            state=(),
            context_events=0,
            parameters=sum(array.size for array in arrays.values()),
            licence=licences.of(_sources(material, LABELLED)),
            sources=_sources(material, LABELLED),
            quality={"songs": float(len(songs))},
            sampling=Sampling(),
            sha256=manifests.digest(folder / manifests.TABLES),
        )
        _finish(folder, manifest, {"songs": len(songs)}, cards.tables(manifest))
    return models / TABLES


# ── measuring ─────────────────────────────────────────────────────────────────────


def _measure(
    material: Lessons, steps: dict[str, Step], loaded: dict[str, Graph]
) -> dict[str, Any]:
    """Held-out likelihood by staleness, of texture, and the time of each step."""
    held_out = material.part("valid", LABELLED)
    crops = [held_crop(row, CROP) for row in course.tokens(material.songs, "valid")]
    with torch.no_grad():
        harmony = {
            str(age): round(judged(steps["harmony"].network, held_out, age), 4)
            for age in duet.STALENESS
        }
        token, length = nats(steps["texture"].network, crops).tolist()
    return {
        "held_out_songs": len(held_out),
        "held_out_pianos": len(crops),
        "chord_nats_by_staleness": harmony,
        "texture_nats": {"token": round(token, 4), "length": round(length, 4)},
        "machine": machine(),
        "step_ms": {
            "harmony": step_ms(loaded["harmony"]),
            "texture": step_ms(loaded["model"]),
        },
    }


def machine() -> str:
    """Where steps are timed: a thread of this machine's processor."""
    cpus = Path("/proc/cpuinfo")
    lines = cpus.read_text("utf-8").splitlines() if cpus.is_file() else []
    names = [line.partition(":")[2] for line in lines if line.startswith("model name")]
    name = names[0].replace("(R)", "").strip() if names else platform.processor()
    return f"one thread of a machine with {os.cpu_count()} cores ({name})"


def step_ms(graph: Graph, clock: Clock | None = None) -> dict[str, float]:
    """How long a run takes, in ms: the median and the 99th of a hundred."""
    clock = clock or SystemClock()
    graph.warm_up()
    taken = []
    for _ in range(TIMED):
        before_ns = clock.now_ns()
        graph.run()
        taken.append((clock.now_ns() - before_ns) / NS_PER_MS)
    graph.reset()
    p50, p99 = np.percentile(taken, (50, 99))
    return {"p50": round(float(p50), 3), "p99": round(float(p99), 3)}


def _golden(step: Step, graph: Graph, figures: dict[str, Any]) -> dict[str, Any]:
    """Inputs and torch's outputs over some steps; the graph has to agree.

    Raises:
        ModelError: it does not.
    """
    chance = torch.Generator().manual_seed(1)
    rows: dict[str, list[Any]] = {}
    state = step.states()[0]
    graph.reset()
    worst = 0.0
    for _ in range(GOLDEN_STEPS):
        put = _random_inputs(step, chance, state)
        with torch.no_grad():
            results = dict(zip(step.output_names, step(*put.values()), strict=True))
        state = results["next_state"]
        for name, tensor in put.items():
            if name != "state":
                graph.put[name][...] = tensor.numpy()
                rows.setdefault(f"in/{name}", []).append(tensor.numpy())
        graph.run()
        for name, tensor in results.items():
            expected = tensor.numpy()
            rows.setdefault(f"out/{name}", []).append(expected)
            worst = max(worst, float(np.abs(graph.out[name] - expected).max()))
    graph.reset()
    if worst > CLOSE:
        raise ModelError(f"The exported graph differs from torch by {worst:.2g}.")
    figures["parity_largest_difference"] = max(
        worst, figures.get("parity_largest_difference", 0.0)
    )
    return {name: np.stack(arrays) for name, arrays in rows.items()}


def _random_inputs(
    step: Step, chance: torch.Generator, state: torch.Tensor
) -> dict[str, torch.Tensor]:
    """Inputs of the right kinds: any will do to compare two computations."""
    drawn: dict[str, torch.Tensor] = {}
    for name, example in zip(step.input_names, step.example_inputs(), strict=True):
        if name == "state":
            drawn[name] = state
        elif name == "token":
            drawn[name] = torch.randint(0, duet.TOKENS, (1,), generator=chance)
        elif name == "length":
            drawn[name] = torch.randint(0, len(duet.LENGTHS), (1,), generator=chance)
        elif name == "before":
            drawn[name] = torch.randint(NO_CHORD, N_CHORDS, (1,), generator=chance)
        elif name == "lasted":
            drawn[name] = torch.randint(0, duet.LASTED + 1, (1,), generator=chance)
        elif example.dtype == torch.bool:
            drawn[name] = torch.rand(example.shape, generator=chance) < 0.8
            drawn[name][:, duet.NEXT] = True
        else:
            drawn[name] = torch.rand(example.shape, generator=chance)
    return drawn


# ── writing ───────────────────────────────────────────────────────────────────────


@contextmanager
def _folder(models: Path, name: str) -> Iterator[Path]:
    """A folder beside its place; moved there when all went well."""
    models.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=models, prefix=".") as place:
        folder = Path(place) / name
        folder.mkdir()
        yield folder
        shutil.rmtree(models / name, ignore_errors=True)
        shutil.move(folder, models / name)


def _duet_manifest(
    material: Lessons,
    steps: dict[str, Step],
    parts: dict[str, Part],
    quality: dict[str, float],
) -> Manifest:
    texture = parts["texture"]
    return Manifest(
        name=DUET,
        family="gru",
        interface="duet",
        roles=("accompany",),
        vocabulary=VOCABULARY,
        fingerprint=duet.fingerprint(),
        inputs=texture.inputs,
        outputs=texture.outputs,
        state=texture.state,
        context_events=0,
        parameters=sum(
            weight.numel()
            for step in steps.values()
            for weight in step.network.parameters()
        ),
        licence=licences.of(_sources(material, None)),
        sources=_sources(material, None),
        quality=quality,
        sampling=Sampling(),
        sha256=texture.sha256,
        more={"harmony": parts["harmony"]},
    )


def _sources(material: Lessons, names: frozenset[str] | None) -> tuple[Source, ...]:
    """What was learned from, with the number of training songs of each source."""
    origins = {song.origin.name: song.origin for song in material.songs}
    counts = {
        name: sum(s.part == "train" and s.origin.name == name for s in material.songs)
        for name in origins
    }
    return tuple(
        Source(o.name, o.licence, o.repository, o.commit, counts[o.name])
        for o in origins.values()
        if names is None or o.name in names
    )


def _quality(figures: dict[str, Any]) -> dict[str, float]:
    """The figures that go into the manifest, flat."""
    chords = figures["chord_nats_by_staleness"]
    return {
        **{f"chord_nats_staleness_{age}": value for age, value in chords.items()},
        "texture_nats_token": figures["texture_nats"]["token"],
        "texture_nats_length": figures["texture_nats"]["length"],
        "cpu_harmony_step_ms_p50": figures["step_ms"]["harmony"]["p50"],
        "cpu_texture_step_ms_p50": figures["step_ms"]["texture"]["p50"],
    }


def _finish(
    folder: Path, manifest: Manifest, figures: dict[str, Any], card: str
) -> None:
    write_manifest(folder, manifest)
    evaluate.write(figures, folder / FIGURES)
    (folder / manifests.CARD).write_text(card, encoding="utf-8")
