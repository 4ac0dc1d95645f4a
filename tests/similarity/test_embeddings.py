"""Similarity of pieces by the shipped model: its graph and its interval runs."""

import numpy as np
import pytest
from tests.command import MODELS, copy_model, rewrite_manifest

from ripieno.errors import ModelError
from ripieno.inference import manifest as manifests
from ripieno.inference.manifest import GOLDEN, digest, find, for_role, load
from ripieno.inference.session import Loaded, choose_provider
from ripieno.layouts.likeness import RUNS, in_order, phrases
from ripieno.similarity.embeddings import Encoder, compare, style_of
from ripieno.similarity.runs import Runs
from ripieno.similarity.runs import load as load_runs

FOLDER = MODELS / "phrase-encoder"
TOLERANCE = {"cpu": 1e-4, "cuda": 2e-3}
"""On numbers of unit length; a GPU's convolutions round inputs to ten bits."""


def providers():
    """Those that work on this machine, as the flag names them."""
    has_cuda = choose_provider("auto").provider == "CUDAExecutionProvider"
    return ["cpu", "cuda"] if has_cuda else ["cpu"]


@pytest.fixture(scope="module", params=providers())
def loaded(request):
    return request.param, Loaded(FOLDER, request.param).graphs["model"]


@pytest.fixture(scope="module")
def encoder():
    return Encoder(Loaded(FOLDER, "cpu").graphs["model"])


@pytest.fixture(scope="module")
def weighed():
    return load_runs(FOLDER, load(FOLDER))


@pytest.fixture
def copy(tmp_path):
    return copy_model(tmp_path, "phrase-encoder")


def store(folder, array):
    """Other runs in a model folder, and a manifest that vouches for them."""
    np.save(folder / manifests.RUNS, array)
    runs = {"weight": 0.5, "sha256": digest(folder / manifests.RUNS)}
    rewrite_manifest(folder, runs=runs)


def tune(seed, beats=48):
    """A tune of its own: a motif on a scale, that comes again and again."""
    rng = np.random.default_rng(seed)
    steps = rng.integers(-2, 3, 8).cumsum()
    gaps = rng.choice((0.5, 0.5, 1.0, 1.5), 8)
    rows, at = [], 0.0
    while at < beats:
        for step, gap in zip(steps, gaps, strict=True):
            rows.append((at, at + gap, 60 + 2 * int(step)))
            at += gap
    return in_order(np.array(rows))


def test_the_golden_vectors_replay(loaded):
    provider, graph = loaded
    with np.load(FOLDER / GOLDEN) as file:
        golden = {name: file[name] for name in file.files}
    rolls = np.unpackbits(golden["roll"], axis=-1).astype(np.float32)
    size = len(graph.put["roll"])
    assert len(rolls) >= 2 * size
    for first in range(0, len(rolls), size):
        graph.put["roll"][...] = rolls[first : first + size]
        graph.run()
        for name in ("embedding", "detail"):
            expected = golden[name][first : first + size]
            assert np.abs(graph.out[name] - expected).max() <= TOLERANCE[provider]


def test_an_embedding_depends_on_its_own_window_only(encoder):
    rolls = np.concatenate([phrases(tune(seed))[0] for seed in range(4)])
    together = encoder.embed(rolls)
    assert len(together) == len(rolls)
    alone = np.concatenate([encoder.embed(rolls[n : n + 1]) for n in range(len(rolls))])
    assert np.abs(together - alone).max() < 1e-5


def test_embeddings_and_styles_are_of_unit_length(encoder):
    windows = encoder.embed(phrases(tune(1))[0])
    assert np.linalg.norm(windows, axis=1) == pytest.approx(1.0, abs=1e-5)
    assert np.linalg.norm(style_of(windows)) == pytest.approx(1.0, abs=1e-5)


def test_no_windows_give_no_embeddings(encoder):
    assert len(encoder.embed(phrases(tune(1)[:2])[0])) == 0


def test_a_transposed_copy_is_as_alike_as_can_be(encoder):
    here = encoder.embed(phrases(tune(1))[0])
    there = encoder.embed(phrases(tune(1) + np.array((0, 0, 5)))[0])
    assert compare(here, there).likeness == pytest.approx(1.0, abs=1e-4)


def test_likeness_is_mutual(encoder):
    first, second = (encoder.embed(phrases(tune(seed))[0]) for seed in (1, 2))
    there, back = compare(first, second), compare(second, first)
    assert there.likeness == pytest.approx(back.likeness, abs=1e-5)
    assert there.likeness < 0.999


def test_the_most_similar_window_is_where_a_phrase_was_taken_from(encoder):
    taken = np.concatenate([tune(1, 24), tune(2, 24) + np.array((24, 24, 0))])
    here = encoder.embed(phrases(tune(2, 24))[0])
    rolls, starts = phrases(taken)
    found = compare(here, encoder.embed(rolls))
    assert found.cosine == pytest.approx(1.0, abs=1e-3)
    assert starts[found.there] >= 24


# ── runs of intervals ────────────────────────────────────────────────────────────────


