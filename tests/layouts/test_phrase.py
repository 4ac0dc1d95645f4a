import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ripieno.layouts import phrase, phrase_grid
from ripieno.layouts.phrase import (
    FIRST_PITCH,
    HOLD,
    METERS,
    REST,
    STEPS,
    USED,
    GridNote,
    attributes,
    continued,
    ending,
    home_of,
    notes_of,
    pitch_of,
    segment,
    token_of,
    top_line,
)

C_MAJOR = (60, 62, 64, 65, 67, 69, 71)
lines = st.lists(
    st.tuples(st.integers(1, 4), st.integers(1, 4), st.integers(40, 84)),
    min_size=1, max_size=12,
)  # fmt: skip


def line_of(parts):
    """Notes one after the other, from (gap, length, pitch)."""
    notes, at = [], 0
    for gap, length, pitch in parts:
        notes.append(GridNote(at, at + min(gap, length), pitch))
        at += gap
    return notes


def scale(tonic=0):
    return [tonic + p for p in (*C_MAJOR, 72, 67, 64, 60)]


@given(st.integers(31, 91))
def test_a_pitch_is_the_inverse_of_its_token(pitch):
    assert pitch_of(token_of(pitch, 61), 61) == pitch


def test_a_pitch_out_of_reach_moves_by_octaves():
    assert pitch_of(token_of(100, 60), 60) == 88
    assert pitch_of(token_of(20, 60), 60) == 32


@given(lines, st.integers(0, 2))
def test_notes_are_the_inverse_of_segments(parts, meter):
    line, length = line_of(parts), phrase.segment_steps(meter)
    home = 62
    made: list[GridNote] = []
    for first in range(0, line[-1].end, length):
        tokens = segment(line, first, meter, home)
        assert not tokens[~phrase.used(meter)].any()
        made = continued(made, tokens, first, meter, home)
    assert [n[:3] for n in made] == [n[:3] for n in line]


def test_a_bar_of_three_quarters_uses_twelve_of_its_places():
    line = [GridNote(12, 24, 60)]
    tokens = segment(line, 0, METERS.index("3/4"), 60)
    assert tokens[16] == token_of(60, 60)
    assert (tokens[17:28] == HOLD).all()
    assert not tokens[28:].any()
    assert USED[METERS.index("3/4")] == 12


def test_a_note_over_the_segments_end_is_tied_into_the_next():
    line = [GridNote(30, 35, 64)]
    first, then = (segment(line, at, 0, 60) for at in (0, STEPS))
    assert ending(first, 0, (REST, REST)) == (HOLD, token_of(64, 60))
    assert then[:4].tolist() == [HOLD, HOLD, HOLD, REST]
    made = continued(notes_of(first, 0, 0, 60), then, STEPS, 0, 60)
    assert made == [GridNote(30, 35, 64)]


def test_a_hold_with_nothing_before_it_is_a_rest():
    tokens = np.full(STEPS, REST)
    tokens[:4] = HOLD
    assert not notes_of(tokens, 0, 0, 60)


def test_of_a_chord_the_highest_note_is_kept():
    chord = [GridNote(0, 8, 60), GridNote(0, 8, 67), GridNote(0, 8, 64)]
    line = top_line([*chord, GridNote(4, 6, 62)])
    assert [note[:3] for note in line] == [(0, 4, 67), (4, 6, 62)]


@pytest.mark.parametrize("tonic", range(12))
def test_home_is_the_root_of_the_scale_near_the_notes(tonic):
    pitches = scale(tonic)
    home = home_of(pitches, near=64.0)
    assert home % 12 == tonic
    assert abs(home - 64.0) <= 6


def test_a_minor_key_has_the_home_of_its_relative():
    a_minor = [57, 59, 60, 62, 64, 65, 68, 69, 57, 64, 69, 57]
    assert home_of(a_minor, 60.0) == 60


def test_attributes_count_onsets_height_and_syncopation():
    on = segment([GridNote(s, s + 4, 60) for s in range(0, 32, 4)], 0, 0, 60)
    off = segment([GridNote(s, s + 4, 67) for s in range(2, 30, 4)], 0, 0, 60)
    found = attributes(np.stack([on, off]), np.zeros(2, np.int64))
    assert found[0].tolist() == [4.0, 0.0, 0.0]
    assert found[1].tolist() == [3.5, 7.0, 1.0]


def test_the_fingerprint_is_that_of_the_published_layout():
    assert len(phrase.fingerprint()) == 16
    assert FIRST_PITCH + 2 * phrase.REACH + 1 == phrase.VOCABULARY


def test_the_sixteenth_comes_from_the_even_grid():
    quavers = [240 * n for n in range(8)]
    assert phrase_grid.felt(quavers, 240, 240) == phrase_grid.Beat(60.0, 0)
    assert phrase_grid.felt(quavers, 480, 240) == phrase_grid.Beat(120.0, 0)


def test_free_playing_has_the_sixteenths_of_its_pulse():
    assert phrase_grid.felt([0, 250, 400], 240, 0).step_ticks == 60.0


def test_a_jig_is_heard_in_six_eight():
    jig, at = [0], 0
    for gap in (2, 1, 2, 1, 1, 1, 1, 3, 2, 1, 2, 1, 3):
        at += gap * 90
        jig.append(at)
    assert phrase_grid.felt(jig, 180, 90) == phrase_grid.Beat(45.0, 2)


def test_dotted_rhythms_stay_in_common_time():
    dotted, at = [0], 0
    for gap in (3, 1, 3, 1, 4, 3, 1, 3, 1):
        at += gap * 90
        dotted.append(at)
    assert phrase_grid.felt(dotted, 270, 90).meter == 0


def test_three_beats_are_a_waltz():
    waltz = [0, 240, 480, 720, 960, 1200]
    assert phrase_grid.felt(waltz, 240, 240).meter == METERS.index("3/4")


@pytest.mark.parametrize("drift", [0.97, 1.0, 1.03])
def test_a_tempo_that_is_a_little_off_never_adds_up(drift):
    beat = phrase_grid.Beat(60.0, 0)
    steps = [0, 2, 4, 6, 8, 10, 12, 14, 16, 20, 22, 24, 26, 28, 32, 36, 38, 40]
    played = [
        (round(step * 60 * drift), round((step + 2) * 60 * drift), 60, 70)
        for step in steps
    ]
    assert [note.start for note in phrase_grid.placed(played, beat)] == steps
