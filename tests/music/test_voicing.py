from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ripieno.music import chords
from ripieno.music.chords import N_CHORDS, NO_CHORD
from ripieno.music.voicing import WIDEST_GAP, bass_of, motion, moved, voiced

LOW, HIGH = 52, 76

any_chord = st.integers(0, N_CHORDS - 1)
pitches = st.integers(0, 127)
before = st.lists(pitches, max_size=5, unique=True).map(sorted).map(tuple)
avoided = st.frozensets(st.integers(0, 11), max_size=4)


def progression(names, voices):
    """The voicings of a progression, one growing out of the other."""
    found: list[tuple[int, ...]] = [()]
    for name in names.split():
        found.append(voiced(chords.named(name), found[-1], LOW, HIGH, voices))
    return found[1:]


def move(names, *played):
    """Where notes over one chord go over another: ``C > Am``."""
    one, other = (chords.named(name) for name in names.split(" > "))
    return [moved(pitch, one, other) for pitch in played]


def is_tone(pitch, chord):
    return pitch % 12 in chords.pitch_classes(chord)


# ── voicings ─────────────────────────────────────────────────────────────────────────


def test_three_voices_of_a_cadence_move_like_a_hand():
    assert progression("C F G C", voices=3) == [
        (60, 64, 67),
        (60, 65, 69),
        (59, 62, 67),
        (60, 64, 67),
    ]


def test_a_chain_of_sevenths_falls_by_step():
    assert progression("Dm7 G7 Cmaj7 Fmaj7", voices=4) == [
        (60, 62, 65, 69),
        (59, 62, 65, 67),
        (59, 60, 64, 67),
        (57, 60, 64, 65),
    ]


def test_a_fourth_voice_doubles_root_or_fifth():
    assert progression("C F G C", voices=4) == [
        (60, 64, 67, 72),
        (60, 65, 69, 72),
        (59, 62, 67, 74),
        (60, 64, 67, 72),
    ]


def test_three_voices_of_a_seventh_leave_the_fifth_out():
    assert {p % 12 for p in voiced(chords.named("G7"), (), LOW, HIGH, 3)} == {7, 11, 5}
    half_diminished = voiced(chords.named("Bm7b5"), (), LOW, HIGH, 3)
    assert {p % 12 for p in half_diminished} == {11, 2, 5}  # its fifth is its colour
    sixth = voiced(chords.named("C6"), (), LOW, HIGH, 3)
    assert {p % 12 for p in sixth} == {0, 4, 7}  # C E A would be A minor


def test_a_fifth_that_rubs_against_the_melody_is_left_out():
    c_major_7 = chords.named("Cmaj7")
    below_c = voiced(c_major_7, (), LOW, HIGH, 4, avoid=frozenset({11}))
    assert {p % 12 for p in below_c} == {0, 4, 7}
    everything = voiced(c_major_7, (), LOW, HIGH, 4, avoid=frozenset(range(12)))
    assert {p % 12 for p in everything} == {0, 4}


def test_a_narrow_register_holds_fewer_voices():
    c_major = chords.named("C")
    assert voiced(c_major, (), 60, 66, 4) == (60, 64)
    assert voiced(c_major, (), 61, 66, 4) == (64,)
    assert voiced(c_major, (), 61, 63, 4) == ()
    assert voiced(c_major, (), 70, 60, 4) == ()


def test_no_chord_has_no_voices():
    assert voiced(NO_CHORD, (60, 64, 67), LOW, HIGH) == ()


def test_the_same_chord_stays_where_it_is():
    assert voiced(chords.named("Am"), (57, 60, 64), LOW, HIGH, 3) == (57, 60, 64)


@given(any_chord, before, pitches, pitches, st.integers(0, 5), avoided)
def test_every_voice_is_a_chord_note_in_the_register(
    chord, last, low, high, voices, avoid
):
    found = voiced(chord, last, low, high, voices, avoid=avoid)
    assert len(found) <= voices
    assert all(a < b <= a + WIDEST_GAP for a, b in pairwise(found))
    assert all(low <= pitch <= high and is_tone(pitch, chord) for pitch in found)
    third = chords.pitch_classes(chord)[1]
    assert sum(pitch % 12 == third for pitch in found) <= 1


@given(any_chord, before, st.integers(0, 103), st.integers(2, 4), avoided)
def test_two_octaves_hold_root_and_third_whatever_the_melody(
    chord, last, low, voices, avoid
):
    found = {p % 12 for p in voiced(chord, last, low, low + 24, voices, avoid=avoid)}
    tones = chords.pitch_classes(chord)
    assert set(tones[:2]) <= found
    assert found <= set(tones[:2]) | (set(tones) - avoid)


@given(any_chord, before, st.integers(0, 103))
def test_two_octaves_hold_four_voices(chord, last, low):
    assert len(voiced(chord, last, low, low + 24, 4)) == 4


@given(any_chord, any_chord, st.integers(3, 4))
def test_voices_move_less_than_a_third_each(one, other, voices):
    start = voiced(one, (), 48, 84, voices)
    assert motion(start, voiced(other, start, 48, 84, voices)) <= 4 * voices


# ── basses ───────────────────────────────────────────────────────────────────────────


def test_the_bass_takes_the_nearest_root():
    names = "C F G Am D7"
    last, found = None, []
    for name in names.split():
        last = bass_of(chords.named(name), last, 36, 52)
        found.append(last)
    assert found == [48, 41, 43, 45, 50]


def test_without_its_root_the_bass_is_another_note_of_the_chord():
    assert bass_of(chords.named("C"), 41, 40, 46) == 40
    assert bass_of(chords.named("C"), 41, 41, 42) == 41
    assert bass_of(NO_CHORD, 41, 36, 52) == 41


@given(any_chord, st.one_of(st.none(), pitches), st.integers(0, 116))
def test_an_octave_always_has_a_root(chord, last, low):
    bass = bass_of(chord, last, low, low + 11)
    assert low <= bass <= low + 11
    assert bass % 12 == chords.root_of(chord)


# ── notes moved to another chord ─────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("names", "played", "expected"),
    [
        ("C > G", [60, 64, 67], [55, 59, 62]),
        ("C > Cm", [60, 64, 67, 76], [60, 63, 67, 75]),
        ("C > Am", [48, 60, 64], [45, 57, 60]),
        ("C7 > F7", [70], [75]),  # seventh to seventh
        ("C7 > F", [70], [65]),  # or to the root
        ("C > G7", [62], [57]),  # a second above the root stays one
        ("C > Am", [65], [62]),  # and C#, a second above C, is not in A minor
        ("C > G", [63], [58]),  # a chromatic neighbour stays one
        ("- > C", [61], [61]),
        ("C > -", [61], [61]),
    ],
)
def test_a_note_moves_with_its_chord(names, played, expected):
    assert move(names, *played) == expected


@given(pitches, any_chord)
def test_a_note_stays_while_the_chord_does(pitch, chord):
    assert moved(pitch, chord, chord) == pitch


@given(pitches, any_chord, any_chord)
def test_a_chords_note_stays_a_chords_note_and_moves_by_a_tritone_at_most(
    pitch, one, other
):
    found = moved(pitch, one, other)
    assert 0 <= found <= 127
    if is_tone(pitch, one):
        assert is_tone(found, other)
        if 6 <= pitch <= 121:
            assert abs(found - pitch) <= 6


@given(st.integers(12, 115), any_chord, any_chord)
def test_a_note_between_chord_notes_moves_by_at_most_eight_semitones(pitch, one, other):
    assert abs(moved(pitch, one, other) - pitch) <= 8
