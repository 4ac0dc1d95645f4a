from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st
from tests.asked import ask

from ripieno.protocol import Limits, Played
from ripieno.rules.fallback import compose

S = 1_000_000_000


def asked(until_ticks=4800 + 480 * 4, seed=7, low=48, high=84):
    limits = Limits(low=low, high=high)
    return ask(start_ticks=4800, until_ticks=until_ticks, seed=seed, limits=limits)


ASK = asked()


def onsets(pitches, gap_s=0.25):
    return [
        Played(int(i * gap_s * S), 0, pitch, 60 + i % 9)
        for i, pitch in enumerate(pitches)
    ]


def test_the_reply_uses_the_intervals_of_the_phrase():
    steps = {2, -1}
    tune = [60, 62, 64, 63, 65, 67, 66, 68, 70, 69]
    notes = compose(onsets(tune), ASK, 4800).notes
    walked = {b.pitch - a.pitch for a, b in pairwise(notes)}
    assert {step % 12 for step in walked} <= {step % 12 for step in steps}


def test_the_reply_keeps_the_rhythm_of_the_phrase():
    notes = compose(onsets([60, 62, 64, 65, 67]), ASK, 4800).notes
    gaps = {b.start_ticks - a.start_ticks for a, b in pairwise(notes)}
    assert gaps == {120}


@given(st.lists(st.integers(0, 127), min_size=1, max_size=40), st.integers(0, 2**32))
def test_the_reply_stays_in_the_register(pitches, seed):
    an_ask = asked(6720, seed, low=60, high=63)
    notes = compose(onsets(pitches), an_ask, 4800).notes
    assert notes
    assert all(60 <= note.pitch <= 63 for note in notes)
    assert all(4800 <= note.start_ticks < 6720 for note in notes)


def test_the_same_seed_plays_the_same():
    heard = onsets([60, 67, 64, 72, 71, 69, 67])
    assert compose(heard, ASK, 4800) == compose(heard, ASK, 4800)


def test_without_a_phrase_there_is_no_reply():
    assert compose([], ASK, 4800).notes == ()
