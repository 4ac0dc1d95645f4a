"""What is added to a texture in a rest, and left out beside a busy soloist."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.seated import cue

from ripieno.conduct.filling import HIGH, LOW, Filling
from ripieno.music import chords
from ripieno.music.spans import Note

BEAT_S = 0.5


def heard(*frames):
    filling = Filling()
    for frame in frames:
        filling.on_note(frame)
    return filling


@pytest.mark.parametrize(
    ("last", "sounds", "expected"),
    [(35, False, True), (36, False, False), (35, True, False), (40, False, False)],
)
def test_a_rest_is_a_beat_without_a_note_more_than_a_beat_after_the_last_onset(
    last, sounds, expected
):
    assert heard(last).is_rest(40, 4, sounds=sounds) == expected


def test_there_is_no_rest_before_the_soloist_has_played():
    assert not heard().is_rest(40, 4, sounds=False)


def test_a_beat_without_a_note_half_way_is_given_a_tone_of_the_chord():
    (added,) = heard(0).fill(cue(4, "C"), [Note(0, 60, 4)], 4, BEAT_S)
    assert (added.frame, added.pitch) == (2, 64)


def test_a_beat_with_a_note_half_way_is_left_as_it_is():
    assert heard(0).fill(cue(4, "C"), [Note(2, 60, 4)], 4, BEAT_S) == []


def test_a_dotted_beat_is_filled_with_eighths():
    added = heard(0).fill(cue(4, "C"), [], 6, BEAT_S)
    assert [note.frame for note in added] == [2, 4]


@pytest.mark.parametrize(
    ("span_s", "frames", "expected"),
    [(0.3, 4, [0]), (0.74, 4, [2]), (0.75, 4, [2, 3]), (0.8, 6, [2, 4, 5])],
)
def test_a_slow_beat_is_filled_with_more_notes_and_a_fast_one_on_the_beat(
    span_s, frames, expected
):
    added = heard(0).fill(cue(4, "C"), [], frames, span_s)
    assert [note.frame for note in added] == expected
    assert all(note.frame + note.frames <= frames for note in added)
    assert heard(0).fill(cue(4, "C"), added, frames, span_s) == []


@given(st.lists(st.sampled_from(["C", "Am", "F#7", "Bbm7b5", "Edim"]), min_size=40))
def test_fills_are_a_line_of_chord_tones_that_rises_and_falls(names):
    filling = heard(0)
    line = []
    for index, name in enumerate(names):
        (note,) = filling.fill(cue(index, name), [], 4, BEAT_S)
        assert note.pitch % 12 in chords.pitch_classes(chords.named(name))
        line.append(note.pitch)
    assert LOW - 10 <= min(line) <= max(line) <= HIGH + 10
    assert line != sorted(line)


def test_a_busy_soloist_covers_the_notes_between_eighths():
    notes = [Note(frame, 60, 1) for frame in range(4)]
    busy, calm = heard(40, 41, 42), heard(36, 38, 42)
    assert [n.frame for n in busy.thinned(notes, 40, 4)] == [0, 2]
    assert calm.thinned(notes, 40, 4) == notes
