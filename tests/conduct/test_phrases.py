"""Where phrases end: at rests and long notes, and again after four and eight bars."""

import pytest

from ripieno.conduct.phrases import Phrases
from ripieno.music.spans import Phase, Span

SPANS = 4
REST = Span(((),) * 4, ((),) * 4)
NOTE = Span(((60,), (), (), ()), ((60,),) * 4)
HELD = Span(((),) * 4, ((60,),) * 4)


def phase_at(index):
    """Where a beat of 4/4 lies."""
    return Phase(index % SPANS, SPANS, index // SPANS)


def heard(*spans, first=0):
    """The phrases of some beats, from one on."""
    phrases = Phrases()
    for index, span in enumerate(spans, first):
        phrases.hear(span, phase_at(index))
    return phrases


WALKING = [NOTE] * 16
"""Four bars without a rest."""
BREATHING = [NOTE] * 6 + [REST] * 2
"""Two bars that end with the note on the second beat of the second bar."""
HOLDING = [NOTE] * 5 + [HELD] * 3
"""Two bars that end with a note that is held from the first beat of the second."""


@pytest.mark.parametrize(("bars", "end"), [(BREATHING, 5), (HOLDING, 4)])
def test_a_phrase_ends_with_the_note_before_a_rest_and_with_a_long_one(bars, end):
    phrases = heard(*bars * 8)
    ending = {at: phrases.ending(phase_at(64 + at)) for at in range(8)}
    assert max(ending, key=ending.__getitem__) == end
    assert ending[end] > 0.7


def test_an_end_is_expected_in_the_last_bar_of_four_and_rather_of_eight():
    phrases = heard(*WALKING)
    ending = {bar: phrases.ending(phase_at(4 * bar)) for bar in range(4, 12)}
    likeliest = sorted(ending, key=ending.__getitem__)[-2:]
    assert likeliest == [11, 7] or ending[7] > ending[11] > ending[6]
    assert ending[4] == 0.0


def test_the_bars_are_counted_from_the_first_note():
    phrases = heard(*WALKING, first=8)
    assert phrases.ending(phase_at(4 * 9)) > phrases.ending(phase_at(4 * 7))
    assert phrases.is_half(phase_at(4 * 5))


def test_a_pickup_belongs_to_the_bar_after_it():
    phrases = heard(NOTE, *WALKING, first=3)
    assert phrases.is_half(phase_at(4 * 4))


def test_phrases_that_begin_elsewhere_move_the_expected_ends():
    """Two bars of introduction, then phrases of four bars with a rest at their end."""
    phrase = [NOTE] * 13 + [REST] * 3
    phrases = heard(*[NOTE] * 5, *[REST] * 3, *phrase * 6)
    assert phrases.ending(phase_at(4 * 29)) > 0.7
    assert phrases.ending(phase_at(4 * 27)) < 0.4


def test_nothing_is_expected_before_the_first_note():
    phrases = heard(*[REST] * 8)
    assert all(phrases.ending(phase_at(index)) == 0.0 for index in range(32))
