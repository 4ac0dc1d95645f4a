from collections import defaultdict

from hypothesis import given
from hypothesis import strategies as st

from ripieno.hear.listener import ECHO_NS, Listener
from ripieno.music import messages
from ripieno.protocol import Played

channel_messages = st.one_of(
    st.tuples(st.integers(0x80, 0xBF), st.integers(0, 127), st.integers(0, 127)),
    st.tuples(st.integers(0xC0, 0xDF), st.integers(0, 127)),
    st.tuples(st.integers(0xE0, 0xEF), st.integers(0, 127), st.integers(0, 127)),
).map(bytes)


@given(st.lists(channel_messages, max_size=200))
def test_downs_and_ups_alternate_for_every_pitch(stream):
    listener = Listener()
    is_down: defaultdict[int, bool] = defaultdict(bool)
    for at_ns, data in enumerate(stream):
        for event in listener.hear(at_ns, data):
            assert is_down[event.pitch] != (event.velocity > 0)
            is_down[event.pitch] = event.velocity > 0
    assert listener.holds_keys == any(is_down[pitch] for pitch in range(128))


def test_a_note_on_with_velocity_zero_is_a_key_up():
    listener = Listener()
    listener.hear(0, b"\x90\x3c\x40")
    assert listener.hear(1, b"\x90\x3c\x00") == [Played(1, 0, 60, 0)]


def test_a_note_off_without_a_note_on_is_dropped():
    assert Listener().hear(0, messages.note_off(0, 60)) == []


def test_one_pitch_on_two_channels_is_one_key():
    listener = Listener()
    listener.hear(0, messages.note_on(0, 60, 70))
    listener.hear(1, messages.note_on(1, 60, 70))
    assert listener.hear(2, messages.note_off(0, 60)) == []
    assert listener.hear(3, messages.note_off(1, 60)) == [Played(3, 0, 60, 0)]


def test_all_notes_off_lifts_what_its_channel_holds():
    listener = Listener()
    for pitch in (60, 64, 67):
        listener.hear(0, messages.note_on(3, pitch, 70))
    lifted = listener.hear(1, messages.control(3, messages.ALL_NOTES_OFF, 0))
    assert {event.pitch for event in lifted} == {60, 64, 67}
    assert not listener.holds_keys


def test_the_sustain_pedal_is_heard_as_a_pitch():
    listener = Listener()
    assert listener.hear(0, b"\xb0\x40\x7f") == [Played(0, 0, 128, 64)]
    assert listener.hear(1, b"\xb0\x40\x50") == []
    assert listener.hear(2, b"\xb0\x40\x00") == [Played(2, 0, 128, 0)]


def test_our_own_note_that_comes_back_is_an_echo_once():
    listener, ours = Listener(), messages.note_on(0, 60, 78)
    listener.sent(0, ours)
    assert listener.is_echo(ECHO_NS // 2, ours)
    assert not listener.is_echo(ECHO_NS // 2, ours)
    assert listener.echoes == 1


def test_the_same_note_later_is_the_humans():
    listener, ours = Listener(), messages.note_on(0, 60, 78)
    listener.sent(0, ours)
    assert not listener.is_echo(ECHO_NS + 1, ours)
