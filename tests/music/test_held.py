"""The chords that held keys make."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ripieno.music import chords
from ripieno.music.held import Held, named

CHORDS = st.integers(0, chords.N_CHORDS - 1).filter(lambda c: c != chords.NO_CHORD)


@pytest.mark.parametrize(
    ("keys", "name"),
    [
        ((48, 52, 55), "C"),
        ((48, 51, 55), "Cm"),
        ((52, 55, 60), "C/E"),
        ((48, 52, 55, 58), "C7"),
        ((48, 52, 55, 57), "C6"),
        ((45, 48, 52, 55), "Am7"),
        ((48, 55), "C"),
        ((48, 52, 58), "C7"),
        ((48, 52, 55, 58, 62), "C7"),
        ((48, 50, 52, 55), "C"),
    ],
)
def test_keys_make_the_chord_that_an_arranger_keyboard_names(keys, name):
    assert str(named(keys)) == name


@pytest.mark.parametrize("keys", [(), (48,), (48, 60), (48, 49, 50), (48, 52)])
def test_too_few_keys_or_a_cluster_make_no_chord(keys):
    assert named(keys) is None


@pytest.mark.parametrize("keys", [(48, 55), (48, 52, 58), (48, 52, 55, 58, 62)])
def test_richer_and_incomplete_chords_can_be_left_out(keys):
    assert named(keys) is not None
    assert named(keys, only_plain=True) is None


@given(CHORDS)
def test_the_notes_of_a_chord_on_its_root_make_that_chord(chord):
    root = chords.root_of(chord)
    keys = [48 + root + (each - root) % 12 for each in chords.pitch_classes(chord)]
    assert named(keys) == Held(chord, root)


@given(st.sets(st.integers(36, 59), max_size=6), st.integers(-2, 2))
def test_octaves_and_order_do_not_matter_but_the_lowest_key_does(keys, octaves):
    found = named(keys)
    assert named(sorted(keys, reverse=True)) == found
    assert named({key + 12 * octaves for key in keys}) == found
    if found is not None:
        assert found.bass == min(keys) % 12
        assert named({*keys, max(keys) + 12}) == found
