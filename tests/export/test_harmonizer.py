import json
from pathlib import Path

import mido
import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("onnxscript")
pytest.importorskip("symusic")

import torch
from tests.export.tiny import ORIGIN, bytes_of, source

from ripieno.errors import FileError, ModelError, SettingsError
from ripieno.inference.session import Loaded
from ripieno.layouts.voices import DEPTHS, NOBODY
from ripieno.minds.harmonizer import Harmonizer, Manner
from ripieno.minds.writer import FORBIDDEN
from ripieno_export import checkpoint, preset, train
from ripieno_export import parity as goldens
from ripieno_export.checkpoint import BEST, LAST
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
from ripieno_export.harmonizer.history import led_by_itself
from ripieno_export.harmonizer.leading import Harmony
from ripieno_export.harmonizer.network import UNKNOWN, Harmonies, turned
from ripieno_export.harmonizer.recipe import Options
from ripieno_export.harmonizer.step import (
    IF_ABOVE,
    IF_BELOW,
    INPUTS,
    StepModule,
    parallels,
)
from ripieno_export.harmonizer.task import VoicesTask, nats_of
from ripieno_export.preset import Preset
from ripieno_export.tokenize import Ints

pytestmark = pytest.mark.torch

MAJOR = np.array([0, 2, 4, 5, 7, 9, 11])
CPU = torch.device("cpu")


