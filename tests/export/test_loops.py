"""The loop model: its training data, its training and the figures of its bars."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("lightning_fabric")
pytest.importorskip("symusic")

import torch
from tests.export import tiny
from tests.export.tiny import ORIGIN

from ripieno.clock import SimulatedClock
from ripieno.inference.session import Loaded
from ripieno.layouts import pattern
from ripieno.layouts.pattern import ONSET, SOUND, STEPS
from ripieno.minds.patterns import Patterns
from ripieno.music import chords
from ripieno.music.chords import NO_CHORD
from ripieno.music.meter import Meter
from ripieno.music.spans import Note
from ripieno.protocol import Groove, Limits
from ripieno_export import checkpoint, train
from ripieno_export.duet import songs as songs_of
from ripieno_export.duet.songs import Song
from ripieno_export.loops import (
    bars,
    figures,
    graphs,
    judging,
    leaning,
    publish,
    task,
)
from ripieno_export.loops.task import LoopTask
from ripieno_export.networks import loop
from ripieno_export.preset import load

pytestmark = [pytest.mark.torch, pytest.mark.usefixtures("torch_as_it_was")]

TINY = tiny.TINY.with_(
    name="loop-gan", family="gan", hidden=8, events=16, warmup=1, valid_crops=8
)
C, F, G, AM = (chords.named(name) for name in ("C", "F", "G", "Am"))


def song(seed: int, part: str = "train", count: int = 12) -> Song:
    """Bars of C, F, G and Am: a bass, and a triad that is struck here and there."""
    chance = np.random.default_rng(seed)
    told = np.repeat(chance.choice([C, F, G, AM], count), STEPS)
    piano = []
    for bar in range(count):
        chord = int(told[bar * STEPS])
        piano.append((bar * STEPS, bar * STEPS + 8, 36 + chords.root_of(chord), 80))
        for step in sorted(chance.choice(16, 3, replace=False).tolist()):
            at = bar * STEPS + step
            piano += [(at, at + 3, 60 + pc, 70) for pc in chords.pitch_classes(chord)]
    grid = songs_of.sorted_notes([np.array(piano)])
    return Song(
        ORIGIN, f"{seed}.mid", f"x {seed}", part, "pop", Meter(4, 4), 100.0, grid, grid,
        told,
    )  # fmt: skip


@pytest.fixture(scope="module")
def songs() -> list[Song]:
    parts = ["train"] * 6 + ["valid"] * 2 + ["test"] * 2
    return [song(seed, part) for seed, part in enumerate(parts)]


@pytest.fixture(scope="module")
def weights(songs: list[Song], tmp_path_factory: pytest.TempPathFactory) -> Path:
    run = tmp_path_factory.mktemp("run")
    made = LoopTask(TINY, *(bars.bars_of([s for s in songs if s.part == part])
                            for part in ("train", "valid")))  # fmt: skip
    train.train(made, TINY, run, clock=SimulatedClock())
    return run / checkpoint.BEST


# ── bars ─────────────────────────────────────────────────────────────────────────────


def test_a_bar_is_told_from_its_root_and_so_is_the_bar_before() -> None:
    told = np.repeat([C, F], STEPS)
    piano = np.array([(0, 8, 36, 80), (4, 20, 64, 80), (16, 32, 41, 80)])
    plain = replace(song(0), chords=told, piano=songs_of.sorted_notes([piano]))
    found = bars.bars_of([plain])
    assert found.shifts.tolist() == [0, 5]
    assert pattern.notes_of(found.rolls[0], 0) == (Note(0, 36, 8), Note(4, 64, 12))
    assert pattern.notes_of(found.rolls[1], 5) == (Note(0, 41, 16),)
    assert pattern.notes_of(found.before[1], 5) == (Note(0, 36, 8), Note(4, 64, 12))
    assert not found.before[0].any()


def test_a_bar_without_notes_or_without_a_chord_is_not_learned_from() -> None:
    told = np.repeat([C, NO_CHORD, F], STEPS)
    piano = np.array([(0, 8, 36, 80), (17, 20, 64, 80)])
    plain = replace(song(0), chords=told, piano=songs_of.sorted_notes([piano]))
    assert len(bars.bars_of([plain])) == 1


def test_songs_whose_bar_lines_are_wrong_are_left_out() -> None:
    good = song(0)
    assert bars.is_fit(good)
    assert not bars.is_fit(replace(good, chords=np.roll(good.chords, 8)))
    assert not bars.is_fit(replace(good, meter=Meter(3, 4)))


# ── networks ─────────────────────────────────────────────────────────────────────────


def random_inputs(count: int = 3) -> list[torch.Tensor]:
    torch.manual_seed(0)
    each = [graphs.examples() for _ in range(count)]
    return [torch.cat(column) for column in zip(*each, strict=True)]


def test_bars_are_binary_and_nothing_sounds_without_an_onset() -> None:
    torch.manual_seed(0)
    made = loop.Generator(8)(*random_inputs()).detach().numpy()
    assert set(np.unique(made.round(6))) <= {0.0, 1.0}
    onsets, sound = made[:, ONSET] > 0.5, made[:, SOUND] > 0.5
    assert not (onsets & ~sound).any()
    began = sound.copy()
    began[:, 1:] &= ~sound[:, :-1]
    assert not (began & ~onsets).any()


def test_a_lean_is_added_to_all_logits_of_its_kind_and_to_no_other() -> None:
    torch.manual_seed(0)
    model, put = loop.Generator(8), random_inputs()
    plain = model.logits(*put)
    model.lean, model.hold = -0.25, 0.5
    begun, held = (model.logits(*put) - plain).detach().unbind(1)
    assert torch.allclose(begun, torch.full_like(begun, -0.25), atol=1e-6)
    assert torch.allclose(held, torch.full_like(held, 0.5), atol=1e-6)


def test_a_binary_value_has_the_gradient_of_its_probability() -> None:
    chance = torch.tensor([0.2, 0.7], requires_grad=True)
    hard = loop.binary(chance)
    (hard * torch.tensor([3.0, 5.0])).sum().backward()
    assert hard.tolist() == [0.0, 1.0]
    assert chance.grad is not None
    assert chance.grad.tolist() == [3.0, 5.0]


def test_planes_show_chord_tones_and_roots() -> None:
    told = torch.from_numpy(pattern.chord_input([C, F, G, AM], 0))[None]
    tones, roots = loop.planes_of(told)[0].numpy() > 0
    assert np.flatnonzero(tones[0][:12]).tolist() == [0, 4, 7]
    assert np.flatnonzero(roots[5]).tolist() == [5, 17, 29, 41, 53]


def test_a_step_is_the_critics_or_the_generators(songs: list[Song]) -> None:
    learned = bars.bars_of(songs)
    made = LoopTask(TINY, learned, learned)
    for step, has in ((0, {"critic"}), (1, {"generator", "encoder"})):
        made.network.zero_grad()
        losses = made.losses(step)
        losses.sum().backward()
        named = made.network.named_parameters()
        moved = {n.split(".")[0] for n, w in named if w.grad is not None}
        assert moved == has
        assert losses.shape == (len(task.PARTS),)
        assert float(losses[1 - step % 2].detach()) == 0


def test_a_training_step_is_the_same_for_the_same_seed(songs: list[Song]) -> None:
    learned = bars.bars_of(songs)
    made = LoopTask(TINY, learned, learned)
    assert torch.equal(made.losses(0), LoopTask(TINY, learned, learned).losses(0))


def test_an_exact_reconstruction_has_no_loss() -> None:
    rolls = torch.from_numpy(rolls_of([Note(0, 36, 4), Note(4, 64, 1)])).float()
    right = torch.where(rolls > 0, 40.0, -40.0)
    assert float(task.missed(right, rolls, 3.0)) < 1e-6
    deaf = torch.full_like(rolls, -40.0)
    assert float(task.missed(deaf, rolls, 3.0)) == pytest.approx(40 * (2 * 3 + 3))


def test_the_published_recipe_is_one_of_this_task(songs: list[Song]) -> None:
    recipe = load("loop-gan").with_(hidden=8, valid_crops=4)
    assert recipe.options_as(task.Options).critic_steps >= 1
    assert LoopTask(recipe, bars.bars_of(songs), bars.bars_of(songs)).judge()


# ── figures ──────────────────────────────────────────────────────────────────────────


def rolls_of(*notes: list[Note]) -> np.ndarray:
    return np.stack([pattern.roll_of(each, 0) for each in notes])


def tones_of(*names: str) -> np.ndarray:
    told = [pattern.chord_input([chords.named(n)] * 4, 0) for n in names]
    return task.tones_of(torch.from_numpy(np.stack(told)))


def test_figures_say_what_bars_hold() -> None:
    rolls = rolls_of([Note(0, 36, 4), Note(4, 64, 1), Note(8, 66, 2)], [])
    found = figures.figures(rolls, tones_of("C", "C"))
    assert (found["notes"], found["classes"], found["empty"]) == (1.5, 3.0, 0.5)
    assert found["chord_tones"] == pytest.approx(2 / 3)
    assert found["one_step"] == pytest.approx(1 / 3)
    assert found["qualified"] == pytest.approx(2 / 3)


def test_lengths_are_those_of_the_notes() -> None:
    rolls = rolls_of([Note(0, 36, 4), Note(4, 36, 12), Note(15, 60, 1)])
    found = figures.lengths_of(rolls)
    assert {n: int(c) for n, c in enumerate(found) if c} == {1: 1, 4: 1, 12: 1}


def test_bars_are_no_distance_from_themselves_and_1_from_strangers() -> None:
    one, two = rolls_of([Note(0, 36, 4)], [Note(2, 40, 4)])[:, ONSET]
    assert figures.distance(one[None], one[None]) == 0
    assert figures.distance(one[None], two[None]) == 1


def test_a_set_lies_no_gap_from_itself(songs: list[Song]) -> None:
    found = bars.bars_of(songs)
    own = figures.figures(found.rolls, task.tones_of(torch.from_numpy(found.told)))
    assert set(figures.gaps(own, own).values()) == {0.0}


def test_a_hold_without_an_onset_counts_as_a_fragment_before_it_is_dropped() -> None:
    raw = rolls_of([Note(0, 36, 4)])
    assert judging.fragments(raw) == 0
    raw[0, SOUND, 8, 30] = True
    assert judging.fragments(raw) == 0.5


def test_moved_bars_keep_to_the_chords_wanted(songs: list[Song]) -> None:
    others, held_out = (bars.bars_of(part) for part in (songs[:6], songs[8:]))
    moved = judging.moved_bars(others, held_out, np.random.default_rng(0))
    tones = task.tones_of(torch.from_numpy(held_out.told))
    assert figures.chord_tones(moved[:, ONSET], tones) == 1.0


class OnTorch:
    """A graph that the daemon's mind runs, which is the network itself."""

    def __init__(self, model: loop.Generator) -> None:
        self._step = graphs.Step(model).eval()
        self.put = {
            name: tensor.numpy()
            for name, tensor in zip(graphs.INPUTS, graphs.examples(), strict=True)
        }
        self.out: dict[str, np.ndarray] = {}
        self.rolls: list[np.ndarray] = []

    def run(self) -> None:
        put = (torch.from_numpy(self.put[name].copy()) for name in graphs.INPUTS)
        with torch.no_grad():
            roll, logits = self._step(*put)
        self.out = {"roll": roll.numpy(), "logits": logits.numpy()}
        self.rolls.append(self.out["roll"][0] > 0)


