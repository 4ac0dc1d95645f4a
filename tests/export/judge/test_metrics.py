import math

import numpy as np
import pytest
from tests.export.judge.tunes import chords, notes, piece, scale, take

from ripieno.music.chords import named
from ripieno_export.judge import (
    adaptation,
    figure,
    fit,
    metrics,
    progression,
    punctuality,
    rhythm,
    texture,
)
from ripieno_export.judge.baselines import baselines
from ripieno_export.judge.pieces import line
from ripieno_export.judge.take import Timing

HARMONY = chords("C", "F", "G", "C")
TUNE = piece(scale(), harmony=HARMONY)
MELODY = line(TUNE.melody, 16)


def test_note_in_chord_of_a_scale_over_four_chords():
    # C D | E F | G A | B C over C, F, G, C: yes no | no yes | yes no | no yes.
    assert fit.note_in_chord(HARMONY, MELODY) == 0.5


def test_rests_of_either_count_for_nothing():
    rested = chords("C", "N", "N", "N")
    assert fit.note_in_chord(rested, MELODY) == 0.5
    assert math.isnan(fit.note_in_chord(chords("N", each=16), MELODY))
    assert progression.silence(TUNE, rested) == 0.75


def test_the_same_chords_for_every_song_gain_nothing_by_listening():
    songs = [piece(scale(64, tonic), frames=64) for tonic in (60, 62, 65)]
    tonics = [np.full(64, named(name)) for name in ("C", "D", "F")]
    assert fit.listening_gains(songs, tonics) == pytest.approx([0, 0, 0])


def test_chords_that_follow_the_song_gain_by_listening():
    up = piece(notes((0, 8, 60), (8, 12, 67), (12, 16, 60)))
    down = piece(notes((0, 8, 67), (8, 12, 60), (12, 16, 67)))
    answers = [chords("C", "C", "G", "C"), chords("G", "G", "C", "G")]
    # Each in the other's place: C holds a G, G holds no C.
    gains = fit.listening_gains([up, down], answers)
    assert (gains > 0).all()


def test_the_key_signature_of_a_scale_is_its_tonic():
    assert fit.signature_of(piece(scale(64, 62), frames=64)) == 2


def test_pairs_are_consonant_upward_from_the_melody():
    held = piece(notes((0, 4, 72)))
    fourth_below = take(played=notes((0, 4, 67)))
    fifth_below = take(played=notes((0, 4, 65)))
    assert fit.pair_consonance(held, fourth_below) == 1.0
    assert fit.pair_consonance(held, fifth_below) == 0.0
    both = take(played=notes((0, 4, 67), (0, 4, 65)))
    assert fit.pair_consonance(held, both) == 0.5


def test_a_pair_counts_for_as_long_as_both_sound():
    held = piece(notes((0, 4, 72)))
    played = take(played=notes((0, 3, 64), (3, 8, 66)))
    assert fit.pair_consonance(held, played) == 0.75


def test_chord_figures_of_known_chords_are_known():
    mixed = chords("C", "C7", "C7", "N")
    assert progression.pitch_classes_per_chord(mixed) == pytest.approx(11 / 3)
    assert progression.lengths(mixed).tolist() == [4, 8]
    assert progression.mean_length_beats(mixed) == 1.5
    assert progression.chord_entropy(chords("C", "C", "G", "G")) == pytest.approx(
        math.log(2)
    )


def test_the_entropy_of_lengths_is_that_of_all_songs_together():
    songs = [TUNE, TUNE]
    one_and_two = [chords("C", "G", "F", "F"), chords("C", "G", "F", "F")]
    expected = -(2 / 3 * math.log(2 / 3) + 1 / 3 * math.log(1 / 3))
    found = progression.length_entropy(songs, one_and_two)
    assert found.mean == pytest.approx(expected)
    assert found.error == pytest.approx(0)


def test_divergence_is_nought_for_the_same_and_ln_two_for_the_opposite():
    one, other = np.eye(16)[0], np.eye(16)[4]
    assert rhythm.divergence(one, one * 3) == 0
    assert rhythm.divergence(one, other) == pytest.approx(math.log(2))
    assert math.isnan(rhythm.divergence(one, np.zeros(16)))


def test_positions_are_counted_from_the_bar_line():
    waltz = piece(notes(), meter=(3, 4), frames=32, pickup=4)
    found = rhythm.beat_positions(notes((4, 5, 60), (10, 11, 60), (16, 17, 60)), waltz)
    assert np.flatnonzero(found).tolist() == [0, 8]
    assert found[0] == 2


def test_twice_the_notes_are_a_ratio_of_two():
    few = piece(scale(), notes((0, 4, 48)))
    assert (
        rhythm.notes_per_bar_ratio(few, take(played=notes((0, 4, 48), (4, 8, 50)))) == 2
    )
    assert math.isnan(rhythm.notes_per_bar_ratio(TUNE, take()))


def test_chords_a_sixteenth_late_are_a_sixteenth_away():
    tune = piece(notes(*[(f, f + 4, 60) for f in (0, 4, 8, 12)]), harmony=HARMONY)
    late = np.roll(HARMONY, 1)
    late[0] = -1
    assert rhythm.chord_delays(late, tune).tolist() == [1, 1, 1, 1]
    assert rhythm.onset_interval_distance([tune], [late]).mean == 1.0


