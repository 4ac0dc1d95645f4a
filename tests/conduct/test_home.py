"""The chord with which a song may end."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ripieno.conduct.home import Home
from ripieno.music import chords
from ripieno.music.spans import Span

SONG = (60, 62, 64, 65, 67, 65, 64, 62, 60, 64, 67, 69, 67, 64, 62, 59)


def beat(pitch):
    return Span(((pitch,), (), (), ()), ((pitch,),) * 4)


def heard(*pitches):
    home = Home()
    for pitch in pitches:
        home.hear(beat(pitch))
    return home


def test_nothing_has_no_chord():
    assert heard().chord() == chords.NO_CHORD
    assert not heard().is_last()


@pytest.mark.parametrize(
    ("last", "name", "is_last"),
    [(60, "C", True), (64, "C", False), (67, "C", False), (69, "Am", True)],
)
def test_it_is_the_tonic_and_after_the_sixth_degree_that_of_the_relative_minor(
    last, name, is_last
):
    home = heard(*SONG, *SONG, last)
    assert chords.name_of(home.chord()) == name
    assert home.is_last() == is_last


@given(st.integers(-12, 12))
def test_it_moves_with_the_song(steps):
    moved = heard(*(pitch + steps for pitch in (*SONG, 60)))
    assert chords.root_of(moved.chord()) == steps % 12


def test_a_song_that_changed_its_key_ends_in_the_new_one():
    new = tuple(pitch + 2 for pitch in SONG)
    home = heard(*SONG * 12, *new * 6, 62)
    assert chords.name_of(home.chord()) == "D"
