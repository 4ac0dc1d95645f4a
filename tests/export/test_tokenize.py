import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("symusic")

from ripieno.layouts.vocabulary import N_DOWN, delta_of, down, up
from ripieno_export.tokenize import (
    NOTE,
    Ints,
    Notes,
    detokenize,
    encode,
    release,
    timed,
    tokenize,
)


def notes(*rows: tuple[float, float, int, int]) -> Notes:
    return np.array([(*row, 0) for row in rows], NOTE)


def by(source: int, count: int) -> Ints:
    return np.full(count, source, np.int64)


def test_a_chord_comes_up_before_the_next_goes_down() -> None:
    played = notes((0, 1, 60, 64), (0, 1, 64, 64), (1, 2, 62, 64))
    keys = tokenize(played, by(0, 3))[:, 2].tolist()
    assert keys == [down(60), down(64), up(60), up(64), down(62), up(62)]


def test_a_pitch_struck_again_is_released_first() -> None:
    played = notes((0, 3, 60, 64), (1, 2, 60, 64))
    events = tokenize(played, by(0, 2))
    assert events[:, 2].tolist() == [down(60), up(60), down(60), up(60)]
    assert events[:, 1].tolist() == [0, delta_of(1.0), 0, delta_of(1.0)]


def test_a_unison_of_two_hands_is_one_note() -> None:
    kept, _ = release(notes((0, 1, 60, 64), (0, 2, 60, 70)), by(0, 2))
    assert len(kept) == 1
    assert kept["end"][0] == 2


def test_each_source_holds_its_own_keys() -> None:
    events = tokenize(notes((0, 3, 60, 64), (1, 2, 60, 64)), np.array([0, 1]))
    assert events[:, 0].tolist() == [0, 1, 1, 0]


def test_what_comes_up_has_no_velocity_and_what_goes_down_has_one() -> None:
    events = tokenize(notes((0, 1, 60, 1), (0.5, 1, 64, 127)), by(0, 2))
    assert events[:, 3].tolist() == [1, 32, 0, 0]


def test_pedals_are_keys() -> None:
    events = tokenize(notes((0, 1, 128, 127), (0.2, 0.8, 60, 64)), by(1, 2))
    assert events[:, 2].tolist() == [down(128), down(60), up(60), up(128)]


def test_a_long_silence_falls_in_the_last_bin() -> None:
    assert encode(np.array([0.0, 60.0]), np.zeros((2, 3), int))[1, 1] == 120


one_note = st.tuples(
    st.integers(0, 400), st.integers(2, 100), st.integers(0, 129), st.integers(1, 127)
)


@given(st.lists(one_note, min_size=1, max_size=40), st.integers(0, 2**32 - 1))
def test_notes_survive_the_round_trip(
    rows: list[tuple[int, int, int, int]], seed: int
) -> None:
    played = notes(*((s / 20, (s + d) / 20, p, v) for s, d, p, v in rows))
    source = np.random.default_rng(seed).integers(0, 2, len(played))
    kept, whose = release(played, source)
    events = tokenize(played, source)
    back, sources = detokenize(events)
    assert len(events) == 2 * len(kept)
    assert sorted(zip(kept["pitch"], whose, strict=True)) == sorted(
        zip(back["pitch"], sources, strict=True)
    )
    assert (np.abs(back["velocity"].astype(int)) <= 126).all()
    downs = events[:, 2] < N_DOWN
    assert ((events[:, 3] > 0) == downs).all()
    time_s, _ = timed(played, source)
    assert (np.diff(time_s) >= 0).all()
    assert (tokenize(back, sources)[:, [0, 2, 3]] == events[:, [0, 2, 3]]).all() or (
        np.diff(time_s) == 0
    ).any()
