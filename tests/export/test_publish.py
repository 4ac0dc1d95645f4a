import dataclasses
import json
import shutil
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("onnxscript")
pytest.importorskip("symusic")

import torch
from tests.export import strangers

from ripieno.errors import ModelError, SettingsError
from ripieno.inference import manifest as manifests
from ripieno.inference.session import Loaded
from ripieno_export import (
    baselines,
    checkpoint,
    dataset,
    event_task,
    originality,
    packing,
    parity,
    publish,
)
from ripieno_export.card import copying
from ripieno_export.dataset import Packed
from ripieno_export.model_folder import write_manifest
from ripieno_export.preset import Preset
from ripieno_export.sources import Origin

pytestmark = pytest.mark.torch

MODELS = Path(__file__).parents[2] / "models"


@pytest.fixture(scope="module")
def packed(data: Path) -> Packed:
    return dataset.pack(data)


@pytest.fixture(
    scope="module", params=["gru", pytest.param("lstm", marks=pytest.mark.slow)]
)
def folder(
    request: pytest.FixtureRequest,
    packed: Packed,
    tmp_path_factory: pytest.TempPathFactory,
) -> Path:
    place = tmp_path_factory.mktemp(request.param)
    recipe = Preset(
        name=f"tiny-{request.param}", family=request.param, hidden=16, layers=2
    )
    network = event_task.network(recipe)
    with torch.no_grad():
        for weights in network.out.parameters():
            weights.mul_(20)  # few near ties, so golden vectors are found at once
    payload = {
        "preset": recipe.as_dict(),
        "model": network.state_dict(),
        "progress": {"step": 0, "best": 14.5, "best_step": 0},
    }
    checkpoint.save(place / "best.pt", payload)
    return publish.publish(
        place / "best.pt", packed, place / "models", crops=4, baseline_crops=8
    )


def test_the_graph_replays_its_golden_vectors(folder: Path) -> None:
    golden = parity.load(folder / "golden.npz")
    assert len(golden["event"]) >= 64
    assert parity.check(Loaded(folder, "cpu"), golden) < 1e-4


def test_golden_vectors_that_differ_are_refused(folder: Path) -> None:
    golden = parity.load(folder / "golden.npz")
    golden["logits_key"] = golden["logits_key"].astype(np.float32) + np.float32(0.01)
    with pytest.raises(ModelError, match="export it again"):
        parity.check(Loaded(folder, "cpu"), golden)


def test_the_manifest_names_the_music_and_the_figures(folder: Path) -> None:
    manifest = Loaded(folder, "cpu").manifest
    assert {s.name for s in manifest.sources} >= {"pop909", "giantmidi_sample"}
    assert all(s.commit.startswith("0123") for s in manifest.sources)
    assert manifest.quality["model_nats_total"] > 0
    assert manifest.state[0][1] == f"next_{manifest.state[0][0]}"


def test_the_graph_predicts_what_the_network_does(folder: Path) -> None:
    figures = json.loads((folder / "figures.json").read_text())
    assert figures["session"]["largest_difference"] < 1e-3
    assert set(figures["nats"]) == {"model", "unigram", "markov"}


def test_the_card_states_figures_sources_and_the_caveat(folder: Path) -> None:
    card = (folder / "README.md").read_text()
    for part in ("Markov", "unigram", "GiantMIDI", "third-party composers", "make"):
        assert part in card


def test_the_card_says_that_figures_are_of_music_that_chose_the_weights(
    folder: Path,
) -> None:
    figures = json.loads((folder / "figures.json").read_text())
    card = " ".join((folder / "README.md").read_text().split())
    assert f"{figures['crops']} among them: the figures are a little optimistic" in card


