"""Several processes train one network: real ones, over loopback."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("torch")
pytest.importorskip("lightning_fabric")
pytest.importorskip("symusic")

import torch
from tests.export.scaled import ONE_STEP

from ripieno_export import checkpoint, event_task, train
from ripieno_export.checkpoint import BEST, LAST
from ripieno_export.cli import main
from ripieno_export.dataset import Crops
from ripieno_export.event_task import CORPUS, EventTask

pytestmark = pytest.mark.torch


def in_two_processes(*command: str) -> str:
    """Run a command under torchrun; what it printed."""
    torchrun = (
        sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2",
        "--standalone", "--local-addr", "127.0.0.1",
    )  # fmt: skip
    own = {"OMP_NUM_THREADS": "1", "GLOO_SOCKET_IFNAME": "lo"}
    done = subprocess.run(
        [*torchrun, *command],
        env=os.environ | own,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.slow
def test_two_processes_pack_once_train_and_leave_one_checkpoint(
    data: Path, tmp_path: Path
) -> None:
    said = in_two_processes(
        "-m", "--", "ripieno_export.cli", "train", "event-gru",
        "--data", str(data), "--run", str(tmp_path), "--steps", "1",
    )  # fmt: skip
    assert said.count("packing") == 1
    assert said.count("held out, step 1") == 1
    left = {path.name for path in tmp_path.iterdir()}
    assert left == {CORPUS, BEST, LAST, "curves"}
    assert len(list((tmp_path / "curves").iterdir())) == 1
    assert checkpoint.load(tmp_path / LAST)["progress"]["step"] == 1


@pytest.mark.slow
def test_two_processes_with_half_a_batch_each_take_the_step_of_one(
    data: Path, tmp_path: Path
) -> None:
    packed = event_task.packed(data, tmp_path)
    crops = Crops(packed, ONE_STEP.events, held_out=False)
    assert crops.batch(ONE_STEP.seed, 0, ONE_STEP.batch).real.all()
    child = str(Path(__file__).with_name("scaled.py"))
    in_two_processes(child, str(tmp_path / CORPUS), str(tmp_path / "two"))
    train.train(EventTask(ONE_STEP, packed), ONE_STEP, tmp_path / "one")

    one, two = (checkpoint.load(tmp_path / name / LAST) for name in ("one", "two"))
    assert two["progress"]["best"] == pytest.approx(one["progress"]["best"], rel=1e-5)
    for name, weight in one["model"].items():
        torch.testing.assert_close(two["model"][name], weight, rtol=0.0, atol=1e-5)
    gradients = [
        [state["exp_avg"] for state in run["optimisers"][0]["state"].values()]
        for run in (one, two)
    ]
    for alone, shared in zip(*gradients, strict=True):
        torch.testing.assert_close(shared, alone, rtol=1e-4, atol=1e-8)


@pytest.mark.slow
def test_two_processes_drop_different_units(tmp_path: Path) -> None:
    in_two_processes(str(Path(__file__).with_name("dropping.py")), str(tmp_path))
    one, other = (torch.load(tmp_path / f"0 {rank}.pt") for rank in (0, 1))
    assert 64 < int((one != other).sum()) < 192  # of 256; by chance a half


def test_several_processes_do_not_publish(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("WORLD_SIZE", "2")
    assert main(["make", "event-gru", "--data", str(tmp_path)]) == 2
    assert "2 processes cannot publish" in capsys.readouterr().err
