"""How alike pieces are, by the model that is shipped."""

import numpy as np
import pytest
from tests.command import MODELS

from ripieno.music.likeness import in_order, phrases
from ripieno.think.likeness import Encoder, compare, style_of
from ripieno.think.manifest import GOLDEN, find, for_role, load
from ripieno.think.session import Loaded, choose_provider

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


def test_an_embedding_hangs_on_its_own_window_alone(encoder):
    rolls = np.concatenate([phrases(tune(seed))[0] for seed in range(4)])
    together = encoder.embed(rolls)
    assert len(together) == len(rolls)
    alone = np.concatenate([encoder.embed(rolls[n : n + 1]) for n in range(len(rolls))])
    assert np.abs(together - alone).max() < 1e-5


def test_embeddings_and_styles_are_of_unit_length(encoder):
    windows = encoder.embed(phrases(tune(1))[0])
    assert np.linalg.norm(windows, axis=1) == pytest.approx(1.0, abs=1e-5)
    assert np.linalg.norm(style_of(windows)) == pytest.approx(1.0, abs=1e-5)


def test_nothing_embeds_to_nothing(encoder):
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


def test_it_says_where_a_phrase_was_taken_from(encoder):
    taken = np.concatenate([tune(1, 24), tune(2, 24) + np.array((24, 24, 0))])
    here = encoder.embed(phrases(tune(2, 24))[0])
    rolls, starts = phrases(taken)
    found = compare(here, encoder.embed(rolls))
    assert found.cosine == pytest.approx(1.0, abs=1e-3)
    assert starts[found.there] >= 24


def test_it_plays_no_role_and_is_installed_all_the_same():
    manifest = load(find("phrase-encoder"))
    assert manifest.roles == ()
    assert manifest.interface == "likeness"
    for role in ("answer", "accompany", "harmonize"):
        assert for_role(role).name != "phrase-encoder"


def test_on_held_out_music_it_finds_more_than_it_did_untrained():
    quality = load(FOLDER).quality
    assert quality["whole_model_recall_at_1"] > quality["whole_untrained_recall_at_1"]
