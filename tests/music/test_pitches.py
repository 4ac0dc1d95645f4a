"""Names of keys."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ripieno.music import pitches


@given(st.integers(0, pitches.HIGHEST))
def test_a_key_is_read_back_from_its_name(pitch):
    assert pitches.parse(pitches.name_of(pitch)) == pitch


@pytest.mark.parametrize(
    ("name", "pitch"),
    [
        ("C4", 60), ("c4", 60), (" A4 ", 69), ("F#3", 54), ("Bb2", 46), ("C-1", 0),
        ("G9", 127), ("Cb4", 59), ("B#3", 60), ("F##3", 55),
    ],
)  # fmt: skip
def test_a_name_is_read_in_scientific_pitch_notation(name, pitch):
    assert pitches.parse(name) == pitch


@pytest.mark.parametrize("name", ["", "4", "H4", "C", "C#", "C4 D4", "C100", "60"])
def test_what_names_no_key_is_refused_with_an_example(name):
    with pytest.raises(ValueError, match="write one such as C4"):
        pitches.parse(name)


@pytest.mark.parametrize("name", ["Cb-1", "G#9", "C10", "C-2"])
def test_a_key_that_midi_does_not_have_is_refused(name):
    with pytest.raises(ValueError, match="C-1 to G9"):
        pitches.parse(name)
