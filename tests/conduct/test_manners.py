"""The density that is asked for, by tempo and by the room that the soloist leaves."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ripieno.conduct.manners import USUAL, Manners
from ripieno.music.spans import DENSITIES, Manner, Phase, Span, class_of

SILENT = Span(((),) * 4, ((),) * 4)
HELD = Span(((),) * 4, ((67,),) * 4)
STRUCK = Span(((67,), (), (), ()), ((67,),) * 4)
BEAT_S = 0.7
AUTO = Manner()


def heard(*frames):
    manners = Manners(1)
    for frame in frames:
        manners.on_note(frame)
    return manners


def density(manners, frame=400, beat=HELD, beat_s=BEAT_S):
    phase = Phase(frame // 4 % 4, 4, frame // 16)
    return manners.of(AUTO, phase, frame, beat, beat_s).density


def test_it_fills_where_the_soloist_rests():
    resting = heard(*range(0, 380, 4))
    assert density(resting, beat=SILENT) > density(heard(*range(0, 400, 4)), beat=HELD)


def test_it_leaves_room_where_the_soloist_is_busy():
    calm, busy = heard(*range(0, 401, 4)), heard(*range(0, 401, 2))
    assert density(busy, beat=STRUCK) < density(calm, beat=STRUCK)


def test_a_bar_has_fewer_notes_at_a_fast_tempo():
    slow, fast = (density(heard(396, 400), beat_s=60 / bpm) for bpm in (70, 180))
    assert USUAL[fast - 1] <= 0.7 * USUAL[slow - 1]


@pytest.mark.parametrize("wanted", [Manner(3), Manner(0, 2), Manner(8, 1, 1)])
def test_what_the_musician_wants_is_kept(wanted):
    assert heard().of(wanted, Phase(0, 4, 0), 0, SILENT, 0.2) == wanted


@given(st.floats(0.15, 3.0), st.sampled_from([SILENT, HELD, STRUCK]), st.integers(0, 9))
def test_every_density_is_a_class(beat_s, beat, notes):
    manners = heard(*range(400 - notes, 400))
    assert 1 <= density(manners, beat=beat, beat_s=beat_s) <= len(DENSITIES) + 1


def test_the_usual_density_of_a_class_lies_in_it():
    classes = [class_of(usual, DENSITIES) for usual in USUAL]
    assert classes == list(range(1, len(DENSITIES) + 2))
