"""The belief about the key."""

import pytest

from ripieno.rules.keys import Keys

MAJOR = (0, 2, 4, 5, 7, 9, 11)
TUNE = (67, 72, 71, 72, 74, 76, 74, 72, 71, 69, 67, 65, 64, 62, 60)
LAMENT = (69, 72, 71, 69, 68, 69, 76, 74, 72, 71, 69, 68, 69)


def after(pitches, keys=None):
    keys = keys or Keys()
    for pitch in pitches:
        keys.hear(pitch)
    return keys


def best(keys):
    """The three pitch classes that end a phrase best, the best first."""
    return keys.rests().argsort()[:-4:-1].tolist()


@pytest.mark.parametrize("by", range(12))
def test_a_tune_is_heard_in_its_key_at_any_pitch(by):
    keys = after([pitch + by for pitch in TUNE])
    assert set(best(keys)) == {(pc + by) % 12 for pc in (0, 4, 7)}
    assert best(keys)[0] == by
    tones = keys.tones()
    assert min(tones[(pc + by) % 12] for pc in MAJOR) > 0.9


def test_a_minor_tune_is_heard_in_minor_with_both_sevenths():
    keys = after(LAMENT)
    assert set(best(keys)) == {9, 0, 4}
    assert best(keys)[0] == 9
    assert min(keys.tones()[[7, 8]]) > 0.9


def test_after_one_note_the_note_itself_is_certain_and_several_keys_are_possible():
    tones = after([67]).tones()
    assert tones[7] > 0.95
    assert 0.4 < tones[11] < 0.9
    assert 0.2 < tones[10] < 0.6


def test_it_follows_a_modulation():
    keys = after([pitch + 7 for pitch in TUNE], after(TUNE))
    assert best(keys)[0] == 7
    assert keys.tones()[6] > 0.9
    keys = after([pitch + 4 for pitch in TUNE], keys)
    tones = keys.tones()
    assert min(tones[(pc + 4) % 12] for pc in MAJOR) > 0.9
    assert tones[7] < 0.1


def test_a_chromatic_neighbour_is_no_modulation():
    keys = after((*TUNE, 67, 66, 67, 64, 60))
    assert best(keys)[0] == 0


def test_a_reset_forgets():
    keys = after(TUNE)
    keys.reset()
    assert keys.tones().tolist() == Keys().tones().tolist()
