import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ripieno.layouts.likeness import (
    BEATS,
    HOP_BEATS,
    MOST_WINDOWS,
    ROWS,
    RUNS,
    STEPS,
    cut,
    fingerprint,
    in_order,
    phrases,
    rolls_of,
    runs,
    starts_of,
    upper_line,
)

MIDDLE = ROWS // 2


def played(*notes):
    """Notes as (onset, end, pitch), in beats."""
    return in_order(np.array(notes, np.float64).reshape(-1, 3))


def scale(length, first=60):
    """A note a beat, up and down a fifth."""
    steps = (0, 2, 4, 5, 7, 5, 4, 2)
    return played(*((n, n + 1, first + steps[n % 8]) for n in range(length)))


def window(notes, start=0.0):
    """The roll of the window that begins there."""
    return rolls_of(*cut(notes, np.array([start])), 1)[0]


def cells(roll):
    """(step, semitones from the middle) of each cell that is set."""
    return [(int(t), int(row) - MIDDLE) for t, row in np.argwhere(roll)]


def test_a_note_is_struck_once_and_sounds_until_it_ends():
    struck, sounding = window(played((1, 2, 64)))
    assert cells(struck) == [(4, 0)]
    assert cells(sounding) == [(4, 0), (5, 0), (6, 0), (7, 0)]


def test_a_note_from_before_the_window_sounds_and_is_not_struck():
    struck, sounding = window(played((2, 5, 64), (5, 6, 65)), start=4.0)
    assert [step for step, _ in cells(struck)] == [4]
    assert [step for step, _ in cells(sounding)] == list(range(8))


def test_a_note_from_after_the_window_is_not_in_it():
    whole = window(scale(8))
    assert np.array_equal(whole, window(scale(16)))


def test_the_shortest_note_is_a_step_long():
    _, sounding = window(played((0, 0.01, 60)))
    assert cells(sounding) == [(0, 0)]


@given(st.integers(-40, 40))
def test_a_transposed_copy_is_the_same_roll(semitones):
    moved = scale(32) + np.array((0, 0, semitones))
    assert np.array_equal(phrases(scale(32))[0], phrases(moved)[0])


def test_a_piece_that_begins_later_has_the_same_rolls_later():
    rolls, starts = phrases(scale(32))
    later, later_starts = phrases(scale(32) + np.array((12, 12, 0)))
    assert np.array_equal(rolls, later)
    assert np.array_equal(starts + 12, later_starts)


def test_moving_it_off_its_centre_moves_every_row():
    window_of, notes = cut(scale(8), np.zeros(1))
    plain = rolls_of(window_of, notes, 1)
    away = rolls_of(window_of, notes, 1, np.array([3]))
    assert np.array_equal(np.roll(plain, 3, axis=-1), away)


@given(
    st.lists(
        st.tuples(st.floats(0, 60), st.floats(0, 4), st.integers(0, 127)),
        min_size=1,
        max_size=60,
    )
)
def test_any_pitch_lies_on_the_roll(notes):
    played_ = played(*((onset, onset + length, p) for onset, length, p in notes))
    rolls, starts = phrases(played_)
    assert rolls.shape == (len(starts), 2, STEPS, ROWS)
    assert set(np.unique(rolls)) <= {0.0, 1.0}
    assert (rolls[:, 0] <= rolls[:, 1]).all()
    assert (rolls[:, 0].sum((1, 2)) >= 1).all()


def test_windows_begin_every_four_beats_and_the_last_holds_the_end():
    assert starts_of(scale(20)).tolist() == [0, 4, 8, 12]
    assert starts_of(scale(BEATS)).tolist() == [0]


def test_windows_that_are_nearly_empty_are_left_out():
    gap = np.concatenate([scale(8), scale(8) + np.array((40, 40, 0))])
    starts = starts_of(gap)
    assert starts.tolist() == [0, 4, 36, 40]


def test_too_little_music_has_no_window():
    assert not len(starts_of(played()))
    assert not len(starts_of(scale(3)))
    assert phrases(scale(3))[0].shape == (0, 2, STEPS, ROWS)


def test_of_a_long_piece_windows_are_taken_evenly():
    starts = starts_of(scale(HOP_BEATS * 4 * MOST_WINDOWS))
    assert len(starts) == MOST_WINDOWS
    gaps = np.diff(starts)
    assert gaps.max() - gaps.min() <= HOP_BEATS


@pytest.mark.parametrize("pitch", [0, 127])
def test_what_lies_far_off_is_folded_in_by_octaves(pitch):
    notes = played(*((n, n + 1, 60) for n in range(8)), (2, 3, pitch))
    struck, _ = window(notes)
    rows = sorted({row for _, row in cells(struck)})
    assert len(rows) == 2
    assert (rows[1] - rows[0] - abs(pitch - 60)) % 12 == 0


def test_the_upper_line_is_the_highest_of_each_onset():
    chords = played((0, 1, 60), (0, 1, 67), (1, 2, 64), (1, 2, 48))
    assert upper_line(chords)[:, 2].tolist() == [67, 64]


def test_notes_of_a_strummed_chord_begin_together():
    strummed = played((0, 1, 67), (0.05, 1, 60), (0.5, 1, 64))
    assert upper_line(strummed)[:, 2].tolist() == [67, 64]


def test_each_run_of_three_intervals_is_counted():
    counts = runs(scale(17))
    assert counts.shape == (RUNS,)
    assert counts.sum() == 17 - 3
    assert sorted(counts[counts > 0].tolist()) == [1, 1, 2, 2, 2, 2, 2, 2]


@given(st.integers(-40, 40), st.floats(0.5, 2))
def test_runs_are_the_same_in_another_key_and_tempo(semitones, stretch):
    moved = scale(32) * (stretch, stretch, 1) + (0, 0, semitones)
    assert np.array_equal(runs(scale(32)), runs(moved))


def test_other_music_has_other_runs():
    backwards = scale(32)
    backwards[:, 2] = backwards[::-1, 2]
    assert not np.array_equal(runs(scale(32)), runs(backwards[:-3]))


def test_fewer_than_four_notes_are_no_run():
    assert not runs(played()).any()
    assert not runs(scale(3)).any()
    assert runs(scale(4)).sum() == 1


def test_the_layout_has_a_name():
    assert len(fingerprint()) == 16
