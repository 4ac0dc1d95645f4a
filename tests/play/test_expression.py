"""How a plan becomes playing: swing, lengths, loudness."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ripieno.layouts.duet import LENGTHS
from ripieno.music.spans import FRAME_TICKS, Note, Phase
from ripieno.play.expression import (
    GAP_TICKS,
    LATE_TICKS,
    LOUDEST,
    QUIETEST,
    end_ticks,
    onset_ticks,
    swung,
    velocity,
)
from ripieno.roles import bass, pad, textured

DOWNBEAT, UPBEAT, MIDDLE = (Phase(span, 4, 0) for span in range(3))
LOUDNESSES = (pad.LOUDNESS, bass.LOUDNESS, textured.KEYS_LOUDNESS)

pitches = st.integers(0, 127)
swings = st.floats(0.0, 1.0)
written = st.builds(Note, st.integers(0, 3), pitches, st.sampled_from(LENGTHS))
phases = st.builds(Phase, st.integers(0, 3), st.just(4), st.integers(-8, 400))


def test_straight_beats_stay_where_they_are_written():
    assert [swung(frame, 4, 0.0) for frame in range(5)] == [0, 1, 2, 3, 4]


def test_full_swing_moves_the_second_half_of_a_beat_to_its_last_third():
    assert swung(2, 4, 1.0) == pytest.approx(4 * 2 / 3)
    assert swung(0, 4, 1.0) == 0
    assert swung(4, 4, 1.0) == pytest.approx(4)


def test_a_dotted_beat_does_not_swing():
    assert [swung(frame, 6, 1.0) for frame in range(7)] == list(range(7))


@given(swings, st.floats(0, 4), st.floats(0, 4))
def test_swing_never_changes_the_order(swing, one, other):
    early, late = sorted([one, other])
    assert swung(early, 4, swing) <= swung(late, 4, swing) + 1e-9


@given(written, swings)
def test_a_note_on_the_beat_is_exact_and_others_up_to_5_ticks_late(note, swing):
    late = onset_ticks(note, 4, swing) - round(
        swung(note.frame, 4, swing) * FRAME_TICKS
    )
    assert late == 0 if note.frame == 0 else 0 <= late <= LATE_TICKS


@given(written, swings)
def test_a_note_ends_after_it_began_and_before_the_next_frame(note, swing):
    end = end_ticks(note, 4, swing)
    assert end > onset_ticks(note, 4, swing)
    after = note.frame + note.frames
    beats, frame = divmod(after, 4)
    assert end == round(swung(frame, 4, swing) * FRAME_TICKS) + beats * 480 - GAP_TICKS


def test_a_note_may_ring_into_the_beats_to_come():
    assert end_ticks(Note(2, 60, 8), 4, 0.0) == 10 * FRAME_TICKS - GAP_TICKS


@given(written, st.sampled_from(LOUDNESSES), phases, st.floats(0, 127))
def test_velocity_stays_within_its_bounds(note, loudness, phase, human):
    assert QUIETEST <= velocity(note, loudness, phase, human) <= LOUDEST


@given(written, st.sampled_from(LOUDNESSES), phases, st.floats(0, 120))
def test_velocity_rises_with_the_humans(note, loudness, phase, human):
    louder = velocity(note, loudness, phase, human + 5)
    assert velocity(note, loudness, phase, human) <= louder


def test_mean_velocity_is_below_the_humans():
    notes = [Note(frame, pitch, 4) for frame in (1, 2, 3) for pitch in range(40, 80)]
    for loudness in (bass.LOUDNESS, textured.KEYS_LOUDNESS):
        mean = sum(velocity(n, loudness, UPBEAT, 80) for n in notes) / len(notes)
        assert 50 < mean < 78


def test_a_pad_is_the_quietest_of_the_band():
    assert min(LOUDNESSES) == pad.LOUDNESS


def test_downbeats_are_louder_than_beats_and_beats_than_off_beats():
    places = [(0, DOWNBEAT), (0, MIDDLE), (0, UPBEAT), (2, UPBEAT), (1, UPBEAT)]
    loud = [
        sum(velocity(Note(frame, p, 2), 0.9, phase, 70) for p in range(40, 80))
        for frame, phase in places
    ]
    assert loud == sorted(loud, reverse=True)
    assert len(set(loud)) == len(loud)


def test_a_note_on_the_beat_joins_the_soloists_accent_and_one_off_it_does_not():
    def louder(frame):
        plain, accented = (
            velocity(Note(frame, 60, 2), 0.8, UPBEAT, 60, accent)
            for accent in (0.0, 20.0)
        )
        return accented - plain

    assert (louder(0) > 5, louder(2)) == (True, 0)


def test_a_higher_note_is_louder():
    low, high = (velocity(Note(2, p, 2), 0.8, UPBEAT, 70) for p in (48, 72))
    assert low < high


@given(written, st.sampled_from(LOUDNESSES), phases, st.floats(20, 110))
def test_the_same_note_is_always_played_the_same_way(note, loudness, phase, human):
    again = Note(note.frame, note.pitch, note.frames)
    assert velocity(again, loudness, phase, human) == velocity(
        note, loudness, phase, human
    )
    assert onset_ticks(again, 4, 0.5) == onset_ticks(note, 4, 0.5)
