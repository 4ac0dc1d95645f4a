"""The phrase encoder: its music, its pairs, a tiny training, what it is judged by."""

import json
from dataclasses import replace
from pathlib import Path

import mido
import numpy as np
import pytest
from tests.export import tiny

pytest.importorskip("torch")
pytest.importorskip("onnxscript")
pytest.importorskip("symusic")

import torch

from ripieno.errors import FileError, ModelError, SettingsError
from ripieno.inference import manifest as manifests
from ripieno.inference.session import Loaded
from ripieno.layouts.likeness import RUNS, SHAPE, phrases, runs
from ripieno.similarity import runs as stored_runs
from ripieno.similarity.embeddings import Encoder, compare
from ripieno.similarity.runs import Runs
from ripieno_export import preset, train
from ripieno_export.checkpoint import BEST
from ripieno_export.likeness import (
    encoder_task,
    features,
    graph,
    halves,
    pairs,
    pieces,
    publish,
    reconstruction,
    retrieval,
    weighing,
)
from ripieno_export.likeness.linear import Linear
from ripieno_export.likeness.pieces import CHOOSING, JUDGED, SOURCES, TRAINED

TINY = preset.load("phrase-encoder").with_(
    hidden=16,
    batch=8,
    steps=4,
    warmup=1,
    valid_every=2,
    save_every=2,
    width=4,
    detail=8,
)
TRACKS = {"song": 3, "pop": ("MELODY", "PIANO"), "choir": 4, "quartet": 4}


def midi(tracks, seed):
    """Forty-eight beats: each track wanders on a scale of its own."""
    rng = np.random.default_rng(seed)
    names = (
        tracks if isinstance(tracks, tuple) else [f"part {n}" for n in range(tracks)]
    )
    file = mido.MidiFile(ticks_per_beat=480)
    for number, name in enumerate(names):
        track = mido.MidiTrack([mido.MetaMessage("track_name", name=name)])
        pitch, left = 76 - 7 * number, 48 * 480
        while left > 0:
            pitch = int(np.clip(pitch + rng.integers(-4, 5), 36, 90))
            ticks = int(rng.choice((240, 480, 720)))
            track.append(mido.Message("note_on", note=pitch, velocity=64))
            track.append(mido.Message("note_off", note=pitch, time=ticks))
            left -= ticks
        file.tracks.append(track)
    return tiny.bytes_of(file)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """A data folder with all sources: six pieces each, four of them held out."""
    root = tmp_path_factory.mktemp("data")
    for order, source in enumerate(SOURCES):
        files, index = {}, []
        for number in range(7):
            name = f"midi{source.only or '/'}{number:03}.mid".replace("//", "/")
            tracks = TRACKS.get(source.view.__name__, 1)
            files[name] = (
                b"no music" if number == 6 else midi(tracks, 10 * order + number)
            )
            title = f"{Path(source.path).name} {number}"
            split = "train" if number < 2 else "valid"
            index.append({"file": name, "title": title, "id": title, "split": split})
        tiny.source(root, source.path, files, index)
    return root


@pytest.fixture(scope="module")
def music(data, tmp_path_factory):
    found = pieces.read(data)
    path = tmp_path_factory.mktemp("cache") / "music.npz"
    pieces.save(found, path)
    return pieces.load(path)


@pytest.fixture(scope="module")
def weights(music, tmp_path_factory):
    run = tmp_path_factory.mktemp("run")
    train.train(encoder_task.EncoderTask(TINY, music), TINY, run)
    return run / BEST


def tune(seed, beats=64):
    """A random tune of eighths, (onset, end, pitch)."""
    rng = np.random.default_rng(seed)
    at = np.arange(0, beats, 0.5)
    pitch = 60 + rng.integers(-3, 4, len(at)).cumsum() % 24
    return np.stack([at, at + 0.5, pitch], 1)


# ── music ────────────────────────────────────────────────────────────────────────────


def test_a_family_is_on_one_side_of_the_split_only(music):
    for family in np.unique(music.family):
        assert len(set(music.part[music.family == family].tolist())) == 1


def test_held_out_music_is_split_into_what_chooses_and_what_judges(music):
    assert set(music.part.tolist()) == {TRAINED, CHOOSING, JUDGED}


def test_times_are_in_beats(music):
    onsets = music.piece(0)[:, 0]
    assert np.array_equal(onsets * 2, np.rint(onsets * 2))
    assert 40 <= onsets[-1] <= 48


def test_every_piece_is_of_some_kind_of_collection(music):
    assert {music.genre(piece) for piece in range(len(music))} == set(pieces.GENRES)


def test_a_missing_source_is_a_sentence(tmp_path):
    with pytest.raises(FileError, match="cannot be read"):
        pieces.read(tmp_path)


def test_a_set_holds_a_family_once(music):
    for kind in halves.SETS:
        families = music.family[halves.members(music, kind)]
        assert len(families) == len(np.unique(families)) > 0


# ── pairs ────────────────────────────────────────────────────────────────────────────


