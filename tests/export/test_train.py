import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("symusic")

import torch

from ripieno.clock import SimulatedClock
from ripieno.errors import FileError, SettingsError
from ripieno_export import checkpoint, preset, train
from ripieno_export.checkpoint import LAST
from ripieno_export.preset import Preset

pytestmark = pytest.mark.torch

TINY = Preset(
    name="tiny",
    hidden=16,
    events=32,
    batch=4,
    steps=6,
    warmup=2,
    matmul="highest",
    threads=1,
    save_every=3,
    valid_every=3,
    valid_crops=4,
)


@pytest.fixture(autouse=True)
def _torch_as_it_was() -> Iterator[None]:
    threads, matmul = torch.get_num_threads(), torch.get_float32_matmul_precision()
    yield
    torch.set_num_threads(threads)
    torch.set_float32_matmul_precision(matmul)


def test_a_resumed_run_ends_as_one_that_was_never_interrupted(
    data: Path, tmp_path: Path
) -> None:
    train.train(TINY, data, tmp_path / "whole")
    clock = SimulatedClock()

    def stop(self: train.Trainer) -> torch.Tensor:
        if self.progress.step == 4:
            raise KeyboardInterrupt
        return step(self)

    step = train.Trainer.step
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(train.Trainer, "step", stop)
        with pytest.raises(KeyboardInterrupt):
            train.train(TINY, data, tmp_path / "parts", clock=clock)
    assert checkpoint.load(tmp_path / "parts" / LAST)["progress"]["step"] == 3
    train.train(TINY, data, tmp_path / "parts", clock=clock)

    whole, parts = (
        checkpoint.load(tmp_path / name / LAST) for name in ("whole", "parts")
    )
    assert whole["progress"] == parts["progress"]
    for name, weight in whole["model"].items():
        assert torch.equal(weight, parts["model"][name]), name


def test_training_lowers_the_loss(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recipe = TINY.with_(steps=40, learning_rate=1e-2)
    progress = train.train(recipe, data, tmp_path)
    assert progress.best < 13.0  # ln 2 + ln 121 + ln 260 + ln 33 = 14.5
    assert "held out, step 40" in capsys.readouterr().out


def test_the_deadline_leaves_a_checkpoint(data: Path, tmp_path: Path) -> None:
    class Slow(SimulatedClock):
        def now_ns(self) -> int:
            self.wait_until(super().now_ns() + 60_000_000_000)
            return super().now_ns()

    progress = train.train(TINY, data, tmp_path, minutes=1.5, clock=Slow())
    assert progress.step == 2
    assert checkpoint.load(tmp_path / LAST)["progress"]["step"] == 2


def test_a_run_begun_with_another_network_is_not_resumed(
    data: Path, tmp_path: Path
) -> None:
    train.train(TINY.with_(steps=1), data, tmp_path)
    with pytest.raises(SettingsError, match="begun with hidden = 16, not 8"):
        train.train(TINY.with_(hidden=8), data, tmp_path)


def test_the_learning_rate_rises_and_falls() -> None:
    rates = [train.learning_rate(TINY.with_(steps=100), step) for step in range(101)]
    assert int(np.argmax(rates)) == 1 or rates[2] == max(rates)
    assert rates[-1] == pytest.approx(TINY.learning_rate * TINY.final_share)


def test_the_published_recipe_can_be_read() -> None:
    recipe = preset.load("event-gru")
    assert recipe.name == "event-gru"
    assert json.dumps(recipe.as_dict())


def test_an_unknown_recipe_names_those_that_there_are() -> None:
    with pytest.raises(SettingsError, match="event-gru"):
        preset.load("event-organ")


def test_a_damaged_checkpoint_is_named(tmp_path: Path) -> None:
    (tmp_path / LAST).write_bytes(b"not a checkpoint")
    with pytest.raises(FileError, match=LAST):
        checkpoint.load(tmp_path / LAST)
