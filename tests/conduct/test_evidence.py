"""What a melody says about its end."""

import pytest

from ripieno.conduct.evidence import Evidence
from ripieno.music.spans import Span

BAR = 16
BEAT_NS = 500_000_000
PHRASE = (60, 64, 67, 65, 62, 69, 64, 65, 67, 62, 60, 64, 71, 72)
"""Fourteen beats; what comes after makes them four bars."""


def beat(pitch, frames=4):
    """A felt beat with a note of so many frames; a rest without a pitch."""
    if pitch is None:
        return Span(((),) * 4, ((),) * 4)
    sounding = tuple((pitch,) if frame < frames else () for frame in range(4))
    return Span(((pitch,), (), (), ()), sounding)


def odds(pitches, *, frames=4, beat_ns=BEAT_NS, is_home=True):
    evidence = Evidence()
    for index, pitch in enumerate(pitches):
        evidence.hear(4 * index, beat(pitch, frames), beat_ns)
    return evidence.of_end(BAR, is_home=is_home)


def tune(phrases):
    """Phrases without rests, none of which is like another."""
    return [
        pitch + (number * 5 + place * number) % 7
        for number in range(phrases)
        for place, pitch in enumerate((*PHRASE, 67, 65))
    ]


def song(phrases, *, rest=2):
    """The same with a rest after each phrase."""
    pitches = tune(phrases)
    for end in range(16, len(pitches), 16):
        pitches[end - rest : end] = [None] * rest
    return pitches


def test_before_the_first_note_there_is_no_evidence():
    assert odds([]) == 0.0
    assert odds([None] * 8) == 0.0


def test_a_tune_without_rests_is_likelier_to_be_over_than_a_song_with_rests():
    assert odds(tune(4)) > 1
    assert odds(song(4)) < 0


@pytest.mark.parametrize("melody", [tune, song])
def test_a_longer_melody_is_likelier_to_be_over(melody):
    counts = (1, 4) if melody is tune else (8, 24)
    assert odds(melody(counts[0])) < odds(melody(counts[1]))


def test_a_song_of_three_minutes_is_likelier_to_be_over_than_one_of_two():
    melody = song(16)
    assert odds(melody, beat_ns=BEAT_NS * 3 // 2) > odds(melody, beat_ns=BEAT_NS)


def test_short_gaps_between_notes_are_no_rests():
    assert odds(tune(4), frames=3) == odds(tune(4))
    assert odds(tune(4), frames=2) < odds(tune(4))


def test_a_close_that_was_heard_twice_before_makes_an_end_likelier():
    close = (72, 71, 69, 67, 65, 60)
    once, twice = ([*song(4), *close] * n for n in (2, 3))
    other = [*song(4), *close, *song(4), *close, *song(4), *close[:-1], 61]
    assert odds(twice) - odds(once) >= 1
    assert odds(twice) - odds(other) >= 1


def test_a_tune_is_likelier_to_be_over_on_its_tonic():
    assert odds(tune(4)) > odds(tune(4), is_home=False)
    assert odds(tune(1), is_home=False) < 0


def test_a_high_last_note_makes_an_end_less_likely():
    assert odds([*tune(4), 84]) < odds([*tune(4), 55])


def test_a_note_that_was_struck_before_the_first_beat_is_no_evidence():
    evidence = Evidence()
    evidence.hear(0, Span(((),) * 4, ((60,),) * 4), BEAT_NS)
    assert evidence.quiet_frame is None
    assert evidence.of_end(BAR, is_home=False) == 0.0