def test_recovery_is_counted_in_beats_from_the_push():
    frames = 160
    long = piece(notes((0, 80, 60), (80, frames, 60)), frames=frames)
    song = adaptation.pushed(long, 20)
    assert song.melody["pitch"].tolist() == [60, 66]
    follows = np.repeat([named("C"), named("F#")], frames // 2)
    slow = np.repeat([named("C"), named("F#")], [100, 60])
    never = np.full(frames, named("C"))
    found = [
        adaptation.beats_to_recover([song], [c], 20) for c in (follows, slow, never)
    ]
    assert found == [0.0, 5.0, math.inf]


def test_the_cold_start_is_seen_window_by_window():
    song = piece(notes((0, 64, 60)), frames=64)
    late = np.repeat([named("F#"), named("C")], 32)
    assert adaptation.windows([song], [late], 8)[:2].tolist() == [0.0, 1.0]


def test_a_high_melody_is_pushed_down_and_the_human_chords_go_along():
    song = adaptation.pushed(piece(scale(16, 72), harmony=HARMONY), 2)
    assert song.melody["pitch"].tolist() == [72, 74, 76, 77, 73, 75, 77, 78]
    assert song.chords[8] == named("C#")


def test_groove_is_the_likeness_of_neighbouring_bars():
    same = np.array([0, 16, 32, 48])
    assert texture.groove(same, 16) == 1.0
    assert texture.groove(np.array([0, 17, 32, 49]), 16) == pytest.approx(1 - 2 / 16)


def test_features_of_a_window_of_repeated_octaves():
    song = piece(notes(), frames=64)
    octaves = notes(*[(f, f + 8, p) for f in range(0, 64, 8) for p in (48, 60)])
    found = dict(zip(texture.FEATURES, texture.features(octaves, song)[0], strict=True))
    assert found["notes a bar"] == 4
    assert found["pitch-class entropy"] == 0
    assert found["pitch classes"] == 1
    assert found["range"] == 12
    assert found["mean onset interval"] == 8
    assert found["mean duration"] == 2.0


def test_a_human_overlaps_with_humans_as_much_as_humans_do():
    chance = np.random.default_rng(0)
    songs = [chance.normal(size=(6, len(texture.FEATURES))) for _ in range(8)]
    assert texture.overlap_share(songs, songs).mean == 1.0
    strangers = [song + 100 for song in songs]
    assert texture.overlap_share(strangers, songs).mean == pytest.approx(0, abs=0.01)


def timing(ages, ready, late=()):
    empty = np.zeros(0)
    return Timing(
        np.array(late, float), empty, np.array(ages), np.array(ready, np.bool_)
    )


def test_a_frame_counts_the_less_the_older_its_plan_is():
    kept = timing([0, 16, 40, 0], [True, True, True, False])
    assert punctuality.in_schedule(kept) == 0.75
    assert punctuality.weighted_in_schedule(kept) == pytest.approx((1 + 0.5 + 0) / 4)
    assert punctuality.staleness(kept) == pytest.approx(56 / 3)


def test_lateness_is_of_all_messages_together():
    takes = [take(timing=timing([0], [True], late)) for late in ([0.1, 0.2], [-9.0])]
    found = punctuality.figures(takes)
    assert found["late p50"].mean == pytest.approx(0.2)
    assert found["late p99"].mean == pytest.approx(9.0, abs=0.2)
    assert punctuality.figures([take()]) == {}


def test_a_mean_comes_with_its_standard_error():
    found = figure.mean_of([1.0, 3.0, math.nan])
    assert (found.mean, found.songs) == (2.0, 2)
    assert found.error == pytest.approx(1.0)
    assert figure.agree(found, figure.Figure(3.9, 0.1, 2))
    assert not figure.agree(found, figure.Figure(5.0, 0.1, 2))
    assert figure.mean_of([math.nan]).songs == 0


def test_the_jackknife_of_a_mean_is_its_standard_error():
    table = np.array([[0.0, 1.0], [1.0, 1.0], [2.0, 1.0], [5.0, 1.0]])
    found = figure.pooled(table, lambda sums: float(sums[0] / sums[1]))
    plain = figure.mean_of(table[:, 0])
    assert found.mean == plain.mean
    assert found.error == pytest.approx(plain.error)


def test_a_take_of_another_length_is_refused():
    with pytest.raises(ValueError, match="has 8 frames of chords, the piece 16"):
        metrics.judge([TUNE], [take(chords("C", "C"))])


def test_every_baseline_is_judged_by_every_figure():
    songs = [
        piece(
            scale(256, 60 + n),
            notes(*[(f, f + 4, 48 + n) for f in range(0, 256, 4)]),
            np.resize(chords("C", "F", "G", "C"), 256),
            frames=256,
            name=f"tune {n}",
            family=f"tune {n}",
        )
        for n in range(6)
    ]
    names = set()
    for name, system in baselines(songs).items():
        sheet = metrics.judge(songs, [system(song) for song in songs])
        assert sheet.system == name
        names.add(frozenset(sheet.figures))
        assert 0 <= sheet.figures["NIC"].mean <= 1
    assert len(names) == 1
