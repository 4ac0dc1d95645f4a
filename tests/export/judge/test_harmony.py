import numpy as np
import pytest
from tests.export.judge.tunes import chords, notes, piece

from ripieno.music.chords import NO_CHORD, name_of, named
from ripieno_export.judge import harmony
from ripieno_export.judge.take import chords_in


@pytest.mark.parametrize(
    ("label", "name"),
    [
        ("Bb:min7/F", "Bbm7"),
        ("F#:1/Eb", "F#"),
        ("G:9(#5)", "G7"),
        ("C:sus4(7,9)", "Csus4"),
        ("A:(0,4,7,10,14,18)", "A7"),
        ("X:0,3,7@A", "Am"),
        ("N", "-"),
        ("no chord", "-"),
    ],
)
def test_labels_of_data_sets_are_heard_as_the_nearest_chord(label, name):
    assert name_of(harmony.label_chord(label)) == name


def test_labels_fill_their_frames():
    found = harmony.chords_at([(0.0, 1.0, "C:maj"), (1.5, 2.0, "G:7")], 8)
    g7 = named("G7")
    assert found.tolist() == [named("C")] * 4 + [NO_CHORD] * 2 + [g7] * 2


def test_block_chords_are_heard_as_themselves():
    played = notes(
        (0, 8, 48), (0, 8, 52), (0, 8, 55), (8, 16, 45), (8, 16, 48), (8, 16, 52)
    )
    found = chords_in(played, piece(notes()))
    assert np.array_equal(found, chords("C", "C", "Am", "Am"))


def test_the_bass_decides_between_chords_of_the_same_notes():
    c6 = notes((0, 4, 48), (0, 4, 52), (0, 4, 55), (0, 4, 57))
    am7 = notes((0, 4, 45), (0, 4, 48), (0, 4, 52), (0, 4, 55))
    assert name_of(int(chords_in(c6, piece(notes()))[0])) == "C6"
    assert name_of(int(chords_in(am7, piece(notes()))[0])) == "Am7"


def test_a_chord_is_held_over_a_short_rest_and_not_over_a_long_one():
    played = notes((0, 4, 48), (0, 4, 52), (0, 4, 55))
    found = chords_in(played, piece(notes(), frames=64))
    assert found[15] == named("C")
    assert found[24] == NO_CHORD