def test_runs_alone_know_a_transposed_copy(weighed):
    here = weighed.of(tune(1))
    assert np.linalg.norm(here) == pytest.approx(1.0)
    assert here @ weighed.of(tune(1) + np.array((0, 0, 5))) == pytest.approx(1.0)
    assert here @ weighed.of(tune(2)) < 0.9


def test_a_rare_run_says_more_than_a_common_one():
    alike = Runs(np.ones(RUNS), 1.0).of(tune(1))
    common = alike.argmax()
    rarity = np.where(np.arange(RUNS) == common, 0.1, 1.0)
    assert Runs(rarity, 1.0).of(tune(1))[common] < alike[common] / 2


def test_runs_count_as_much_as_they_weigh():
    first, other = np.zeros((2, RUNS))
    first[3] = 1.0
    other[:2], other[3] = 0.6, 0.8
    joined = Runs(np.ones(RUNS), 0.5).joined(0.2, first, other)
    assert joined == pytest.approx((0.2 + 0.5 * 0.8) / 1.5)
    assert Runs(np.ones(RUNS), 0.0).joined(0.2, first, other) == pytest.approx(0.2)


def test_a_copy_is_as_alike_as_can_be_with_runs_and_without(weighed):
    here, none = weighed.of(tune(1)), weighed.of(tune(1)[:3])
    assert not none.any()
    assert weighed.joined(1.0, here, here) == pytest.approx(1.0)
    assert weighed.joined(1.0, none, none) == pytest.approx(1.0)
    assert weighed.joined(1.0, here, none) < 0.9


def test_many_pieces_are_joined_as_each_alone(weighed):
    here = weighed.of(tune(1))
    others = np.stack([weighed.of(tune(seed)) for seed in (1, 2, 3)])
    alike = np.array([0.9, 0.1, -0.2])
    together = weighed.joined(alike, here, others)
    alone = [
        float(weighed.joined(one, here, row))
        for one, row in zip(alike.tolist(), others, strict=True)
    ]
    assert together.tolist() == pytest.approx(alone)


def test_damaged_runs_are_a_sentence(copy):
    path = copy / manifests.RUNS
    path.write_bytes(path.read_bytes()[:-1] + b"?")
    with pytest.raises(ModelError, match=r"runs\.npy is not the file .*copy the whole"):
        load(copy)


def test_missing_runs_are_a_sentence(copy):
    (copy / manifests.RUNS).unlink()
    with pytest.raises(ModelError, match=r"runs\.npy is missing; copy the whole"):
        load(copy)


@pytest.mark.parametrize(
    "array", [np.zeros(7), np.full(RUNS, -1.0), np.full(RUNS, np.nan)]
)
def test_runs_of_another_making_are_a_sentence(copy, array):
    store(copy, array)
    with pytest.raises(ModelError, match=r"runs\.npy does not hold 4096 numbers"):
        load_runs(copy, load(copy))


@pytest.mark.parametrize("array", [np.array(["a"] * RUNS), np.array([None] * RUNS)])
def test_runs_that_are_no_numbers_are_a_sentence(copy, array):
    store(copy, array)
    with pytest.raises(ModelError, match=r"runs\.npy .*copy the whole"):
        load_runs(copy, load(copy))


def test_a_file_that_is_no_array_is_a_sentence(copy):
    (copy / manifests.RUNS).write_bytes(b"no array")
    rewrite_manifest(
        copy, runs={"weight": 0.5, "sha256": digest(copy / manifests.RUNS)}
    )
    with pytest.raises(ModelError, match=r"runs\.npy cannot be read .*copy the whole"):
        load_runs(copy, load(copy))


def test_a_manifest_without_runs_is_a_sentence(copy):
    rewrite_manifest(copy, runs=None)
    with pytest.raises(ModelError, match=r"names no runs\.npy.*publish it again"):
        load_runs(copy, load(copy))


def test_runs_with_a_negative_weight_are_refused(copy):
    rewrite_manifest(copy, runs={"weight": -0.5, "sha256": "0" * 64})
    with pytest.raises(ModelError, match=r"not a manifest .*weight"):
        load(copy)


# ── what it is for ───────────────────────────────────────────────────────────────────


def test_it_plays_no_role_and_is_installed_all_the_same():
    manifest = load(find("phrase-encoder"))
    assert manifest.roles == ()
    assert manifest.interface == "likeness"
    for role in ("answer", "accompany", "harmonize"):
        assert for_role(role).name != "phrase-encoder"


def test_on_held_out_music_it_finds_more_than_it_did_untrained():
    quality = load(FOLDER).quality
    assert quality["whole_model_recall_at_1"] > quality["whole_untrained_recall_at_1"]


@pytest.mark.parametrize("kind", ["whole", "melody", "piano", "nottingham"])
def test_ranking_by_both_finds_more_than_either_alone(kind):
    quality = load(FOLDER).quality
    both = quality[f"{kind}_similar_recall_at_1"]
    assert both > quality[f"{kind}_model_recall_at_1"]
    assert both > quality[f"{kind}_intervals_recall_at_1"]
