"""Which chord the left hand holds, and when it counts."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ripieno.conduct.left_hand import PAIR_NS, SETTLE_NS, LeftHand
from ripieno.music import messages
from ripieno.protocol import Played

MS = 1_000_000
C, F = (48, 52, 55), (48, 53, 57)


def press(hand, at_ns, *pitches):
    for pitch in pitches:
        hand.on_key(Played(at_ns, 0, pitch, 80))


def lift(hand, at_ns, *pitches):
    for pitch in pitches:
        hand.on_key(Played(at_ns, 0, pitch, 0))


def settled(hand):
    """Let the hand settle; return whether the chord is another one, and its name."""
    assert hand.check_at_ns is not None
    return hand.settle(hand.check_at_ns), str(hand.chord)


def test_a_chord_is_named_when_no_key_has_gone_down_for_the_settling_time():
    hand = LeftHand()
    press(hand, 0, *C)
    assert hand.check_at_ns == SETTLE_NS
    assert not hand.settle(SETTLE_NS - 1)
    assert hand.chord is None
    assert settled(hand) == (True, "C")
    assert hand.check_at_ns is None


def test_each_key_of_a_rolled_chord_puts_its_naming_off():
    hand = LeftHand()
    for place, pitch in enumerate(C):
        press(hand, place * 15 * MS, pitch)
    assert hand.check_at_ns == 30 * MS + SETTLE_NS
    assert settled(hand) == (True, "C")


def test_two_keys_wait_longer_for_a_third():
    hand = LeftHand()
    press(hand, 0, 48, 55)
    assert hand.check_at_ns == PAIR_NS
    assert settled(hand) == (True, "C")


def test_the_lowest_key_is_the_bass():
    hand = LeftHand()
    press(hand, 0, 52, 55, 60)
    assert settled(hand) == (True, "C/E")


def test_a_chord_stays_when_the_hand_lets_go():
    hand = LeftHand()
    press(hand, 0, *C)
    settled(hand)
    lift(hand, 500 * MS, *C)
    while hand.check_at_ns is not None:
        assert not hand.settle(hand.check_at_ns)
    assert str(hand.chord) == "C"
    assert not hand.holds_keys


def test_the_same_chord_again_is_named_again():
    hand = LeftHand()
    press(hand, 0, *C)
    settled(hand)
    lift(hand, 500 * MS, *C)
    press(hand, 600 * MS, *C)
    assert settled(hand) == (True, "C")


def test_a_new_chord_is_named_although_the_old_keys_come_up_late():
    hand = LeftHand()
    press(hand, 0, *C)
    settled(hand)
    press(hand, 500 * MS, 50, 54, 57)
    lift(hand, 510 * MS, *C)
    assert settled(hand) == (True, "D")


def test_keys_that_are_added_to_held_ones_make_a_chord_with_them():
    hand = LeftHand()
    press(hand, 0, *C)
    settled(hand)
    lift(hand, 480 * MS, 52, 55)
    press(hand, 500 * MS, 53, 57)
    assert settled(hand) == (True, "F/C")


@pytest.mark.parametrize("pitches", [(48,), (48, 49), (48, 49, 50)])
def test_keys_that_make_no_chord_leave_the_one_before(pitches):
    hand = LeftHand()
    press(hand, 0, *F)
    settled(hand)
    lift(hand, 400 * MS, *F)
    press(hand, 500 * MS, *pitches)
    assert settled(hand) == (False, "F/C")


def test_a_pedal_is_no_key():
    hand = LeftHand()
    hand.hear(0, messages.control(0, messages.SUSTAIN, 127))
    assert hand.check_at_ns is None
    hand.hear(0, messages.note_on(0, 48, 80))
    assert hand.check_at_ns == PAIR_NS
    assert hand.holds_keys


def test_clear_forgets_the_chord_and_keeps_the_keys_that_are_down():
    hand = LeftHand()
    press(hand, 0, *C)
    settled(hand)
    hand.clear()
    assert (hand.chord, hand.check_at_ns) == (None, None)
    press(hand, 900 * MS, 58)
    assert settled(hand) == (True, "C7")


@given(
    st.lists(
        st.tuples(st.integers(0, 60), st.integers(36, 59), st.booleans()), max_size=30
    )
)
def test_any_keys_settle_and_keep_a_chord_until_another_is_named(keys):
    hand, now_ns = LeftHand(), 0
    for wait_ms, pitch, is_down in keys:
        until_ns = now_ns + wait_ms * MS
        before = hand.chord
        if hand.check_at_ns is not None and hand.check_at_ns <= until_ns:
            is_named = hand.settle(hand.check_at_ns)
            assert is_named or hand.chord == before
            assert before is None or hand.chord is not None
            assert hand.check_at_ns is None
        now_ns = until_ns
        (press if is_down else lift)(hand, now_ns, pitch)
