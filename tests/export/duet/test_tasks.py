"""The duet's two tasks: their batches, and runs of them."""

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("symusic")

import torch
from tests.export import resuming, tiny
from tests.export.duet.walks import MADE, song, tokens_of

from ripieno.clock import SimulatedClock
from ripieno.layouts import duet
from ripieno_export import train
from ripieno_export.duet import packing
from ripieno_export.duet.harmony_task import HarmonyTask
from ripieno_export.duet.texture_task import TextureTask, crop_of
from ripieno_export.preset import Preset
from ripieno_export.task import Task

pytestmark = [pytest.mark.torch, pytest.mark.usefixtures("torch_as_it_was")]

TINY = tiny.TINY.with_(hidden=8, events=48, warmup=1)


# ── crops ────────────────────────────────────────────────────────────────────────────


def texture_task(*, corrupts: bool, preset: Preset = TINY) -> TextureTask:
    learned = [tokens_of(piece) for piece in MADE]
    return TextureTask(preset, learned, [tokens_of(song(9))], corrupts=corrupts)


def test_a_corrupted_past_keeps_the_right_answers() -> None:
    """The same draws with and without: targets and lengths are the same."""
    clean, false = (texture_task(corrupts=corrupts) for corrupts in (False, True))
    changed = 0
    for seed in range(60):
        one, other = (
            task._crop(np.random.default_rng(seed)) for task in (clean, false)
        )
        np.testing.assert_array_equal(one[3], other[3])
        np.testing.assert_array_equal(one[4], other[4])
        changed += not np.array_equal(one[0], other[0])
        ends = one[0] == duet.NEXT
        np.testing.assert_array_equal(ends, other[0] == duet.NEXT)
        ring = slice(duet.RINGING, duet.RINGING + duet.HEIGHTS)
        assert (other[2][:, ring] <= one[2][:, ring]).all()
        rest = np.delete(one[2], np.r_[ring], axis=1)
        np.testing.assert_array_equal(rest, np.delete(other[2], np.r_[ring], axis=1))
    assert changed > 10


def test_a_crop_is_filled_up_with_what_is_no_target() -> None:
    tokens = tokens_of(song(8))
    token, length, rows, told, lengths = crop_of(
        tokens.columns[:20], tokens.sounding[:20], 32
    )
    assert (told[20:] == -1).all()
    assert (lengths[20:] == -1).all()
    assert not rows[20:].any()
    assert (len(token), len(length), len(rows)) == (32, 32, 32)
    np.testing.assert_array_equal(token[1:20], told[:19])
    assert token[0] == duet.NEXT
    assert ((lengths >= 0) == (told > 0)).all()


def test_a_batch_is_a_function_of_seed_and_step() -> None:
    sure = TINY.with_(dropout=0.0)
    one, two = (texture_task(corrupts=True, preset=sure) for _ in range(2))
    assert torch.equal(one.losses(5), two.losses(5))
    assert not torch.equal(one.losses(5), one.losses(6))


# ── runs ──────────────────────────────────────────────────────────────────────────────


def harmony_task() -> HarmonyTask:
    learned = [packing.spans_of(piece) for piece in MADE]
    return HarmonyTask(TINY, learned, learned[:1], odds=[1, 2, 1, 1])


@pytest.mark.parametrize("kind", ["harmony", "texture"])
def test_a_resumed_run_ends_as_one_that_was_never_interrupted(
    kind: str, tmp_path: Path
) -> None:
    def make() -> Task:
        if kind == "harmony":
            return harmony_task()
        return texture_task(corrupts=True)

    resuming.assert_it_ends_the_same(make, TINY, tmp_path, at=4)


def test_training_lowers_the_loss(tmp_path: Path) -> None:
    recipe = TINY.with_(steps=30, learning_rate=2e-2, valid_every=30)
    with torch.no_grad():
        before = sum(texture_task(corrupts=False, preset=recipe).judge())
    task = texture_task(corrupts=False, preset=recipe)
    assert train.train(task, recipe, tmp_path, clock=SimulatedClock()).best < before
