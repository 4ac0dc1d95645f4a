"""What a reply quotes: the motif that returns, and how chords are thinned."""

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ripieno.minds.call import CHORD_S, Head, Sounded
from ripieno.minds.quoting import NEVER, moved, quoted, returned, thinned
from ripieno.protocol import Limits

C_MAJOR = [pitch for pitch in range(36, 97) if pitch % 12 in (0, 2, 4, 5, 7, 9, 11)]
TONES = np.array([1, 0, 1, 0, 1, 1, 0, 1, 0, 1, 0, 1.0])


def even(pitches, gap_s=0.5):
    return [
        Sounded(n * gap_s, (n + 0.9) * gap_s, pitch, 70)
        for n, pitch in enumerate(pitches)
    ]


HEAD = Head(even((60, 62, 64, 65, 67, 65)), (64,), 3.0)


def test_the_motif_returns_on_a_pulse_after_the_middle_and_leaves_room_for_the_end():
    motif = returned(HEAD, 8.0, 0.5)
    assert motif.at_s == 4.0
    assert 4 <= len(motif.notes) <= 6
    assert motif.at_s + motif.notes[-1].end_s <= 8.0 * 0.88


@pytest.mark.parametrize(
    ("head", "phrase_s"), [(Head(), 8.0), (HEAD, math.inf), (HEAD, 4.0)]
)
def test_without_a_head_a_phrase_or_room_nothing_returns(head, phrase_s):
    assert returned(head, phrase_s, 0.5) == NEVER


def test_the_motif_moves_as_a_whole_within_the_key_to_near_the_last_note():
    motif = even((60, 62, 64, 65))
    high = moved(motif, 67, TONES, C_MAJOR)
    low = moved(motif, 55, TONES, C_MAJOR)
    assert [note.pitch for note in high] == [67, 69, 71, 72]
    assert low[0].pitch < 60
    for made in (high, low):
        assert {note.pitch for note in made} <= set(C_MAJOR)
        assert [b.pitch - a.pitch for a, b in pairwise(made)] == [2, 2, 1]


def test_of_a_chord_with_too_many_notes_the_line_and_the_bass_stay():
    chord = [Sounded(0.0, 1.0, pitch, 70) for pitch in (48, 55, 60, 64, 67)]
    assert {note.pitch for note in thinned(chord, 2)} == {48, 67}


def test_the_line_ends_a_note_that_sounds_too_long():
    held = [Sounded(0.0, 9.0, pitch, 70) for pitch in (40, 48)]
    made = thinned([*held, Sounded(1.0, 1.5, 72, 70)], 2)
    assert Sounded(1.0, 1.5, 72, 70) in made
    assert min(note.end_s for note in made) == 1.0


notes = st.lists(
    st.builds(
        lambda at, long, pitch: Sounded(at, at + long, pitch, 70),
        st.floats(0, 4), st.floats(0.04, 2), st.integers(40, 90),
    ),
    min_size=1,
    max_size=20,
)  # fmt: skip


@given(notes, st.integers(1, 5))
def test_no_more_notes_sound_than_are_allowed_and_the_line_is_kept(heard, most):
    heard.sort()
    made = thinned(heard, most)
    for note in made:
        at_s = note.start_s + CHORD_S
        assert sum(n.start_s < note.start_s <= n.end_s - CHORD_S for n in made) <= most
        assert at_s > 0
    first = heard[0].start_s
    chord = [note for note in heard if note.start_s < first + CHORD_S]
    assert max(note.pitch for note in chord) in {note.pitch for note in made}


def test_a_quotation_is_ordered_and_within_the_register():
    moments = list(quoted(even((30, 60, 99)), Limits(low=48, high=72), C_MAJOR, 2.0))
    assert [(m.at_s, m.is_down) for m in moments] == sorted(
        (m.at_s, m.is_down) for m in moments
    )
    assert moments[0].at_s == 2.0
    assert all(48 <= moment.pitch <= 72 for moment in moments)
