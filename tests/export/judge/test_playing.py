import math

import numpy as np
import pytest
from tests.export.judge.tunes import chords, notes, piece, scale

from ripieno_export.judge import playing
from ripieno_export.judge.heard import NOBODY, Heard

HARMONY = chords(*["C"] * 4, *["F"] * 4)


def heard(texture=NOBODY, bass=NOBODY, pad=NOBODY, melody=None, frames=32, **own):
    song = piece(
        scale(32) if melody is None else melody,
        None,
        own.pop("reference", None),
        frames=frames,
        **own,
    )
    harmony = np.resize(HARMONY, frames)
    harmony[32:] = -1
    return Heard(song, harmony, texture, bass, pad)


def loud(rows, velocities):
    made = notes(*rows)
    made["velocity"] = velocities
    return made


def test_the_bass_is_on_the_root_of_its_own_chord_and_of_the_reference():
    bass = notes((0, 16, 36), (16, 32, 43))
    it = heard(bass=bass, reference=chords("C", "G", each=16))
    assert playing.bass_on_root(it) == 0.5
    assert playing.bass_on_reference(it) == 1.0


def test_a_downbeat_without_a_bass_is_left_out():
    assert playing.bass_on_root(heard(bass=notes((0, 12, 36)))) == 1.0
    assert math.isnan(playing.bass_on_root(heard()))


def test_an_eighth_after_the_beat_is_off_it_and_a_sixteenth_is_not():
    bass = notes((0, 4, 36), (5, 8, 36), (10, 11, 36), (16, 17, 36))
    assert playing.bass_off_beat(heard(bass=bass)) == 0.25
    assert playing.bass_short(heard(bass=bass)) == 0.5


def test_repeats_are_no_moves_of_the_bass():
    bass = notes((0, 4, 36), (4, 8, 36), (8, 12, 38), (12, 16, 43))
    assert playing.bass_stepwise(heard(bass=bass)) == 0.5


def test_the_ending_is_timed_from_the_melodys_last_note():
    it = heard(notes((0, 40, 48)), frames=288)
    assert playing.beats_after(it) == 2.0
    assert playing.stops_within(it, 2) == 1.0
    assert playing.stops_within(heard(pad=notes((0, 100, 48)), frames=288), 4) == 0.0


def test_a_plagal_cadence_closes_and_a_step_does_not():
    song = piece(scale(32), frames=32)
    ends = {
        name: playing.closes(
            Heard(song, chords(name, "C", each=16), NOBODY, NOBODY, NOBODY)
        )
        for name in ("F", "G", "Dm", "C")
    }
    assert ends["F"] == ends["G"] == 1.0
    assert ends["Dm"] == 0.0
    assert math.isnan(ends["C"])


def test_a_rest_of_four_bars_is_played_through_or_not():
    melody = notes((0, 16, 60), (80, 96, 62))
    on = notes(*[(frame, frame + 2, 48) for frame in range(0, 96, 16)])
    assert playing.plays_through_rests(heard(on, melody=melody, frames=96)) == 1.0
    off = on[on["start"] < 32]
    assert playing.plays_through_rests(heard(off, melody=melody, frames=96)) == 0.0
    assert math.isnan(playing.plays_through_rests(heard(on)))


def test_filling_compares_the_melodys_rests_with_the_rest():
    melody = notes((0, 16, 60), (32, 36, 60))
    rows = [(0, 1, 48), (8, 9, 48)] + [(frame, frame + 1, 48) for frame in (16, 20)]
    rows += [(24, 25, 48), (28, 29, 48)]
    it = heard(notes(*rows), melody=melody, frames=36)
    assert playing.filling(it) == pytest.approx(1.0 / (2 / 5))


def test_a_returning_bar_with_the_same_onsets_is_remembered():
    tonics = (60, 65, 60, 65)
    melody = np.concatenate([scale(16, tonic) for tonic in tonics])
    for name in ("start", "end"):
        melody[name] += np.repeat(16 * np.arange(4), 8).astype("i4")
    rows = [(0, 2, 48), (8, 9, 48), (16, 18, 48), (22, 24, 48)]
    again = [(start + 32, end + 32, pitch) for start, end, pitch in rows]
    it = heard(notes(*rows, *again), melody=melody, frames=64)
    assert playing.returning(it) == 1.0
    assert playing.random_bars(it) < 1.0
    assert playing.memory(it) > 0.0


def test_velocities_that_follow_the_soloist_correlate():
    rows = [(frame, frame + 4, 60) for frame in range(0, 160, 16)]
    steps = np.arange(10)
    melody = loud(rows, 60 + 4 * (steps % 5))
    texture = loud(rows, 40 + 2 * (steps % 5))
    song = piece(melody, frames=160)
    it = Heard(song, np.resize(HARMONY, 160), texture, NOBODY, NOBODY)
    assert playing.follows_soloist(it) == pytest.approx(1.0)
    assert playing.velocity_spread(it) == pytest.approx(np.std(2 * (steps % 5)))
    assert playing.arc(it) < 1.0


def test_texture_doubles_the_pad_where_both_have_a_pitch():
    pad = notes((0, 16, 60), (0, 16, 64))
    texture = notes((0, 2, 60), (4, 6, 62), (8, 10, 64), (20, 22, 60))
    assert playing.doubling(heard(texture, pad=pad)) == 0.5