def deaf_to_noise(held_out: bars.Bars) -> loop.Generator:
    """A generator that heeds only what it is told; a pattern begins with 16 notes."""
    torch.manual_seed(0)
    model = loop.Generator(8).requires_grad_(requires_grad=False)
    model.seed.weight[:, : pattern.NOISE] = 0
    for part in model.modules():
        if isinstance(part, loop.Turned):
            part.gains.weight[:, : pattern.NOISE] = 0
            part.gains.weight[:, pattern.NOISE :] *= 4
    count = len(held_out)
    manner = torch.from_numpy(pattern.manner_input(None, has_before=False))
    begun = model.logits(
        torch.zeros(count, pattern.NOISE),
        torch.from_numpy(held_out.told),
        torch.zeros(count, 2, STEPS, pattern.ROWS),
        manner.expand(count, -1),
    )[:, ONSET]
    bound = float(begun.flatten().quantile(1 - 16 / begun[0].numel()))
    model.lean = 1e-3 - bound  # beside the bound: on it batches would round apart
    return model.eval()


def test_a_first_bar_that_is_judged_is_the_one_that_the_daemon_has_made() -> None:
    held_out = bars.bars_of([song(1, count=16)])
    model = deaf_to_noise(held_out)
    graph: Any = OnTorch(model)  # as much of a graph as this mind asks of one
    mind = Patterns(graph)
    for index, told in enumerate(held_out.chords.tolist()):
        at = index, index, index * 1920, 1920, tuple(told), index
        mind.bar(Groove(*at, busy=None, seed=3, limits=Limits()))
    rows, before = np.arange(len(held_out)), np.zeros_like(held_out.rolls)
    drawn = torch.zeros(len(held_out), pattern.NOISE)
    made, _ = judging.run(model, held_out, rows, drawn, before)
    assert made.any((1, 2, 3)).all()
    assert np.array_equal(made, np.stack(graph.rolls))


