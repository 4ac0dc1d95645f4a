"""The harmonizer's music, its training and its published folder."""

import json
from pathlib import Path

import mido
import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("onnxscript")
pytest.importorskip("symusic")

import torch
from tests.export import resuming
from tests.export.harmonizer.walks import rows
from tests.export.tiny import ORIGIN, bytes_of, source

from ripieno.errors import FileError, ModelError, SettingsError
from ripieno.inference.session import Loaded
from ripieno.layouts.voices import NOBODY
from ripieno.minds.harmonizer import Harmonizer, Manner
from ripieno_export import parity as goldens
from ripieno_export import preset, train
from ripieno_export.checkpoint import BEST
from ripieno_export.harmonizer import (
    chorales,
    crops,
    evaluate,
    families,
    leading,
    parity,
    publish,
    rules,
)
from ripieno_export.harmonizer.chorales import Chorale
from ripieno_export.harmonizer.leading import Harmony
from ripieno_export.harmonizer.recipe import Options
from ripieno_export.harmonizer.task import VoicesTask
from ripieno_export.preset import Preset
from ripieno_export.tokenize import Ints

pytestmark = pytest.mark.torch


def midi(chords: Ints) -> bytes:
    file = mido.MidiFile(ticks_per_beat=480)
    for voice in chords.T.tolist():
        track = mido.MidiTrack()
        for pitch in voice:
            track.append(mido.Message("note_on", note=pitch, velocity=64))
            track.append(mido.Message("note_off", note=pitch, time=480))
        file.tracks.append(track)
    return bytes_of(file)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Every source of chorales, a few pieces each."""
    root = tmp_path_factory.mktemp("chorales")
    for number, (path, _, _) in enumerate(chorales.SOURCES):
        pieces = [rows(100 * number + n) for n in range(6)]
        if path.endswith("/jsb_chorales"):
            source(root, path, {}, [])
            rolls = {"train": [np.repeat(p, 4, 0).tolist() for p in pieces]}
            (root / path / chorales.MERGED).write_text(json.dumps(rolls))
            continue
        files = {f"{n}.mid": midi(piece) for n, piece in enumerate(pieces)}
        matches = [["train", 0], *[None] * 5]
        index = [
            {"file": name, "jsb_match": match}
            for name, match in zip(files, matches, strict=True)
        ]
        source(root, path, files, index)
    return root


@pytest.fixture(scope="module")
def pieces(data: Path) -> list[Chorale]:
    return chorales.read(data)


@pytest.fixture(scope="module")
def tiny() -> Preset:
    return preset.load("chorale-gru").with_(
        hidden=16,
        batch=4,
        events=16,
        steps=4,
        warmup=1,
        save_every=3,
        valid_every=4,
        own_after=2,
    )


@pytest.fixture
def many_held_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a handful of pieces, some have to be held out."""
    monkeypatch.setattr(families, "HELD_OUT", 0.4)


