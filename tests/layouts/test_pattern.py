"""The loop's vocabulary: rolls, roots, metres."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ripieno.layouts import pattern
from ripieno.layouts.pattern import ONSET, SOUND, STEPS
from ripieno.music import chords
from ripieno.music.chords import NO_CHORD
from ripieno.music.spans import Note

C, F, G, FIS, AM = (chords.named(name) for name in ("C", "F", "G", "F#", "Am7"))


@given(
    st.dictionaries(
        st.tuples(st.integers(0, 15), st.integers(40, 70)), st.integers(1, 16)
    ),
    st.integers(-5, 6),
)
def test_notes_are_the_inverse_of_a_roll_where_they_do_not_overlap(lengths, shift):
    wanted = []
    for (step, pitch), length in sorted(lengths.items()):
        later = [s for s, p in lengths if p == pitch and s > step]
        most = min([STEPS, *later]) - step
        wanted.append(Note(step, pitch, min(length, most)))
    found = pattern.notes_of(pattern.roll_of(wanted, shift), shift)
    assert found == tuple(wanted)


def test_a_hold_without_an_onset_is_no_note():
    roll = np.zeros((2, STEPS, pattern.ROWS), np.bool_)
    roll[SOUND, 2:6, 20] = True
    assert pattern.notes_of(roll, 0) == ()
    roll[ONSET, 4, 20] = True
    assert pattern.notes_of(roll, 0) == (Note(4, 44, 2),)


def test_what_leaves_the_rows_moves_in_by_octaves():
    roll = pattern.roll_of([Note(0, 12, 4), Note(0, 120, 4)], 0)
    pitches = [note.pitch for note in pattern.notes_of(roll, 0)]
    assert pitches == [24, 72]


def test_a_root_lies_at_most_a_tritone_from_c():
    roots = [pattern.shift_of([chords.chord(root)]) for root in range(12)]
    assert roots == [0, 1, 2, 3, 4, 5, 6, -5, -4, -3, -2, -1]


def test_silence_has_the_root_of_what_comes_after_it_or_c():
    assert pattern.shift_of([NO_CHORD, G, C, C]) == -5
    assert pattern.shift_of([NO_CHORD] * 4) == 0


def test_every_key_is_told_alike():
    bars = [[C, AM, F, G], [chords.transposed(c, 5) for c in (C, AM, F, G)]]
    one, two = (pattern.chord_input(bar, pattern.shift_of(bar)) for bar in bars)
    assert np.array_equal(one, two)


def test_a_chord_is_told_by_its_notes_and_its_root():
    told = pattern.chord_input([C, NO_CHORD, F, G], 0)
    assert np.flatnonzero(told[0]).tolist() == [0, 4, 7, 12]
    assert np.flatnonzero(told[1]).tolist() == []
    assert np.flatnonzero(told[2]).tolist() == [0, 5, 9, 12 + 5]


def test_a_density_is_told_as_a_class_and_none_as_unknown():
    few, many, free = (pattern.manner_input(n, has_before=False) for n in (3, 40, None))
    assert few.tolist()[0] == many.tolist()[len(pattern.CROWDS)] == 1
    assert free.argmax() == pattern.UNKNOWN
    assert pattern.manner_input(3, has_before=True)[-1] == 1


@pytest.mark.parametrize(
    ("steps", "span", "expected"),
    [
        (16, 4, tuple(range(16))),
        (12, 4, tuple(range(12))),  # 3/4
        (20, 4, (*range(16), 0, 1, 2, 3)),  # 5/4
        (12, 6, (*range(6), *range(8, 14))),  # 6/8
        (18, 6, (*range(6), *range(8, 14), *range(6))),  # 9/8
        (14, 2, tuple(range(14))),  # 7/8
        (5, 1, tuple(range(5))),  # 5/16
    ],
)
def test_other_metres_read_the_same_steps_in_another_order(steps, span, expected):
    assert pattern.steps_of(steps, span) == expected


def test_the_layout_has_a_name_that_changes_with_it(monkeypatch):
    before = pattern.fingerprint()
    assert len(before) == 16
    monkeypatch.setattr(pattern, "ROWS", 61)
    assert pattern.fingerprint() != before
