import math

import numpy as np
import pytest
from tests.export.judge.tunes import chords, notes, piece, scale

from ripieno.music.chords import NO_CHORD
from ripieno_export.judge import harmonic
from ripieno_export.judge.heard import NOBODY, Heard, human, lowest, prepared

HARMONY = chords("C", "F", "F", "G", "C", "C", "C", "C")
MELODY = scale(32)


def heard(harmony=HARMONY, melody=MELODY, *, reference=None, pad=NOBODY, **own):
    song = piece(melody, None, reference, frames=len(harmony), **own)
    return Heard(song, harmony, NOBODY, NOBODY, pad)


def test_runs_are_maximal_and_leave_rests_out():
    it = heard(chords("N", "C", "C", "N", "G", "G", "G", "G"))
    assert it.runs[:, 1:].tolist() == [[1, 2], [4, 4]]
    assert len(it.changes) == 0


def test_one_chord_of_four_lasts_a_beat_twice():
    assert harmonic.one_beat(heard()) == 0.5


def test_one_change_of_three_is_on_a_downbeat():
    assert harmonic.on_beat_one(heard()) == pytest.approx(1 / 3)
    assert harmonic.changes_per_bar(heard()) == 1.5


def test_a_pickup_moves_the_downbeats():
    assert harmonic.on_beat_one(heard(pickup=4)) == pytest.approx(1 / 3)
    it = heard(chords("C", *["F"] * 4, *["G"] * 3), pickup=4)
    assert harmonic.on_beat_one(it) == 1.0


def test_roots_agree_whatever_the_quality():
    reference = chords("C7", "F", "C", "G", "N", "N", "Am", "Am")
    assert harmonic.root_agreement(heard(reference=reference)) == 0.5


def test_a_fall_of_a_fifth_is_counted_once():
    assert harmonic.descending_fifths(heard()) == pytest.approx(2 / 3)


def test_gaps_long_notes_and_the_last_note_end_phrases():
    melody = notes((0, 4, 60), (4, 6, 62), (10, 14, 64), (14, 24, 65), (24, 26, 67))
    assert harmonic.phrase_ends(piece(melody, frames=32)).tolist() == [4, 14, 24]


def test_a_phrase_that_ends_on_i_after_v_is_authentic():
    melody = notes((0, 4, 60), (4, 8, 62), (8, 12, 64), (12, 16, 62), (16, 32, 60))
    assert harmonic.authentic(heard(melody=melody)) == 1.0
    minor = chords("C", "F", "F", "Gm", "C", "C", "C", "C")
    assert harmonic.authentic(heard(minor, melody)) == 0.0


def test_the_last_note_is_at_home_on_i_and_on_vi():
    home = [harmonic.last_on_tonic(heard(chords(*["F"] * 7, c))) for c in "CAG"]
    assert home == [1.0, 1.0, 0.0]


def test_sevenths_and_suspensions_are_colour_by_name_or_in_the_pad():
    it = heard(chords("C", "C", "G7", "G7", "Csus4", "Csus4", "C6", "C6"))
    assert harmonic.coloured(it) == 0.5
    seventh = notes((0, 4, 58), (0, 4, 60), (0, 4, 64))
    assert harmonic.coloured(heard(pad=seventh)) == 0.25


def test_a_piece_without_chords_has_no_figures():
    it = human(piece(MELODY, frames=32))
    assert it.window == (0, 8)
    assert math.isnan(harmonic.one_beat(it))
    assert math.isnan(harmonic.changes_per_bar(it))


def test_the_clock_runs_for_sixteen_bars_after_the_last_note():
    song = prepared(piece(MELODY, None, HARMONY, frames=32))
    assert song.frames == 32 + 16 * 16
    assert (song.chords[32:] == NO_CHORD).all()


def test_an_arpeggio_has_one_bass_a_beat():
    played = notes((0, 1, 36), (1, 2, 43), (2, 3, 48), (4, 8, 41), (4, 8, 60))
    assert lowest(played, piece(MELODY))["pitch"].tolist() == [36, 41]


def test_a_tenor_above_a_held_bass_is_not_the_bass():
    played = notes((0, 16, 36), (4, 8, 48), (8, 12, 50))
    assert lowest(played, piece(MELODY))["pitch"].tolist() == [36]


def test_a_dotted_beat_has_six_frames():
    song = piece(MELODY, None, np.repeat(HARMONY[::4], 6)[:48], frames=48, meter=(6, 8))
    assert len(human(song).beats) == 8
