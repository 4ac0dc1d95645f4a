"""The call: its head, and the end of a reply to it."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ripieno.minds.call import LONG, Call, Sounded, cadence, fitted
from ripieno.protocol import INTERRUPTED_NS, Limits, Played

S = 1_000_000_000
C_MAJOR = [pitch for pitch in range(48, 85) if pitch % 12 in (0, 2, 4, 5, 7, 9, 11)]
RESTS = np.array([1.25, 0, 0, 0, 1, 0, 0, 1, 0, 0, 0, 0])


def told(call, notes, at_s=10.0, source=0):
    """Tell a call of notes (start, length, pitch), in beats of a second."""
    events = [
        (at_s + start + after, velocity, pitch)
        for start, length, pitch in notes
        for after, velocity in ((0, 70), (length, 0))
    ]
    for at, velocity, pitch in sorted(events):
        call.played(Played(int(at * S), source, pitch, velocity))


TUNE = (
    (0, 0.5, 60), (0.5, 0.5, 62), (1, 0.5, 64), (1.5, 1.0, 67),
    (2.5, 0.5, 65), (3, 0.5, 64), (3.5, 0.5, 62), (4, 1.0, 60),
)  # fmt: skip


def test_the_head_goes_to_the_longest_note_near_the_middle():
    call = Call()
    told(call, ((0, 0.5, 60), (0.5, 0.5, 62), (1, 1, 64), (2, 0.5, 65), *TUNE[4:]))
    assert [note.pitch for note in call.head(99.0).notes] == [60, 62, 64]
    assert call.head(99.0).beyond == [65]
    assert call.head(99.0).notes[0] == Sounded(0.0, 0.5, 60, 70)


def test_a_note_that_sounds_over_the_end_of_the_head_ends_there():
    call = Call()
    told(call, ((0, 5, 48), *((n / 2, 0.4, 60 + n) for n in range(10))))
    head = call.head(99.0).notes
    cut_s = max(note.end_s for note in head)
    assert head[0].pitch == 48
    assert head[0].end_s == cut_s < 2.5


def test_a_short_call_has_no_head():
    call = Call()
    told(call, TUNE[:5])
    assert not call.head(99.0).notes


def test_the_head_of_a_short_reply_is_short():
    call = Call()
    told(call, [(n / 2, 0.5, 60 + n % 5) for n in range(40)])
    assert max(note.end_s for note in call.head(99.0).notes) > 6
    assert max(note.end_s for note in call.head(6.0).notes) <= 2.7


def test_a_call_that_was_answered_has_no_head_and_the_next_note_begins_another():
    call = Call()
    told(call, TUNE)
    assert call.head(99.0).notes
    told(call, ((0, 1, 72),), at_s=16.0, source=1)
    assert not call.head(99.0).notes
    told(call, [(at, length, pitch + 12) for at, length, pitch in TUNE], at_s=20.0)
    assert {note.pitch for note in call.head(99.0).notes} <= {
        pitch + 12 for _, _, pitch in TUNE
    }


def test_a_call_that_goes_on_into_the_reply_is_one_call():
    call = Call()
    told(call, TUNE)
    told(call, ((0, 1, 72),), at_s=16.0, source=1)
    told(call, TUNE, at_s=16.0 + INTERRUPTED_NS / S - 0.1)
    head = [note.pitch for note in call.head(99.0).notes]
    assert len(head) > len(TUNE) / 2
    assert head == [pitch for _, _, pitch in TUNE][: len(head)]


@pytest.mark.parametrize(
    ("notes", "start_s", "pulse_s", "expected"),
    [
        (TUNE, 15.0, 0.5, 5.0),
        (TUNE, 16.0, 0.5, 6.0),
        (TUNE[:6], 14.0, 0.5, 4.0),
        (TUNE[:6], 13.0, 0.5, 4.0),
        (TUNE, 16.0, 0.0, math.inf),
        (TUNE[:5], 16.0, 0.5, math.inf),
        ([(0, 0.2, 48 + 4 * n) for n in range(6)], 16.0, 0.5, 4.0),  # a staccato chord
    ],
)
def test_phrases_are_as_long_as_the_call_in_whole_pulses(
    notes, start_s, pulse_s, expected
):
    call = Call()
    told(call, notes)
    assert call.phrase_s(int(start_s * S), pulse_s) == pytest.approx(expected)


def test_a_reset_forgets_the_call():
    call = Call()
    told(call, TUNE)
    call.reset()
    assert not call.head(99.0).notes
    assert call.usual_s() == 0.0


def test_a_reply_ends_on_a_long_note_of_the_tonic_triad():
    notes = [Sounded(0, 0.4, 64, 70), Sounded(0.5, 0.9, 62, 71)]
    first, last = cadence(notes, RESTS, C_MAJOR, 0.4, 2.0)
    assert first == notes[0]
    assert last == Sounded(0.5, 0.5 + LONG * 0.4, 60, 71)


def test_what_begins_too_late_to_be_long_is_left_out():
    notes = [Sounded(at / 2, at / 2 + 0.4, 64, 70) for at in range(4)]
    made = cadence(notes, RESTS, C_MAJOR, 0.4, 2.0)
    assert [note.start_s for note in made] == [0.0, 0.5, 1.0]


def test_a_last_chord_becomes_consonant_and_ends_a_note_that_it_strikes_again():
    notes = [Sounded(0, 2, 60, 70), *(Sounded(1, 1.2, p, 70) for p in (59, 62, 65))]
    made = cadence(notes, RESTS, C_MAJOR, 0.2, 3.0)
    assert made[0].end_s == 1
    assert {note.pitch % 12 for note in made[1:]} <= {0, 4, 7}
    assert len({note.pitch for note in made}) == len(made[1:])


notes = st.lists(
    st.builds(
        lambda at, long, pitch: Sounded(at, at + long, pitch, 70),
        st.floats(0, 2), st.floats(0.04, 1), st.integers(48, 84),
    ),
    max_size=12,
)  # fmt: skip


@given(notes, st.floats(0.05, 3.0))
def test_a_cadence_moves_no_start_and_adds_no_note(made, usual_s):
    ended = cadence(sorted(made), RESTS, C_MAJOR, usual_s, 3.0)
    assert {note.start_s for note in ended} <= {note.start_s for note in made}
    assert len(ended) <= len(made)
    assert bool(ended) == bool(made)
    assert all(note.end_s >= note.start_s for note in ended)


@pytest.mark.parametrize(
    ("pitch", "expected"), [(61, 60), (30, 65), (90, 65), (64, 64)]
)
def test_a_quoted_pitch_moves_into_register_and_scale(pitch, expected):
    allowed = [p for p in C_MAJOR if 55 <= p <= 66]
    assert fitted(pitch, Limits(low=55, high=66), allowed) == expected