def rows(seed: int, onsets: int = 40) -> Ints:
    """A walk in C major over its own triads, shape (N, 4), from the soprano down."""
    rng = np.random.default_rng(seed)
    steps = rng.integers(-2, 3, onsets)
    steps[::5] = 1
    degree = np.clip(35 + np.cumsum(steps), 32, 40)
    degrees = np.stack([degree, degree - 2, degree - 4, degree - 14], 1)
    return np.asarray(12 * (degrees // 7) + MAJOR[degrees % 7] + 12)


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


class Stopped(Exception):  # noqa: N818 (it is no error: someone pressed a key)
    """The run was interrupted."""


class Interrupted(VoicesTask):
    """Someone presses a key in the last step."""

    def losses(self, step: int) -> torch.Tensor:
        if step == 3:
            raise Stopped
        return super().losses(step)


@pytest.mark.usefixtures("many_held_out")
def test_a_resumed_run_ends_as_one_that_was_never_interrupted(
    pieces: list[Chorale], tiny: Preset, tmp_path: Path
) -> None:
    train.train(VoicesTask(tiny, pieces), tiny, tmp_path / "whole")
    with pytest.raises(Stopped):
        train.train(Interrupted(tiny, pieces), tiny, tmp_path / "parts")
    assert checkpoint.load(tmp_path / "parts" / LAST)["progress"]["step"] == 3
    train.train(VoicesTask(tiny, pieces), tiny, tmp_path / "parts")
    whole, parts = (
        checkpoint.load(tmp_path / name / LAST) for name in ("whole", "parts")
    )
    assert whole["progress"] == parts["progress"]
    for name, weight in whole["model"].items():
        assert torch.equal(weight, parts["model"][name]), name


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


# ── the network ──────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def model() -> Harmonies:
    torch.manual_seed(0)
    return Harmonies(16).eval()


def scored(model: Harmonies, batch: crops.Batch) -> list[torch.Tensor]:
    with torch.no_grad():
        scores: list[torch.Tensor] = model(*batch.tensors(CPU))
    return scores


def test_a_key_is_a_turned_histogram() -> None:
    keys = torch.zeros(1, 24)
    keys[0, 7] = keys[0, 12 + 4] = 1.0
    found = turned(keys, torch.tensor([67]))  # seen from G: G first, E nine above
    assert found.nonzero()[:, 1].tolist() == [0, 12 + 9]


def test_an_octave_changes_nothing_but_the_height(
    model: Harmonies, pieces: list[Chorale]
) -> None:
    melody, before, gap_s, style, _ = crops.crop(pieces[0], 1, 9).tensors(CPU)
    keys = torch.rand(1, 8, 24)
    higher = torch.where(before == NOBODY, before, before + 12)
    here = model.read(melody, before, gap_s, style, keys)
    there = model.read(melody + 12, higher, gap_s, style, keys)
    differ = (here != there).any(1)[0]
    assert differ.nonzero().tolist() == [[here.shape[-1] - 2]]


def test_steps_give_the_scores_of_the_whole_sequence(
    model: Harmonies, pieces: list[Chorale]
) -> None:
    batch = crops.crop(pieces[0], 0, 12)
    whole, step = scored(model, batch), StepModule(model)
    melody, before, gap_s, style, told = batch.tensors(CPU)
    given = dict(zip(INPUTS, StepModule(model).example_inputs(), strict=True))
    for place in range(12):
        bias = torch.full((1, 3, 128), FORBIDDEN)
        for voice in range(3):
            bias[0, voice, melody[0, place] - told[0, place, voice]] = 0.0
        given |= {"melody": melody[:, place, None], "before": before[:, place]}
        given |= {"gap_s": gap_s[:, place, None], "style": style[:, place, None]}
        given["bias"] = bias
        with torch.no_grad():
            voices, *state, logits = step(*(given[name] for name in INPUTS))
        given |= dict(zip(("state", "keys"), state, strict=True))
        np.testing.assert_array_equal(voices[0], batch.voices[0, place])
        for voice in range(3):
            torch.testing.assert_close(logits[0, voice], whole[voice][0, place])


def test_a_resting_voice_adds_no_loss(pieces: list[Chorale]) -> None:
    piece = pieces[0]
    voices = piece.voices.copy()
    voices[::2, 1] = NOBODY
    silent = Chorale(ORIGIN, "x", 0, piece.melody, piece.gaps, voices)
    batch = crops.crop(silent, 0, 20)
    assert (batch.depths[0, ::2, 1] == UNKNOWN).all()
    torch.manual_seed(0)
    nats = nats_of(Harmonies(16), batch.tensors(CPU))
    assert [len(n) for n in nats] == [20, 10, 20]


def test_a_sampled_chord_is_the_history_of_the_next_step(
    model: Harmonies, pieces: list[Chorale]
) -> None:
    batch = crops.crop(pieces[0], 0, 12)
    torch.manual_seed(0)
    own, answers = led_by_itself(model, batch)
    np.testing.assert_array_equal(own.before[0, 1:, 1:], answers[0, :-1])
    np.testing.assert_array_equal(own.voices, batch.voices)
    kept, _ = led_by_itself(model, batch, leash=1.0)
    np.testing.assert_array_equal(kept.before, batch.before)


# ── the graph's laws ─────────────────────────────────────────────────────────────────


def answered(model: Harmonies, **changes: torch.Tensor) -> list[int]:
    """Bass, tenor and alto below a C5 that follows a B4 over G3 D4 G4."""
    given = dict(zip(INPUTS, StepModule(model).example_inputs(), strict=True)) | changes
    with torch.no_grad():
        voices: list[int] = StepModule(model)(*(given[n] for n in INPUTS))[0][
            0
        ].tolist()
    return voices


def test_voices_never_cross_whatever_the_noise(model: Harmonies) -> None:
    chance = torch.Generator().manual_seed(0)
    for _ in range(100):
        noise = torch.rand(1, 3, generator=chance)
        bass, tenor, alto = answered(model, noise=noise, top_p=torch.ones(1, 3))
        assert bass <= tenor <= alto <= 72


def test_with_all_pitches_forbidden_the_voices_are_in_unison(model: Harmonies) -> None:
    shut = torch.full((1, 3, 128), FORBIDDEN)
    assert answered(model, bias=shut) == [72, 72, 72]
    shut[0, 0, 48] = 0.0
    assert answered(model, bias=shut) == [48, 48, 48]


def test_only_what_the_bias_leaves_open_is_sung(model: Harmonies) -> None:
    bias = torch.full((1, 3, 128), FORBIDDEN)
    bias[0, 0, 52] = bias[0, 1, 60] = bias[0, 2, 67] = 0.0
    for noise in (0.0, 0.5, 0.9999):
        assert answered(model, bias=bias, noise=torch.full((1, 3), noise)) == [
            52,
            60,
            67,
        ]


def one(pitch: int) -> torch.Tensor:
    return torch.tensor([[pitch]])


def test_fifths_and_octaves_in_parallel_are_found_and_fourths_are_not() -> None:
    below = 74 - torch.arange(DEPTHS)[None]

    def found(then: int, now: int, own_then: int, fifth: int) -> list[int]:
        hit = parallels((one(then), one(own_then)), one(now), below, fifth)
        return [int(p) for p in below[hit > 0]]

    assert 65 in found(71, 72, 64, IF_ABOVE)  # B over E to C over F
    assert 60 in found(71, 72, 59, IF_ABOVE)  # an octave goes up with it
    assert found(71, 72, 66, IF_ABOVE) == []  # a fourth is free
    assert 67 in found(59, 60, 66, IF_BELOW)  # a fifth above the bass
    assert found(71, 71, 64, IF_ABOVE) == []  # who stays is in no parallel
    assert found(71, 72, NOBODY, IF_ABOVE) == []


def test_strictness_turns_a_parallel_away(model: Harmonies) -> None:
    bias = torch.full((1, 3, 128), FORBIDDEN)
    bias[0, 0, 56] = bias[0, 0, 53] = bias[0, 1, 62] = bias[0, 2, 67] = 0.0
    bias[0, 0, 56] = 9.0
    free, strict = (torch.full((1, 1), v) for v in (0.0, 100.0))
    before = torch.tensor([[71, 55, 62, 67]])
    assert answered(model, bias=bias, strictness=free, before=before)[0] == 56
    bias[0, 0, 56], bias[0, 0, 60] = FORBIDDEN, 9.0  # C under C, after B over B
    before = torch.tensor([[71, 59, 62, 67]])
    assert answered(model, bias=bias, strictness=free, before=before)[0] == 60
    assert answered(model, bias=bias, strictness=strict, before=before)[0] == 53


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
    again = evaluate.performed(
        Harmonizer(graph, Manner(temperature=(1.5, 1.5, 1.5), strictness=50.0)),
        melody,
        np.full(len(melody), 0.5),
    )
    np.testing.assert_array_equal(voices, again)
