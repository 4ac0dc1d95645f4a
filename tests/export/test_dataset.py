from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("symusic")

from ripieno.layouts.vocabulary import N_DOWN
from ripieno_export import dataset
from ripieno_export.augment import TRAINING, transpose, vary
from ripieno_export.dataset import Packed
from ripieno_export.tokenize import NOTE, Notes, tokenize
from ripieno_export.turns import by_turn, deal


@pytest.fixture(scope="module")
def packed(data: Path) -> Packed:
    return dataset.pack(data)


def crop(seed: int, count: int = 60) -> Notes:
    rng = np.random.default_rng(seed)
    notes = np.zeros(count, NOTE)
    notes["start"] = np.sort(rng.integers(0, 80, count) * 0.125)
    notes["end"] = notes["start"] + rng.integers(1, 8, count) * 0.125
    notes["pitch"] = rng.integers(21, 109, count)
    notes["velocity"] = 64
    notes["track"] = rng.integers(0, 2, count)
    return notes


seeds = st.integers(0, 2**32 - 1)


@given(seed=seeds, engraved=st.booleans(), flat=st.booleans())
def test_every_down_has_its_up_after_it_whatever_the_variation(
    *, seed: int, engraved: bool, flat: bool
) -> None:
    rng = np.random.default_rng(seed)
    notes = vary(crop(seed), TRAINING, rng, engraved=engraved, flat=flat)
    notes = notes[np.argsort(notes["start"])]
    sounding: set[tuple[int, int]] = set()
    for source, _, key, level in tokenize(notes, deal(notes, rng)).tolist():
        if key < N_DOWN:
            assert (source, key) not in sounding
            assert level > 0
            sounding.add((source, key))
        else:
            sounding.remove((source, key - N_DOWN))
            assert level == 0
    assert not sounding


@given(seeds)
def test_transposition_keeps_every_interval(seed: int) -> None:
    notes = crop(seed)
    moved = transpose(notes, TRAINING, np.random.default_rng(seed))
    shift = moved["pitch"].astype(int) - notes["pitch"]
    assert len(set(shift)) == 1
    assert abs(shift[0]) <= 6


@given(seeds)
def test_turns_alternate_and_cover_every_note(seed: int) -> None:
    source = by_turn(crop(seed), np.random.default_rng(seed))
    assert set(source) <= {0, 1}
    assert len(source) == 60


def test_a_turn_changes_at_the_longest_silence() -> None:
    notes = np.zeros(8, NOTE)
    notes["start"] = [0, 0.5, 1, 1.5, 6, 6.5, 7, 7.5]
    for seed in range(20):
        source = by_turn(notes, np.random.default_rng(seed))
        changes = np.flatnonzero(np.diff(source)) + 1
        assert all(change in {4, 5, 6, 7} for change in changes)


def test_a_batch_is_a_function_of_seed_and_step(packed: Packed) -> None:
    first = dataset.Crops(packed, 64, held_out=False).batch(1, 7, 8)
    again = dataset.Crops(packed, 64, held_out=False).batch(1, 7, 8)
    other = dataset.Crops(packed, 64, held_out=False).batch(1, 8, 8)
    assert (first.events == again.events).all()
    assert not (first.events == other.events).all()


def test_packed_pieces_are_read_back_unchanged(packed: Packed, tmp_path: Path) -> None:
    dataset.save(packed, tmp_path / "corpus")
    back = dataset.load(tmp_path / "corpus")
    assert (back.notes == packed.notes).all()
    assert back.origins == packed.origins
    assert back.refused == packed.refused


def test_no_piece_is_in_both_training_and_validation(packed: Packed) -> None:
    titles = [packed.held_out[packed.origin == n] for n in range(len(packed.origins))]
    assert any(side.any() for side in titles)
    assert all((~side).any() for side in titles)


def test_a_crop_starts_from_silence_with_a_down(packed: Packed) -> None:
    batch = dataset.Crops(packed, 64, held_out=True).batch(3, 0, 16)
    assert (batch.events[:, 0, 1] == 0).all()
    assert (batch.events[:, 0, 2] < N_DOWN).all()
    assert batch.real.any(1).all()