@pytest.fixture(scope="module")
def folder(
    pieces: list[Chorale], tiny: Preset, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """A model folder, trained for four steps."""
    place = tmp_path_factory.mktemp("harmonizer")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(families, "HELD_OUT", 0.4)
        train.train(VoicesTask(tiny, pieces), tiny, place / "run")
        return publish.publish(place / "run" / BEST, pieces, place / "models")


# ── the music ────────────────────────────────────────────────────────────────────────


def test_every_onset_of_the_soprano_is_a_row_with_the_voices_below(
    pieces: list[Chorale],
) -> None:
    piece = next(p for p in pieces if p.origin.name == "bach_chorales_music21")
    np.testing.assert_array_equal(piece.melody, rows(0)[:, 0])
    np.testing.assert_array_equal(piece.voices, rows(0)[:, :0:-1])
    np.testing.assert_allclose(piece.gaps[1:], 1.0, rtol=1e-4)


def test_a_chorale_of_which_an_edition_is_there_is_read_once(
    pieces: list[Chorale],
) -> None:
    rolls = [p.file for p in pieces if p.origin.name == "jsb_chorales"]
    assert rolls
    assert "train 0" not in rolls


def test_a_missing_source_says_which_folder_to_name(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="--data names the folder"):
        chorales.read(tmp_path)


def test_editions_of_one_tune_are_one_family_in_any_key(
    pieces: list[Chorale],
) -> None:
    first = pieces[0]
    higher = Chorale(ORIGIN, "other", 1, first.melody + 3, first.gaps, first.voices + 3)
    heads = families.families([*pieces, higher])
    assert heads[-1] == 0
    assert len(set(heads)) > 10


def test_no_held_out_tune_was_learned(pieces: list[Chorale]) -> None:
    train_, held_out = families.split(pieces)
    assert len(train_) + len(held_out) == len(pieces)
    learned = set().union(*(families.grams(p) for p in train_))
    for piece in held_out:
        own = families.grams(piece)
        assert len(own & learned) <= families.SHARED * len(own)


def test_a_batch_is_the_same_for_the_same_step(pieces: list[Chorale]) -> None:
    source = crops.Crops(pieces, 16, motets=0.5, corrupted=0.5)
    one, same, other = (source.batch(1, step, 8) for step in (5, 5, 6))
    np.testing.assert_array_equal(one.before, same.before)
    assert not np.array_equal(one.melody, other.melody)


def test_a_false_history_keeps_the_right_answer(pieces: list[Chorale]) -> None:
    batch = crops.collated([crops.crop(p, 0, 32) for p in pieces[:8]])
    false = crops.falsified(batch, 0.5, np.random.default_rng(0))
    changed = (false.before != batch.before).any(-1).mean()
    assert 0.3 < changed < 0.5
    np.testing.assert_array_equal(false.voices, batch.voices)


def test_an_unknown_option_of_a_recipe_is_named() -> None:
    recipe = preset.load("chorale-gru")
    assert recipe.options_as(Options).own_after == 250
    with pytest.raises(SettingsError, match=r"chorale-gru.*own"):
        recipe.with_(own=1.5).options_as(Options)
    with pytest.raises(SettingsError, match=r"unknown.*organ"):
        recipe.with_(organ=1.0).options_as(Options)


# ── training ─────────────────────────────────────────────────────────────────────────


@pytest.mark.usefixtures("many_held_out")
def test_a_resumed_run_ends_as_one_that_was_never_interrupted(
    pieces: list[Chorale], tiny: Preset, tmp_path: Path
) -> None:
    resuming.assert_it_ends_the_same(
        lambda: VoicesTask(tiny, pieces), tiny, tmp_path, at=3
    )


@pytest.mark.usefixtures("many_held_out")
def test_two_halves_of_a_batch_are_the_batch(
    pieces: list[Chorale], tiny: Preset
) -> None:
    sure = tiny.with_(dropout=0.0, events=8, motets=0.0)
    task = VoicesTask(sure, pieces)
    found = []
    for task.share in ((0, 1), (0, 2), (1, 2)):
        torch.manual_seed(3)
        with torch.no_grad():
            found.append(task.losses(step=2))
    torch.testing.assert_close(found[0], (found[1] + found[2]) / 2)


# ── judging ──────────────────────────────────────────────────────────────────────────


def test_two_chords_in_parallel_fifths_are_counted() -> None:
    melody = np.array([72, 74])
    fifths = np.array([[48, 55, 64], [50, 57, 65]])
    found = leading.figures([Harmony(melody, fifths)])
    assert found["parallels"] == 200.0  # C-G to D-A below, C-C to D-D outside
    assert found["chords"] == 1.0
    assert found["crossings"] == 0.0


def test_the_rules_harmonize_in_the_key(pieces: list[Chorale]) -> None:
    melody = pieces[0].melody
    for voices in (rules.nearest_triads(melody), rules.in_parallel(melody, "thirds")):
        sung = voices[voices != NOBODY] % 12
        assert set(sung.tolist()) <= rules.scale_of(melody)


# ── the published folder ─────────────────────────────────────────────────────────────


@pytest.mark.slow
def test_the_graph_replays_its_golden_vectors(folder: Path) -> None:
    golden = goldens.load(folder / "golden.npz")
    assert len(golden["melody"]) >= 32
    graph = Loaded(folder, "cpu").graphs["model"]
    assert parity.check(graph, golden) < 1e-4
    golden["logits"] = golden["logits"].astype(np.float32) + np.float32(0.01)
    with pytest.raises(ModelError, match="export it again"):
        parity.check(graph, golden)


@pytest.mark.slow
def test_the_manifest_names_every_input_and_the_music(folder: Path) -> None:
    told = json.loads((folder / "manifest.json").read_text())
    graph = Loaded(folder, "cpu").graphs["model"]
    assert {t["name"]: t["shape"] for t in told["inputs"]} == {
        name: list(array.shape) for name, array in graph.put.items()
    }
    assert {t["name"]: t["shape"] for t in told["outputs"]} == {
        name: list(array.shape) for name, array in graph.out.items()
    }
    assert told["interface"] == "voices"
    assert {s["name"] for s in told["sources"]} >= {"openhymnal", "polish_satb"}


@pytest.mark.slow
def test_the_card_states_the_figures_and_the_sources(folder: Path) -> None:
    card = (folder / "README.md").read_text()
    for part in ("fauxbourdon", "parallels", "polish_satb", "make", "Limits"):
        assert part in card


@pytest.mark.slow
def test_the_mind_with_the_published_graph_keeps_every_rule(
    folder: Path, pieces: list[Chorale]
) -> None:
    graph = Loaded(folder, "cpu").graphs["model"]
    mind = Harmonizer(graph, Manner(temperature=(1.5, 1.5, 1.5), strictness=50.0))
    melody = pieces[0].melody
    voices = evaluate.performed(mind, melody, np.full(len(melody), 0.5))
    found = leading.figures([Harmony(melody, voices)])
    assert found["crossings"] == found["out_of_range"] == 0.0
    mind = Harmonizer(graph, Manner(temperature=(1.5, 1.5, 1.5), strictness=50.0))
    again = evaluate.performed(mind, melody, np.full(len(melody), 0.5))
    np.testing.assert_array_equal(voices, again)