def test_weights_of_copyleft_music_have_its_licence_and_no_other_credits(
    folder: Path, packed: Packed, tmp_path: Path
) -> None:
    gpl = Origin("tunes", "GPLv3", "https://example.org/tunes", "0123")
    theirs = dataclasses.replace(packed, origins=(gpl,) * len(packed.origins))
    made = tmp_path / folder.name
    shutil.copytree(folder, made)
    weights = folder.parents[1] / "best.pt"
    recipe, network = checkpoint.load(weights)["preset"], event_task.network_of(weights)
    write_manifest(made, publish.describe(recipe, network, theirs, {}, made))
    publish.rewrite(made, json.loads((made / "figures.json").read_text()))
    assert manifests.load(made).licence == "GPL-3.0-only"
    card = (made / "README.md").read_text()
    assert "The weights are under GPL-3.0-only." in card
    for foreign in ("Apache", "Chopin Institute", "five and a half hours"):
        assert foreign not in card


def test_weights_of_music_that_forbids_publication_are_not_published(
    packed: Packed, tmp_path: Path
) -> None:
    closed = Origin("songs", "CC BY-NC 4.0", "https://example.org", "0123")
    theirs = dataclasses.replace(packed, origins=(closed,) * len(packed.origins))
    with pytest.raises(SettingsError, match="songs may not be published"):
        publish.publish(tmp_path / "best.pt", theirs, tmp_path / "models")
    assert not list(tmp_path.iterdir())


def test_a_card_without_counted_copies_says_how_to_count_them(folder: Path) -> None:
    card = (folder / "README.md").read_text()
    assert f"    ripieno-export originality {folder.name} --data DIR" in card


def test_the_transformer_is_published_with_warmer_keys() -> None:
    assert publish.sampling_of("gru") == publish.sampling_of("lstm") == publish.SAMPLING
    warm = publish.sampling_of("transformer")
    assert warm.temperature[2] > publish.SAMPLING.temperature[2]
    assert warm.top_p[2] > publish.SAMPLING.top_p[2]


@pytest.mark.parametrize("name", ["event-gru", "event-transformer"])
def test_a_shipped_model_has_its_familys_sampling_and_counted_copies(
    name: str,
) -> None:
    """So `make` would publish it as it is; and nobody need take its card's word."""
    folder = MODELS / name
    manifest = manifests.load(folder)
    assert manifest.sampling == publish.sampling_of(manifest.family)
    figures = json.loads((folder / "figures.json").read_text())
    draws = figures["originality"]["draws"]
    assert set(draws) == {str(seed) for seed in originality.SEEDS}
    for systems in draws.values():
        assert systems[name]["copies"] <= systems["human"]["copies"]
        assert systems[name]["timed_copies"] <= systems["human"]["timed_copies"]


def test_a_folder_is_rewritten_from_its_figures(folder: Path, tmp_path: Path) -> None:
    again = tmp_path / folder.name
    shutil.copytree(folder, again)
    figures = json.loads((again / "figures.json").read_text())
    publish.rewrite(again, figures)
    for file in sorted(folder.iterdir()):
        assert (again / file.name).read_bytes() == file.read_bytes(), file.name
    figures["step_ms"]["p50"] = 0.001
    publish.rewrite(again, figures)
    assert manifests.load(again).quality["cpu_step_ms_p50"] == 0.001
    assert "0.001 ms at the median" in (again / "README.md").read_text()


def test_the_card_lists_the_copies_of_every_seed(folder: Path, tmp_path: Path) -> None:
    music = packing.pack(strangers.pieces(20), tmp_path / "c", held_out_share=0.2)
    again = tmp_path / folder.name
    shutil.copytree(folder, again)
    publish.count_copies(again, music, 4)
    figures = json.loads((again / "figures.json").read_text())
    assert figures["originality"]["prompts"] == 4
    for seed, systems in figures["originality"]["draws"].items():
        assert set(systems) == {folder.name, "human"}
        systems["human"].update(continuations=4, copies=0.0032)
        assert f"| human | {seed} | 4 | 0.32% |" in copying(folder.name, figures)


def test_a_markov_chain_learns_alternating_events() -> None:
    events = np.zeros((8, 65, 4), np.int64)
    events[:, 1::2, 2] = 60
    batch = dataset.Batch(events, np.ones((8, 64), np.bool_), np.zeros(8, np.int64))
    found = baselines.fit([batch], [batch])
    assert found["markov"]["key"].nats.mean() < 0.05
    assert found["unigram"]["key"].nats.mean() == pytest.approx(np.log(2), abs=0.02)
