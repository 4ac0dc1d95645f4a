import numpy as np
from tests.export.judge.tunes import chords, notes, piece, scale

from ripieno.music.chords import named
from ripieno_export.judge import pieces


def test_of_notes_that_sound_together_the_latest_is_heard_until_it_ends():
    heard = pieces.line(notes((0, 8, 60), (2, 4, 67)), 9)
    assert heard.tolist() == [60, 60, 67, 67, 60, 60, 60, 60, -1]


def test_of_notes_that_begin_together_the_highest_is_heard():
    assert pieces.line(notes((0, 2, 72), (0, 2, 60)), 3).tolist() == [72, 72, -1]


def test_every_sounding_note_of_a_pitch_class_is_counted():
    counted = pieces.counts(notes((0, 2, 60), (1, 3, 72), (2, 4, 67)), 4)
    assert counted[:, 0].tolist() == [1, 2, 1, 0]
    assert counted[:, 7].tolist() == [0, 0, 1, 1]


def test_an_onset_is_rounded_to_the_nearest_sixteenth_and_kept_exactly():
    found = pieces.notes_of(np.array([0.3]), np.array([0.31]), [60], 80)
    assert found["start"].tolist() == [1]
    assert found["end"].tolist() == [2]
    assert found["at_beats"].tolist() == [0.3]


def test_a_dotted_beat_has_six_frames():
    assert piece(notes(), meter=(6, 8)).span_frames == 6
    assert piece(notes(), meter=(6, 8)).bar_frames == 12
    assert piece(notes(), meter=(3, 4)).span_frames == 4


def test_chords_are_transposed_and_silence_stays():
    moved = pieces.transposed_chords(chords("C", "Am7", "N"), 2)
    assert moved[::4].tolist() == [named("D"), named("Bm7"), -1]


def test_an_excerpt_begins_at_nought_and_ends_with_its_frames():
    cut = pieces.excerpt(piece(scale(), harmony=chords("C", "F", "G", "C")), 4, 8)
    assert cut.frames == 4
    assert cut.melody["start"].tolist() == [0, 2]
    assert cut.melody["at_beats"].tolist() == [0.0, 0.5]
    assert cut.chords.tolist() == [named("F")] * 4


def test_a_piece_without_its_introduction_begins_on_a_bar_line():
    late = piece(notes((37, 40, 60)), frames=48)
    begun = pieces.from_the_melody(late)
    assert begun.frames == 16
    assert begun.melody["start"].tolist() == [5]


def test_a_pickup_stays_before_its_bar_line():
    begun = pieces.excerpt(piece(notes((2, 4, 60)), frames=48, pickup=4), 20, 48)
    assert begun.pickup == 0
    assert pieces.excerpt(piece(notes(), frames=48, pickup=4), 18, 48).pickup == 2
