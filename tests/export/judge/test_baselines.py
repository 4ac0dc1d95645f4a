import numpy as np
from tests.export.judge.tunes import chords, notes, piece, scale

from ripieno.music.chords import named
from ripieno_export.judge import baselines

ACCOMPANIMENT = notes((0, 8, 48), (16, 24, 53))
TUNE = piece(scale(32), ACCOMPANIMENT, chords("C", "F", each=16), frames=32)


def test_the_human_is_the_reference_itself():
    take = baselines.human(TUNE)
    assert take.chords is TUNE.chords
    assert take.notes is TUNE.accompaniment


def test_the_tonic_never_changes():
    take = baselines.constant_tonic(piece(scale(64, 62), frames=64))
    assert set(take.chords.tolist()) == {named("D")}
    assert take.notes["pitch"].tolist()[:3] == [50, 54, 57]


def test_the_bar_before_is_played_a_bar_later_and_cut_at_the_end():
    take = baselines.copy_last_bar(TUNE)
    assert take.notes["start"].tolist() == [16]
    assert take.chords.tolist() == [-1] * 16 + [named("C")] * 16


def test_random_eighths_are_the_same_for_the_same_piece_and_seed():
    one, again = baselines.random_in_key(TUNE), baselines.random_in_key(TUNE)
    assert np.array_equal(one.notes, again.notes)
    assert not np.array_equal(one.notes, baselines.random_in_key(TUNE, seed=1).notes)
    assert len(one.notes) == 16
    assert set(one.notes["pitch"] % 12) <= {0, 2, 4, 5, 7, 9, 11}


def test_another_song_is_moved_to_this_key_and_repeated():
    other = piece(
        scale(16, 62), notes((0, 4, 50)), chords("D", each=16), name="b", family="b"
    )
    take = baselines.another_song([TUNE, other])(TUNE)
    assert set(take.chords.tolist()) == {named("C")}
    assert take.notes["pitch"].tolist() == [48, 48]
    assert take.notes["start"].tolist() == [0, 16]


def test_the_stranger_baseline_never_uses_the_same_song():
    take = baselines.another_song([TUNE])(TUNE)
    assert len(take.notes) == 0
    assert (take.chords == -1).all()