# ── leaning ──────────────────────────────────────────────────────────────────────────


def test_holds_lean_as_little_as_leaves_enough_notes_long(
    weights: Path, songs: list[Song]
) -> None:
    found = leaning.leaning(graphs.step_of(weights).network, songs)
    tried = [found.tried[str(hold)]["qualified"] for hold in leaning.HOLDS]
    enough = [share >= leaning.QUALIFIED for share in tried]
    chosen = leaning.HOLDS.index(found.holds)
    assert not any(enough[:chosen])
    assert enough[chosen] or chosen == len(enough) - 1
    assert found.tried["real bars"]["lengths"] == 0


def test_leans_are_chosen_on_validation_alone(weights: Path, songs: list[Song]) -> None:
    valid = [each for each in songs if each.part == "valid"]
    found = [leaning.leaning(graphs.step_of(weights).network, s)
             for s in (songs, valid)]  # fmt: skip
    assert found[0] == found[1]


# ── from training to the daemon ──────────────────────────────────────────────────────


def test_a_run_leaves_weights_that_can_be_run(weights: Path) -> None:
    payload = checkpoint.load(weights)
    assert payload["progress"]["best_step"] in {3, 6}
    assert not any(w.requires_grad for w in task.generator_of(payload).parameters())


@pytest.mark.slow
def test_the_published_graph_gives_the_output_of_torch(
    weights: Path, songs: list[Song], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bars, "read", lambda _: songs)
    folder = publish.publish(weights, tmp_path, tmp_path / "models")
    loaded = Loaded(folder, "cpu")
    assert loaded.manifest.roles == ("loop",)
    figures_found = json.loads((folder / "figures.json").read_text())
    step = graphs.step_of(weights, figures_found["lean"], figures_found["hold"])
    assert publish.checked(loaded.graphs["model"], publish.recorded(step)) < 1e-4
    text = (folder / "README.md").read_text()
    assert "moved bars" in text
    assert "longer than a sixteenth" in text
    assert "cannot fail on this grid" in " ".join(text.split())
    assert max(map(len, text.splitlines())) < 200
