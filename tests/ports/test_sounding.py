"""`Sounding` follows the notes and pedals that are down behind a port."""

from hypothesis import given
from hypothesis import strategies as st

from ripieno.music import messages
from ripieno.ports.sounding import Sounding

CHANNELS, KEYS = st.integers(0, 15), st.integers(0, 127)
ONS = st.builds(messages.note_on, CHANNELS, KEYS, st.integers(0, 127))
OFFS = st.builds(messages.note_off, CHANNELS, KEYS)
CONTROLS = st.builds(messages.control, CHANNELS, st.integers(0, 119), KEYS)


def held(stream: list[bytes]) -> tuple[set[tuple[int, int]], set[tuple[int, int]]]:
    """Keys and pedals whose last word was not an end, counted the long way."""
    last: dict[tuple[str, int, int], bool] = {}
    for data in stream:
        channel = messages.channel_of(data)
        if messages.is_control(data):
            if data[1] in (64, 66, 67):
                last["foot", channel, data[1]] = data[2] > 0
        else:
            last["key", channel, data[1]] = messages.is_note_on(data)
    down = [slot for slot, is_down in last.items() if is_down]
    keys = {(c, n) for kind, c, n in down if kind == "key"}
    return keys, {(c, n) for kind, c, n in down if kind == "foot"}


@given(st.lists(ONS | OFFS | CONTROLS, max_size=60))
def test_only_sounding_notes_are_ended(stream: list[bytes]) -> None:
    sounding = Sounding()
    for message in stream:
        sounding.passed(message)
    keys, feet = held(stream)
    ends = sounding.ends()
    assert {(m[0] & 15, m[1]) for m in ends if messages.is_note_off(m)} == keys
    assert {(m[0] & 15, m[1]) for m in ends if messages.is_control(m)} == feet
    assert len(ends) == len(keys) + len(feet)
    for message in ends:
        sounding.passed(message)
    assert sounding.ends() == []


def test_keys_are_let_go_before_the_pedals() -> None:
    sounding = Sounding()
    sounding.passed(messages.control(3, messages.SOSTENUTO, 127))
    sounding.passed(messages.note_on(2, 60, 1))
    first, second = sounding.ends()
    assert first == messages.note_off(2, 60)
    assert second == messages.control(3, messages.SOSTENUTO, 0)


def test_messages_other_than_channel_messages_change_nothing() -> None:
    sounding = Sounding()
    for message in (b"\xf0\x7d\xf7", b"\xf8", b"\xc0\x05", b"\xe0\x00\x40"):
        sounding.passed(message)
    assert sounding.ends() == []


def test_what_ended_lately_is_known_but_for_what_started_again() -> None:
    sounding = Sounding()
    for at, message in enumerate(
        (
            messages.note_on(0, 60, 1),
            bytes((0x80, 60, 21)),
            messages.note_on(0, 62, 1),
            messages.note_off(0, 62),
            messages.note_on(0, 62, 1),
            messages.control(0, messages.SUSTAIN, 127),
            messages.control(0, messages.SUSTAIN, 0),
        )
    ):
        sounding.passed(message, at)
    pedal = messages.control(0, messages.SUSTAIN, 0)
    assert sounding.ended_since(0) == [bytes((0x80, 60, 21)), pedal]
    assert sounding.ended_since(2) == [pedal]
    assert sounding.ended_since(7) == []


def test_every_channel_that_was_used_is_silenced() -> None:
    sounding = Sounding()
    sounding.passed(messages.note_on(3, 60, 1))
    sounding.passed(b"\xc5\x01")
    sounding.passed(b"\xf8")
    assert sounding.silences() == [
        messages.control(channel, number, 0)
        for channel in (3, 5)
        for number in (messages.SUSTAIN, messages.ALL_NOTES_OFF)
    ]
