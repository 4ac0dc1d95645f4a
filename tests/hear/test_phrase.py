from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from ripieno.hear.phrase import Phrase

S = 1_000_000_000


def played(gaps_s, length_s=0.1):
    """A phrase of single notes at these gaps, each held for `length_s`."""
    phrase, at_s = Phrase(), 0.0
    for pitch, gap_s in enumerate([0.0, *gaps_s]):
        at_s += gap_s
        phrase.down(int(at_s * S), 60 + pitch)
        phrase.up(int((at_s + length_s) * S), 60 + pitch)
    return phrase, at_s


def wait_s(gaps_s):
    phrase, last_s = played(gaps_s)
    return phrase.ends_at_ns() / S - last_s


def test_silence_is_no_phrase():
    assert Phrase().ends_at_ns() is None
    assert Phrase().reply_at_ns() is None


def test_a_fast_phrase_is_over_sooner_than_a_slow_one():
    fast, slow = wait_s([0.15] * 6), wait_s([0.6] * 6)
    assert fast < 0.5
    assert slow > 1.2


def test_a_phrase_is_not_over_within_its_own_longest_gap():
    phrase, last_s = played([0.25, 0.25, 0.5, 0.25, 0.25])
    assert phrase.ends_at_ns() > (last_s + 0.5) * S


def test_a_held_key_keeps_the_phrase_open():
    phrase, last_s = played([0.3, 0.3])
    phrase.down(int((last_s + 0.3) * S), 72)
    assert phrase.ends_at_ns() is None
    phrase.up(int((last_s + 5.0) * S), 72)
    assert phrase.ends_at_ns() >= (last_s + 5.1) * S


def test_the_notes_of_a_chord_are_one_onset():
    phrase = Phrase()
    for beat in range(4):
        for voice in range(3):
            at_ns = int((beat * 0.5 + voice * 0.012) * S)
            phrase.down(at_ns, 60 + voice)
            phrase.up(at_ns + S // 5, 60 + voice)
    assert phrase.onsets == 4
    assert 0.48 * S < phrase.pulse_ns < 0.52 * S


def test_the_reply_starts_on_the_humans_pulse():
    phrase, last_s = played([0.5] * 7)
    beats = (phrase.reply_at_ns() / S - last_s) / 0.5
    assert abs(beats - round(beats)) < 1e-6


def test_the_reply_starts_at_most_one_pulse_after_the_end():
    for gap_s in (0.11, 0.2, 0.33, 0.5, 0.8, 1.3):
        phrase, _ = played([gap_s] * 5)
        late_ns = phrase.reply_at_ns() - phrase.ends_at_ns()
        assert 0 <= late_ns <= phrase.pulse_ns


def test_an_even_phrase_has_a_grid_of_its_shortest_notes():
    phrase, _ = played([0.5, 0.25, 0.25, 0.5, 0.5, 0.25])
    assert abs(phrase.grid_ns - 0.25 * S) < 0.002 * S


def test_dotted_notes_have_the_grid_that_divides_them():
    phrase, _ = played([0.5, 0.5, 0.75, 0.25, 0.5])
    assert abs(phrase.grid_ns - 0.25 * S) < 0.002 * S
    dotted, _ = played([0.3, 0.2, 0.3, 0.2, 0.3, 0.2])
    assert abs(dotted.grid_ns - 0.1 * S) < 0.002 * S


@given(st.lists(st.floats(-0.012, 0.012), min_size=9, max_size=9))
def test_a_persons_unevenness_does_not_hide_the_grid(uneven):
    beats = [0.5 * n for n in range(10)]
    onsets = [beat + off for beat, off in zip(beats, [0.0, *uneven], strict=True)]
    phrase, _ = played([b - a for a, b in pairwise(onsets)])
    assert abs(phrase.grid_ns - 0.5 * S) < 0.005 * S


def test_free_playing_has_no_grid():
    phrase, _ = played([0.41, 0.97, 0.23, 0.68, 0.31, 1.13, 0.52])
    assert phrase.grid_ns == 0


def test_patience_scales_the_wait():
    phrase, last_s = played([0.4] * 5)
    patient = phrase.ends_at_ns(2.0) / S - last_s
    assert abs(patient / wait_s([0.4] * 5) - 2.0) < 0.01


def test_a_lone_note_waits_under_a_second():
    phrase, _ = played([])
    assert 0.5 * S < phrase.ends_at_ns() < 1.0 * S


def test_a_phrase_is_as_long_as_what_was_played():
    phrase, last_s = played([0.5] * 4, length_s=0.4)
    assert abs(phrase.length_ns() / S - (last_s + 0.5)) < 0.01
