import numpy as np
import pytest
from tests.export.judge.tunes import chords, notes, piece, scale

from ripieno.music.messages import note_off, note_on
from ripieno_export.judge.take import (
    beats_at,
    even_beats_ns,
    messages_of,
    ns_at,
    paired,
    take_of,
)

MS = 1_000_000
TUNE = piece(scale())
HALF_A_SECOND_A_BEAT = even_beats_ns(TUNE)


def test_what_was_sent_comes_back_as_the_notes_it_was():
    sent = messages_of(scale(), HALF_A_SECOND_A_BEAT)
    found = take_of("it", TUNE, sent, HALF_A_SECOND_A_BEAT)
    for column in ("start", "end", "pitch", "velocity"):
        assert np.array_equal(found.notes[column], scale()[column]), column
    assert found.stuck_notes == 0


def test_a_drifting_tempo_is_followed():
    drifting = np.array([0, 500, 1020, 1560, 2100]) * MS
    sent = messages_of(scale(), drifting)
    found = take_of("it", TUNE, sent, drifting)
    assert np.array_equal(found.notes["start"], scale()["start"])


def test_beats_and_nanoseconds_are_inverses_even_beyond_the_grid():
    beats = np.array([-1.0, 0.0, 0.3, 3.99, 9.5])
    grid = np.array([0, 500, 1020, 1560, 2100]) * MS
    assert beats_at(ns_at(beats, grid), grid) == pytest.approx(beats, abs=1e-6)


def test_a_late_note_lands_where_it_was_heard():
    sent = [(100 * MS, note_on(0, 60, 80)), (300 * MS, note_off(0, 60))]
    found = take_of("it", TUNE, sent, HALF_A_SECOND_A_BEAT)
    assert found.notes["start"].tolist() == [1]
    assert found.notes["at_beats"] == pytest.approx([0.2])


def test_a_note_without_an_end_is_stuck_and_ends_with_the_last_message():
    sent = [(0, note_on(0, 60, 80)), (5, note_on(0, 62, 80)), (9, note_off(0, 62))]
    rows, stuck = paired(sent)
    assert stuck == 1
    assert rows[0] == (0, 9, 60, 80, 0)


def test_a_repeated_note_is_released_before_it_is_struck_again():
    overlapping = notes((0, 8, 60), (4, 8, 60))
    sent = messages_of(overlapping, HALF_A_SECOND_A_BEAT)
    kinds = [(at // (500 * MS), data[0] >> 4) for at, data in sent]
    assert kinds == [(0, 9), (1, 8), (1, 9), (2, 8)]


def test_chords_are_heard_in_the_notes_unless_the_system_says_them():
    triad = notes((0, 16, 48), (0, 16, 52), (0, 16, 55))
    sent = messages_of(triad, HALF_A_SECOND_A_BEAT)
    heard = take_of("it", TUNE, sent, HALF_A_SECOND_A_BEAT)
    assert heard.chords.tolist() == chords("C", "C", "C", "C").tolist()
    said = chords("C", "F", "G", "C")
    told = take_of("it", TUNE, sent, HALF_A_SECOND_A_BEAT, chords=said)
    assert told.chords is said


def test_what_sounds_after_the_piece_is_left_out():
    sent = messages_of(notes((14, 20, 60), (17, 20, 62)), HALF_A_SECOND_A_BEAT)
    assert take_of("it", TUNE, sent, HALF_A_SECOND_A_BEAT).notes["pitch"].tolist() == [
        60
    ]
