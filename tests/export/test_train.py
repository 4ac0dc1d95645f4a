import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("lightning_fabric")
pytest.importorskip("symusic")

import msgspec
import torch
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tests.export.resuming import assert_it_ends_the_same, same
from tests.export.tiny import TINY
from torch import Tensor, nn

from ripieno.clock import SimulatedClock
from ripieno.errors import FileError, SettingsError
from ripieno_export import card, checkpoint, event_task, preset, train
from ripieno_export.checkpoint import BEST, LAST, Progress
from ripieno_export.event_task import EventTask
from ripieno_export.packed import Packed
from ripieno_export.preset import Preset
from ripieno_export.task import Task

pytestmark = [pytest.mark.torch, pytest.mark.usefixtures("torch_as_it_was")]

DEEP = TINY.with_(family="transformer", hidden=64, layers=2)


@pytest.fixture(scope="module")
def corpus(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Packed:
    return event_task.packed(data, tmp_path_factory.mktemp("corpus"))


def trained(recipe: Preset, corpus: Packed, run: Path) -> Progress:
    task = EventTask(recipe, corpus)
    return train.train(task, recipe, run, clock=SimulatedClock())


# ── a run ────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("precision", ["32-true", "bf16-mixed"])
@pytest.mark.parametrize("optimiser", ["adamw", "muon"])
@pytest.mark.slow
def test_a_resumed_run_ends_as_one_that_was_never_interrupted(
    optimiser: str, precision: str, corpus: Packed, tmp_path: Path
) -> None:
    recipe = DEEP.with_(optimiser=optimiser, precision=precision)
    assert_it_ends_the_same(lambda: EventTask(recipe, corpus), recipe, tmp_path, at=4)


@pytest.mark.parametrize(
    "more",
    [
        {"steps": 5},  # the last step is judged, though not on the schedule
        *(
            pytest.param({"steps": 30, "patience": 1} | more, marks=pytest.mark.slow)
            for more in (
                {"learning_rate": 1.0},
                {"learning_rate": 0, "save_every": 100},
            )
        ),
    ],
)
def test_a_run_stopped_after_every_step_ends_as_one_that_never_was(
    more: dict[str, int | float], corpus: Packed, tmp_path: Path
) -> None:
    recipe = TINY.with_(valid_every=2, **more)
    whole = trained(recipe, corpus, tmp_path / "whole")
    for step in range(1, whole.step + 1):
        task = EventTask(recipe, corpus)
        parts = train.train(task, recipe, tmp_path / "parts", minutes=0)
        assert parts.step == step
    assert trained(recipe, corpus, tmp_path / "parts") == whole
    for name in (BEST, LAST):
        one, other = (checkpoint.load(tmp_path / n / name) for n in ("whole", "parts"))
        assert same(one, other), name


def test_a_run_that_is_stopped_before_it_is_judged_leaves_weights_to_publish(
    corpus: Packed, tmp_path: Path
) -> None:
    task = EventTask(TINY, corpus)
    progress = train.train(task, TINY, tmp_path, minutes=0)
    assert (progress.step, progress.best_step) == (1, 1)
    best, last = (checkpoint.load(tmp_path / name) for name in (BEST, LAST))
    assert same(best["model"], last["model"])
    assert best["progress"]["best"] == progress.best < 15
    assert last["progress"]["best"] == float("inf")


def test_muon_takes_the_matrices_between_embeddings_and_heads() -> None:
    network = event_task.network(DEEP)
    muon, adam = train.optimisers(network, DEEP.with_(optimiser="muon"))
    taken = {id(w) for group in muon.param_groups for w in group["params"]}
    left = {id(w) for group in adam.param_groups for w in group["params"]}
    names = {n: id(w) for n, w in network.named_parameters()}
    assert taken | left == set(names.values())
    assert not taken & left
    matrices = ("to_qkv", "from_heads", "widen", "narrow")
    assert taken == {i for n, i in names.items() if n.split(".")[-2] in matrices}


def test_training_lowers_the_loss(
    corpus: Packed, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recipe = TINY.with_(steps=40, learning_rate=1e-2, valid_every=40)
    assert trained(recipe, corpus, tmp_path).best < 13.0
    # ln 2 + ln 121 + ln 260 + ln 33 = 14.5
    assert "held out, step 40" in capsys.readouterr().out


def test_a_run_without_improvement_stops_after_its_patience(
    corpus: Packed, tmp_path: Path
) -> None:
    still = TINY.with_(steps=100, learning_rate=0.0, patience=2)
    progress = trained(still, corpus, tmp_path)
    assert (progress.best_step, progress.step) == (3, 3 + 2 * 3)
    assert trained(still, corpus, tmp_path).step == progress.step


def test_training_leaves_torchs_precision_as_it_was(
    corpus: Packed, tmp_path: Path
) -> None:
    before = torch.get_float32_matmul_precision()
    recipe = dataclasses.replace(TINY, matmul="medium", steps=2)
    train.train(EventTask(recipe, corpus), recipe, tmp_path)
    assert before == torch.get_float32_matmul_precision() != "medium"


def test_a_run_stopped_by_its_deadline_leaves_a_checkpoint(
    corpus: Packed, tmp_path: Path
) -> None:
    class Slow(SimulatedClock):
        def now_ns(self) -> int:
            self.wait_until(super().now_ns() + 60_000_000_000)
            return super().now_ns()

    task = EventTask(TINY, corpus)
    progress = train.train(task, TINY, tmp_path, minutes=1.5, clock=Slow())
    assert progress.step == 2
    assert checkpoint.load(tmp_path / LAST)["progress"]["step"] == 2


def test_a_run_begun_with_another_network_is_not_resumed(
    corpus: Packed, tmp_path: Path
) -> None:
    trained(TINY.with_(steps=1), corpus, tmp_path)
    with pytest.raises(SettingsError, match="begun with hidden = 16, not 8"):
        trained(TINY.with_(hidden=8), corpus, tmp_path)


def test_a_recipe_that_is_changed_while_it_runs_is_recorded(
    corpus: Packed, tmp_path: Path
) -> None:
    trained(TINY.with_(steps=3), corpus, tmp_path)
    trained(TINY.with_(steps=3), corpus, tmp_path)
    progress = trained(TINY.with_(steps=6, clip=2.0), corpus, tmp_path)
    wanted = {"step": 3, "steps": [3, 6], "clip": [TINY.clip, 2.0]}
    assert progress.changes == [wanted]
    for name in (BEST, LAST):
        saved = checkpoint.load(tmp_path / name)["progress"]
        assert saved["changes"] == [wanted]
    assert card.changes(saved) == (
        " After step 3 the run went on with `steps` 6 instead of 3, "
        f"`clip` 2.0 instead of {TINY.clip}."
    )


def test_curves_hold_the_losses_of_training_and_of_held_out_music(
    corpus: Packed, tmp_path: Path
) -> None:
    progress = trained(TINY, corpus, tmp_path)
    assert list((tmp_path / "curves").glob("events.out.tfevents.*"))
    curves = EventAccumulator(str(tmp_path / "curves")).Reload()
    parts = ("source", "delta", "key", "velocity", "all")
    wanted = {f"{side}/{part}" for side in ("train", "held out") for part in parts}
    assert set(curves.Tags()["scalars"]) == wanted | {"events a second"}
    judged = {point.step: point.value for point in curves.Scalars("held out/all")}
    assert set(judged) == {3, 6}
    assert min(judged.values()) == pytest.approx(progress.best, abs=1e-4)
    assert [point.step for point in curves.Scalars("train/key")] == [1]


# ── a task whose losses alternate, as a GAN's do ─────────────────────────────────────


class Duel(nn.Module):
    """A generator and a critic, one weight each."""

    def __init__(self) -> None:
        super().__init__()
        self.generator, self.critic = nn.Linear(1, 1), nn.Linear(1, 1)

    def forward(self, noise: Tensor, *, is_judged: bool) -> Tensor:
        if is_judged:
            with torch.no_grad():
                made = self.generator(noise)
            scores: Tensor = self.critic(made)
            return scores
        held = {n: w.detach() for n, w in self.critic.named_parameters()}
        judged: Tensor = torch.func.functional_call(
            self.critic, held, (self.generator(noise),)
        )
        return judged


class DuelTask(Task):
    """The critic learns in even steps, the generator in odd ones."""

    parts = ("critic", "generator")

    def __init__(self) -> None:
        torch.manual_seed(1)
        self.network = Duel()

    def losses(self, step: int) -> Tensor:
        noise = torch.rand(8, 1)[self.mine]
        loss = self.network(noise, is_judged=step % 2 == 0).mean()
        nothing = loss.detach() * 0
        return torch.stack((loss, nothing) if step % 2 == 0 else (nothing, loss))

    def judge(self) -> list[float]:
        return [0.0, 0.0]


@pytest.mark.parametrize("step", [0, 1, 2, 3])
def test_weights_that_a_step_gives_no_gradient_stay_as_they_were(
    step: int, tmp_path: Path
) -> None:
    recipe = TINY.with_(weight_decay=0.1, learning_rate=0.1)
    trainer = train.Trainer(DuelTask(), recipe, tmp_path)
    for _ in range(step):
        trainer.step()
    before = {n: w.detach().clone() for n, w in trainer.inner.named_parameters()}
    trainer.step()
    learner = ("critic", "generator")[step % 2]
    for name, weight in trainer.inner.named_parameters():
        is_same = torch.equal(weight, before[name])
        assert is_same != name.startswith(learner), name


# ── recipes ──────────────────────────────────────────────────────────────────────────


def test_the_learning_rate_rises_and_falls() -> None:
    rates = [train.learning_rate(TINY.with_(steps=100), step) for step in range(101)]
    assert int(np.argmax(rates)) == 1 or rates[2] == max(rates)
    assert rates[-1] == pytest.approx(TINY.learning_rate * TINY.final_share)


@pytest.mark.parametrize("name", preset.names())
def test_every_recipe_can_be_read(name: str) -> None:
    recipe = preset.load(name)
    assert recipe.name == name
    assert json.dumps(recipe.as_dict())
    assert Preset(**recipe.as_dict()) == recipe


class Taste(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a family may know that others do not."""

    spice: float = 0.5


def test_an_option_that_the_family_does_not_know_is_a_sentence() -> None:
    assert TINY.with_(spice=0.9).options_as(Taste) == Taste(0.9)
    with pytest.raises(SettingsError, match=r"tiny.* unknown .*salt.*\.$"):
        TINY.with_(salt=1.0).options_as(Taste)
    with pytest.raises(SettingsError, match=r"tiny.*spice.*\.$"):
        TINY.with_(spice="much").options_as(Taste)


def test_an_unknown_choice_is_refused_with_the_known_ones() -> None:
    with pytest.raises(SettingsError, match="must be one of adamw, muon"):
        TINY.with_(optimiser="sgd")


def test_an_unknown_recipe_is_refused_with_the_known_ones() -> None:
    with pytest.raises(SettingsError, match="event-gru"):
        preset.load("event-organ")


def test_a_damaged_checkpoint_is_named(tmp_path: Path) -> None:
    (tmp_path / LAST).write_bytes(b"not a checkpoint")
    with pytest.raises(FileError, match=LAST):
        checkpoint.load(tmp_path / LAST)
