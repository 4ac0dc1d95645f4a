"""A published model is tuned on a player's files, end to end, at a tiny size."""

import json
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("onnxscript")
pytest.importorskip("symusic")

import torch
from tests.export import strangers

from ripieno.errors import ModelError
from ripieno.inference import manifest as manifests
from ripieno.inference.session import Loaded
from ripieno_export import (
    checkpoint,
    dataset,
    event_task,
    finetune,
    finetune_command,
    packing,
    parity,
    preset,
    publish,
    weights,
)
from ripieno_export.cli import main
from ripieno_export.packed import Packed
from ripieno_export.preset import Preset

pytestmark = pytest.mark.torch

SECRET = "a secret name"
SHIPPED = Path(__file__).parents[2] / "models" / "event-gru"


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Packed:
    place = tmp_path_factory.mktemp("known") / "corpus"
    return packing.pack(strangers.pieces(30, 200), place)


@pytest.fixture(scope="module")
def base(corpus: Packed, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A published model that has learned nothing."""
    place = tmp_path_factory.mktemp("base")
    recipe = Preset(name="tiny", hidden=16, events=32, matmul="highest")
    payload = {
        "preset": recipe.as_dict(),
        "model": event_task.network(recipe).state_dict(),
        "progress": {"step": 0, "best": 14.5, "best_step": 0},
    }
    checkpoint.save(place / "best.pt", payload)
    events = dataset.held_out_batches(corpus, 16, 1, size=1)[0].events[0]
    return publish.publish(
        place / "best.pt",
        corpus,
        place / "models",
        crops=1,
        baseline_crops=1,
        golden_events=events,  # few: an untrained model's choices are all near ties
    )


@pytest.fixture(scope="module")
def player(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("player")
    for seed in range(6):
        (folder / f"{SECRET} {seed}.mid").write_bytes(strangers.midi(seed, 150))
    (folder / f"{SECRET}.wav").write_bytes(b"RIFF")
    return folder


@pytest.fixture(scope="module")
def mine(base: Path, player: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("tuned") / "mine"
    given = ["finetune", str(player), "--from", str(base), "-o", str(out)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(finetune_command, "PROMPTS", 1)  # such models play like mad
        patch.setattr(finetune, "JUDGED_CROPS", 8)
        assert main([*given, "--steps", "20", "--learning-rate", "0.02"]) == 0
    return out


@pytest.mark.slow
def test_a_tuned_model_loads_like_any_other(mine: Path) -> None:
    session = Loaded(mine, "cpu")
    assert session.manifest.name == "mine"
    assert parity.check(session, parity.load(mine / manifests.GOLDEN)) < 1e-4


@pytest.mark.slow
def test_tuning_lowers_the_loss_on_the_players_music(mine: Path) -> None:
    tuned = json.loads((mine / publish.FIGURES).read_text())["tuned"]
    before, after = tuned["player"]
    assert sum(after) < sum(before) - 0.5
    assert tuned["best_step"] > 0
    assert tuned["general"] is None
    assert tuned["mixed"] == 0


@pytest.mark.slow
def test_the_card_counts_the_files_and_measures_both_ways(mine: Path) -> None:
    card = (mine / manifests.CARD).read_text()
    assert "tuned on 6 files of one player" in card
    for part in ("Has it learned the player?", "player, after", "Or copied them?"):
        assert part in card
    originality = json.loads((mine / publish.FIGURES).read_text())["tuned"]
    assert set(originality["originality"]) == {"mine", "tiny", "the player, held out"}


@pytest.mark.slow
def test_nothing_of_the_players_music_is_published(mine: Path, base: Path) -> None:
    for path in mine.iterdir():
        assert SECRET.encode() not in path.read_bytes()
    own, known = (parity.load(f / manifests.GOLDEN) for f in (mine, base))
    assert (own["event"] == known["event"]).all()


@pytest.mark.slow
def test_the_sources_of_the_base_stay_and_the_player_is_added(
    mine: Path, base: Path
) -> None:
    sources = manifests.load(mine).sources
    assert sources[:-1] == manifests.load(base).sources
    assert (sources[-1].licence, sources[-1].pieces) == (finetune.OWN, 6)
    assert (
        manifests.load(mine).licence == "Apache-2.0"
    )  # the player's is theirs to give


@pytest.mark.parametrize(
    ("licence", "wanted"),
    [("", "Apache-2.0"), ("GNU GENERAL PUBLIC LICENSE\nVersion 3", "GPL-3.0-only")],
)
def test_a_tuned_models_licence_follows_from_the_players_files(
    licence: str, wanted: str, tmp_path: Path
) -> None:
    for seed in range(4):
        (tmp_path / f"{seed}.mid").write_bytes(strangers.midi(seed, 150))
    if licence:
        (tmp_path / "LICENSE").write_text(licence)
    music = finetune.players_music(tmp_path, tmp_path / "packed", 0.2)
    assert finetune_command._licence(SHIPPED, music, None) == wanted


def test_music_whose_licence_forbids_tuning_is_refused_before_training(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    songs = tmp_path / "songs"
    songs.mkdir()
    for seed in range(4):
        (songs / f"{seed}.mid").write_bytes(strangers.midi(seed, 150))
    (songs / "LICENSE").write_text("Attribution-NonCommercial 4.0 International")
    out = tmp_path / "mine"
    assert main(["finetune", str(songs), "--from", str(SHIPPED), "-o", str(out)]) == 2
    said = capsys.readouterr()
    assert "songs may not be published" in said.err
    assert "held-out" not in said.out
    assert not out.exists()


@pytest.mark.slow
def test_a_tuned_model_can_be_tuned_again(mine: Path) -> None:
    payload = weights.read(mine)
    assert payload["preset"]["name"] == "mine"
    assert payload["preset"]["hidden"] == 16


@pytest.mark.slow
def test_published_weights_come_back_in_half_precision(base: Path) -> None:
    payload = weights.read(base)
    network = event_task.network(Preset(**payload["preset"]))
    for name, weight in network.state_dict().items():
        assert torch.allclose(payload["model"][name], weight, atol=2e-3), name


@pytest.mark.slow
def test_weights_of_another_graph_are_refused(base: Path, tmp_path: Path) -> None:
    import shutil

    folder = Path(shutil.copytree(base, tmp_path / "tiny"))
    with np.load(folder / weights.WEIGHTS) as file:
        arrays = {name: file[name] for name in file.files}
    about = json.loads(str(arrays.pop("about")))
    text = json.dumps(about | {"graph": "0" * 64})
    np.savez(folder / weights.WEIGHTS, **arrays, about=text)
    with pytest.raises(ModelError, match="belongs to another graph"):
        weights.read(folder)
    (folder / weights.WEIGHTS).unlink()
    with pytest.raises(ModelError, match="publish it again"):
        weights.read(folder)


@pytest.mark.slow
def test_old_music_is_mixed_into_every_step(
    base: Path, corpus: Packed, tmp_path: Path
) -> None:
    payload = weights.read(base)
    recipe = finetune.recipe_of(
        payload["preset"], preset.load("finetune").with_(valid_crops=2), "x"
    )
    few = packing.pack(strangers.pieces(9, 100), tmp_path / "c", held_out_share=0.3)
    network = finetune.network_of(payload, recipe)
    alone, mixed = (
        finetune.TuningTask(recipe, network, few, general) for general in (None, corpus)
    )
    assert (alone.mixed, mixed.mixed) == (0.0, 0.25)
    assert alone.losses(0).shape == mixed.losses(0).shape == (4,)
    assert not torch.equal(alone.losses(0), mixed.losses(0))


@pytest.mark.slow
def test_tuning_without_improvement_keeps_the_base_weights(
    base: Path, tmp_path: Path
) -> None:
    payload = weights.read(base)
    ruinous = preset.load("finetune").with_(
        steps=40, learning_rate=30.0, valid_crops=4, valid_every=5, patience=2
    )
    recipe = finetune.recipe_of(payload["preset"], ruinous, "x")
    few = packing.pack(strangers.pieces(9, 100), tmp_path / "c", held_out_share=0.3)
    task = finetune.TuningTask(recipe, finetune.network_of(payload, recipe), few, None)
    steps, best = finetune.tune(task, recipe, tmp_path / "run")
    assert best == 0
    assert steps == 10  # patience: two judgements that were no better
    kept = event_task.network_of(tmp_path / "run" / "best.pt").state_dict()
    for name, weight in payload["model"].items():
        assert torch.equal(kept[name], weight), name


@pytest.mark.slow
def test_tuning_on_two_tunes_is_refused(
    base: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "in").mkdir()
    for seed in (1, 2):
        (tmp_path / "in" / f"{seed}.mid").write_bytes(strangers.midi(seed))
    given = ["finetune", str(tmp_path / "in"), "--from", str(base)]
    assert main([*given, "-o", str(tmp_path / "mine")]) == 3
    assert "2 tunes to tune on; 3 are the least" in capsys.readouterr().err
    assert not (tmp_path / "mine").exists()


@pytest.mark.slow
def test_a_model_is_never_tuned_over_itself_or_over_something_else(
    base: Path, player: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = ["finetune", str(player), "--from", str(base), "-o"]
    assert main([*given, str(base)]) == 2
    assert "is the model to tune" in capsys.readouterr().err
    assert main([*given, str(player)]) == 3
    assert "is no model" in capsys.readouterr().err


def test_a_transformer_is_tuned_in_the_same_way(tmp_path: Path) -> None:
    shape = Preset(name="t", family="transformer", hidden=64, layers=1, events=32)
    payload = {
        "preset": shape.as_dict(),
        "model": event_task.network(shape).state_dict(),
    }
    chosen = preset.load("finetune").with_(
        steps=6, warmup=1, learning_rate=1e-2, valid_crops=4, valid_every=3
    )
    recipe = finetune.recipe_of(payload["preset"], chosen, "mine")
    few = packing.pack(strangers.pieces(9, 100), tmp_path / "c", held_out_share=0.3)
    network = finetune.network_of(payload, recipe)
    task = finetune.TuningTask(recipe, network, few, None)
    steps, best = finetune.tune(task, recipe, tmp_path / "run")
    assert (steps, best) == (6, 6)
    assert event_task.network_of(tmp_path / "run" / "best.pt")