def test_a_batch_is_a_function_of_its_seed_and_step(music):
    made = pairs.Pairs(music, TRAINED)
    first = made.batch(1, 5, 6)
    assert first.shape == (2, 6, *SHAPE)
    assert np.array_equal(first, pairs.Pairs(music, TRAINED).batch(1, 5, 6))
    assert not np.array_equal(first, made.batch(1, 6, 6))


def test_a_batch_has_no_more_pairs_than_there_are_families(music):
    made = pairs.Pairs(music, CHOOSING)
    assert made.batch(1, 0, 1000).shape[1] == len(made)


def test_without_variation_both_windows_are_of_the_piece(music):
    still = pairs.Variation(stretch=1.0, doubled=0.0, away=0, dropped=0.0, shortest=1.0)
    one = replace(music, part=np.full(len(music), JUDGED))
    one.part[music.family == music.family[0]] = TRAINED
    rolls = pairs.Pairs(one, TRAINED, still).batch(1, 0, 1)
    own = [
        phrases(music.piece(piece))[0][:, 0].sum((1, 2)).max()
        for piece in np.flatnonzero(music.family == music.family[0])
    ]
    assert 4 <= rolls[0, 0, 0].sum() <= max(own) + 8


# ── training ─────────────────────────────────────────────────────────────────────────


def test_contrast_is_low_where_partners_are_nearest():
    rows = torch.eye(8)
    near = encoder_task.contrast(rows, rows, 0.1)
    far = encoder_task.contrast(rows, rows.roll(1, 0), 0.1)
    assert float(near) < 0.01
    assert float(far) > 5


def test_an_unknown_option_is_a_sentence(music):
    with pytest.raises(SettingsError, match="phrase-encoder"):
        encoder_task.EncoderTask(TINY.with_(depth=3), music)


def test_training_gets_better_at_giving_rolls_back(music, tmp_path):
    recipe = TINY.with_(steps=30, valid_every=100, save_every=100)
    trainer = train.Trainer(
        encoder_task.EncoderTask(recipe, music), recipe, tmp_path / "run"
    )
    before = trainer.judge()
    for _ in range(30):
        trainer.step()
    after = trainer.judge()
    assert after[1] < before[1] - 0.5
    assert np.isfinite(after).all()


# ── what is published ────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def published(weights, music, data, tmp_path_factory):
    return publish.publish(weights, music, data, tmp_path_factory.mktemp("models"))


@pytest.mark.slow
def test_the_folder_is_whole_and_loads(published):
    names = {path.name for path in published.iterdir()}
    assert names == {
        "model.onnx",
        "manifest.json",
        "golden.npz",
        "runs.npy",
        "figures.json",
        "README.md",
    }
    manifest = manifests.load(published)
    assert manifest.interface == "likeness"
    assert manifest.roles == ()
    assert {source.pieces for source in manifest.sources} == {2}


@pytest.mark.slow
def test_the_card_says_what_was_measured(published):
    card = (published / "README.md").read_text()
    figures = json.loads((published / "figures.json").read_text())
    found = figures["retrieval"]["whole"]["tempo told"]["model"]
    assert f"| this model alone | {found['at_1']:.3f} | {found['at_5']:.3f}" in card
    assert manifests.load(published).fingerprint in card


@pytest.mark.slow
def test_the_card_has_a_row_as_similar_ranks_in_every_table_of_retrieval(published):
    card = (published / "README.md").read_text()
    figures = json.loads((published / "figures.json").read_text())
    for results in figures["retrieval"].values():
        found = results["tempo told"]["similar"]
        assert f"runs together | {found['at_1']:.3f} | {found['at_5']:.3f}" in card


@pytest.mark.slow
def test_the_card_says_where_a_plain_method_is_better(published):
    card = " ".join((published / "README.md").read_text().split())
    figures = json.loads((published / "figures.json").read_text())
    rebuilt = figures["reconstruction_f1"]
    for cell in ("struck", "sounding"):
        own, linear = rebuilt["model"][cell], rebuilt["linear"][cell]
        shown = f"{own:.3f} against {linear:.3f} {cell}"
        assert (shown in card) == (own < linear)
    plain = figures["retrieval"]["whole"]["tempo told"]
    own, runs_ = (plain[name]["at_1"] for name in ("model", "interval runs"))
    alone = card.partition("Alone, it finds")[2].partition("As `ripieno similar`")[0]
    shown = f"whole pieces (tempo told: {own:.3f} against {runs_:.3f})"
    assert own > runs_ or shown in alone
    assert alone.startswith(" no more") or own > runs_


@pytest.mark.slow
def test_the_runs_of_the_folder_are_those_that_were_chosen(published, music):
    stored = stored_runs.load(published, manifests.load(published))
    tried = json.loads((published / "figures.json").read_text())["runs"]
    assert np.array_equal(stored.rarity, weighing.rarity_in(music))
    assert stored.weight == tried["weight"]
    best = max(tried["mrr_by_weight"].values())
    assert tried["mrr_by_weight"][f"{stored.weight:g}"] == best


