import pytest
from hypothesis import given
from hypothesis import strategies as st

from ripieno.music.scales import named
from ripieno.rules.parallel import KINDS, parallel

C_MAJOR = named("C major")
A_MINOR = named("A harmonic minor")
PENTATONIC = named("C major pentatonic")
TUNE = [60, 62, 64, 65, 67, 69, 71, 72]  # C4 to C5

scales = st.sampled_from([C_MAJOR, A_MINOR, PENTATONIC, frozenset(range(12))])


def test_thirds_below_stay_in_the_scale():
    thirds = [parallel(pitch, C_MAJOR)[0] for pitch in TUNE]
    assert thirds == [57, 59, 60, 62, 64, 65, 67, 69]  # A3 to A4


def test_sixths_below_stay_in_the_scale():
    sixths = [parallel(pitch, C_MAJOR, "sixths")[0] for pitch in TUNE]
    assert sixths == [52, 53, 55, 57, 59, 60, 62, 64]  # E3 to E4


def test_fauxbourdon_is_a_triad_in_first_inversion():
    assert parallel(72, C_MAJOR, "fauxbourdon", voices=2) == (67, 64)  # C5 over G4 E4
    assert parallel(71, C_MAJOR, "fauxbourdon", voices=2) == (65, 62)  # B4 over F4 D4


def test_an_octave_is_an_octave_whatever_the_scale():
    assert parallel(61, C_MAJOR, "octave", voices=2) == (49, 37)


def test_a_pentatonic_scale_gives_its_nearest_step():
    assert parallel(72, PENTATONIC)[0] == 69  # C over A
    assert parallel(69, PENTATONIC)[0] % 12 in PENTATONIC


def test_a_voice_below_the_range_is_lifted_or_left_out():
    assert parallel(60, C_MAJOR, "octave", voices=3, low=40) == (48,)
    assert parallel(41, C_MAJOR, low=40) == ()


def test_an_unknown_kind_says_which_there_are():
    with pytest.raises(ValueError, match="thirds, sixths"):
        parallel(60, kind="tenths")


@given(
    st.integers(0, 127),
    scales,
    st.sampled_from(sorted(KINDS)),
    st.integers(1, 3),
    st.integers(0, 60),
    st.integers(60, 127),
)
def test_voices_lie_in_range_below_the_melody_and_from_the_top(
    melody, scale, kind, voices, low, high
):
    found = parallel(melody, scale, kind, voices=voices, low=low, high=high)
    assert len(found) <= voices
    assert list(found) == sorted(set(found), reverse=True)
    assert all(low <= pitch <= high and pitch < melody for pitch in found)


@given(st.integers(60, 96), scales, st.sampled_from(("thirds", "sixths")))
def test_thirds_and_sixths_never_make_a_fifth(melody, scale, kind):
    chord = (melody, *parallel(melody, scale, kind, voices=3))
    if scale != PENTATONIC:
        intervals = {(a - b) % 12 for a in chord for b in chord}
        assert not intervals & {5, 7}
