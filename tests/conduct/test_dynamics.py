"""How loud a span is played: the soloist, their accents, and the arc of the phrase."""

from hypothesis import given
from hypothesis import strategies as st

from ripieno.conduct.dynamics import ARC, ARC_BARS, AT_FIRST, PEAK, Dynamics, arch
from ripieno.music.spans import Phase

START = Phase(0, 4, 0)


def played(*velocities, pitch=67):
    dynamics = Dynamics()
    for frame, velocity in enumerate(velocities):
        dynamics.on_note(4 * frame, pitch, velocity)
    return dynamics


def test_before_the_first_note_it_is_as_loud_as_assumed_but_for_the_arc():
    loud = [Dynamics().velocity(Phase(s, 4, b), 8) for b in range(8) for s in range(4)]
    assert min(loud) >= AT_FIRST - ARC
    assert max(loud) <= AT_FIRST + ARC


def test_a_soloist_who_plays_louder_is_followed_and_the_song_is_remembered():
    level = played(*[60] * 40).velocity(START, 8)
    louder = played(*[60] * 40, *[90] * 6).velocity(START, 8)
    quiet_again = played(*[60] * 40, *[90] * 6, *[60] * 12).velocity(START, 8)
    assert level + 20 < louder
    assert quiet_again < level + 5


def test_a_soloist_who_goes_higher_is_played_louder_to():
    dynamics = played(*[70] * 40, pitch=60)
    before = dynamics.velocity(START, 8)
    for frame in range(8):
        dynamics.on_note(200 + frame, 72, 70)
    assert dynamics.velocity(START, 8) > before + 2


def test_an_accent_counts_on_the_frame_that_was_struck_only():
    dynamics = played(*[60] * 10)
    dynamics.on_note(40, 67, 90)
    assert dynamics.accent(40) == 30
    assert dynamics.accent(44) == 0
    dynamics.on_note(44, 67, 50)
    assert dynamics.accent(44) == 0


def test_a_phrase_is_an_arc_that_rises_to_its_peak_and_falls():
    loud = [
        Dynamics().velocity(Phase(span, 4, bar), ARC_BARS)
        for bar in range(ARC_BARS)
        for span in range(4)
    ]
    peak = loud.index(max(loud))
    assert abs(peak / len(loud) - PEAK) < 1 / ARC_BARS
    assert loud[: peak + 1] == sorted(loud[: peak + 1])
    assert loud[peak:] == sorted(loud[peak:], reverse=True)


@given(st.floats(0, 1))
def test_the_arc_lies_between_0_and_1(place):
    assert 0 <= arch(place) <= 1