@pytest.mark.slow
def test_the_graph_answers_as_torch_does(published, weights, music):
    rolls = phrases(music.piece(0))[0]
    with torch.no_grad():
        network = encoder_task.network_of(weights)
        expected = network.encoder(torch.from_numpy(rolls))[0].numpy()
    found = Encoder(Loaded(published, "cpu").graphs["model"]).embed(rolls)
    assert np.abs(found - expected).max() < 1e-4


@pytest.mark.slow
def test_a_graph_of_other_weights_is_refused(published, music):
    other = graph.EncoderGraph(encoder_task.network(TINY.with_(seed=9)).eval().encoder)
    golden = graph.record(other, torch.from_numpy(phrases(music.piece(0))[0]))
    whole = {name: np.repeat(rows, 16, 0)[:16] for name, rows in golden.items()}
    with pytest.raises(ModelError, match="golden vectors differ"):
        graph.check(Loaded(published, "cpu").graphs["model"], whole)


# ── judging ──────────────────────────────────────────────────────────────────────────


def test_two_halves_are_the_whole():
    first, second = halves.halves(tune(1))
    assert len(first) + len(second) == len(tune(1))
    assert first[:, 1].max() <= second[0, 0]


def test_a_disguise_changes_the_key_and_the_tempo_only_if_asked():
    told = halves.disguised(tune(1), 3, is_off_grid=False)
    assert np.array_equal(told[:, :2], tune(1)[:, :2])
    assert len(np.unique(told[:, 2] - tune(1)[:, 2])) == 1
    not_told = halves.disguised(tune(1), 3, is_off_grid=True)
    assert 0.8 <= not_told[-1, 0] / tune(1)[-1, 0] <= 1.25


def test_a_search_asks_for_held_out_pieces_only(music):
    found = halves.search(music, "whole", JUDGED, size=20)
    assert len(found.library) == 20
    assert (music.part[found.pieces] == JUDGED).all()


def test_recall_counts_a_tie_against_the_method():
    scores = np.array([[3.0, 2.0, 1.0], [1.0, 1.0, 0.0], [0.0, 1.0, 2.0]])
    found = retrieval.recall_of(scores, np.array([0, 0, 0]))
    assert found.at_1 == pytest.approx(1 / 3, abs=1e-3)
    assert found.mrr == pytest.approx((1 + 1 / 2 + 1 / 3) / 3, abs=1e-3)


def test_likenesses_are_what_the_daemon_computes():
    rng = np.random.default_rng(0)
    rows = [rng.normal(size=(n, 8)).astype(np.float32) for n in (3, 1, 5)]
    units = [row / np.linalg.norm(row, axis=1, keepdims=True) for row in rows]
    query = units[0][:2]
    found = retrieval.likenesses(query, units)
    expected = [compare(query, other).likeness for other in units]
    assert found == pytest.approx(expected, abs=1e-5)


@pytest.mark.slow
def test_ranking_is_what_the_daemon_computes(published):
    graph_ = Loaded(published, "cpu").graphs["model"]
    embed = retrieval.by_embedding(Encoder(graph_).embed)
    weighed = Runs(np.linspace(0, 1, RUNS), 0.7)
    queries, library = [tune(1), tune(2)[:3]], (tune(1), tune(3), tune(4))
    plain = embed(queries, library)
    found = retrieval.by_both(embed, weighed)(queries, library)
    for number, other in enumerate(library):
        asked, there = weighed.of(queries[0]), weighed.of(other)
        expected = weighed.joined(float(plain[0, number]), asked, there)
        assert found[0, number] == pytest.approx(float(expected))
    assert (found[1] == retrieval.NOTHING).all()


def test_runs_weigh_more_the_more_they_find(music):
    def blind(queries, library):
        return np.zeros((len(queries), len(library)))

    chosen, tried = weighing.weighed(music, blind)
    assert chosen.weight > 0
    assert tried["0"] == min(tried.values())


def test_no_piece_that_figures_are_measured_on_chooses_the_weight(music):
    asked: set[bytes] = set()

    def seen(queries, library):
        asked.update(query[:, 0].tobytes() for query in queries)
        return np.zeros((len(queries), len(library)))

    weighing.weighed(music, seen)
    onsets = {
        part: {
            halves.halves(music.piece(piece))[0][:, 0].tobytes()
            for piece in np.flatnonzero(music.part == part).tolist()
        }
        for part in (CHOOSING, JUDGED)
    }
    assert asked & onsets[CHOOSING]
    assert not asked & onsets[JUDGED]


def test_features_know_a_transposed_copy():
    moved = tune(1) + np.array((0, 0, 5))
    others = [tune(seed) for seed in range(2, 8)]
    rarity = features.rarity(features.table(runs, others))
    for name, method in retrieval.baselines(rarity).items():
        scores = method([moved], (*others, tune(1)))
        assert scores[0][-1] == pytest.approx(1.0), name
        assert scores[0][-1] >= scores[0].max() - 1e-9, name


def test_a_linear_autoencoder_of_enough_numbers_gives_everything_back():
    rolls = phrases(tune(1))[0]
    rebuilt = Linear(rolls, len(rolls)).rebuilt(rolls)
    assert reconstruction.f1(np.rint(rebuilt), rolls) > 0.99
