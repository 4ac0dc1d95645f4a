"""The questions that the daemon asks of MIDI bytes, damaged ones included."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ripieno.music import messages

channels = st.integers(0, 15)
data_bytes = st.integers(0, 127)
velocities = st.integers(1, 127)


@given(channels, data_bytes, velocities)
def test_a_note_on_is_a_channel_message_and_no_note_off(channel, pitch, velocity):
    data = messages.note_on(channel, pitch, velocity)
    assert data == bytes((0x90 + channel, pitch, velocity))
    assert messages.is_channel_message(data)
    assert messages.channel_of(data) == channel
    assert messages.is_note_on(data)
    assert not messages.is_note_off(data)
    assert not messages.is_control(data)


@given(channels, data_bytes)
def test_a_note_off_is_a_channel_message_and_no_note_on(channel, pitch):
    data = messages.note_off(channel, pitch)
    assert data == bytes((0x80 + channel, pitch, 64))
    assert messages.is_channel_message(data)
    assert messages.channel_of(data) == channel
    assert messages.is_note_off(data)
    assert not messages.is_note_on(data)


@given(channels, data_bytes)
def test_a_note_on_with_velocity_zero_is_a_note_off(channel, pitch):
    data = messages.note_on(channel, pitch, 0)
    assert messages.is_note_off(data)
    assert not messages.is_note_on(data)


@given(channels, data_bytes, data_bytes)
def test_a_control_change_is_neither_note_on_nor_note_off(channel, number, value):
    data = messages.control(channel, number, value)
    assert data == bytes((0xB0 + channel, number, value))
    assert messages.is_channel_message(data)
    assert messages.channel_of(data) == channel
    assert messages.is_control(data)
    assert not messages.is_note_on(data)
    assert not messages.is_note_off(data)


@given(channels, data_bytes, data_bytes)
def test_only_controllers_120_and_123_to_127_silence_a_channel(channel, number, value):
    expected = number in {120, 123, 124, 125, 126, 127}
    assert messages.is_silencing(messages.control(channel, number, value)) == expected


def test_a_note_off_does_not_silence_a_channel():
    assert not messages.is_silencing(messages.note_off(0, 123))


@given(st.binary(max_size=5))
def test_a_channel_message_has_one_status_byte_and_its_number_of_data_bytes(data):
    lengths = {0x8: 3, 0x9: 3, 0xA: 3, 0xB: 3, 0xC: 2, 0xD: 2, 0xE: 3}
    expected = (
        bool(data)
        and lengths.get(data[0] >> 4) == len(data)
        and all(byte < 0x80 for byte in data[1:])
    )
    assert messages.is_channel_message(data) == expected


@pytest.mark.parametrize(
    ("data", "is_whole"),
    [
        (b"\xf0\xf7", True),
        (b"\xf0\x7e\x7f\x06\x01\xf7", True),
        (b"\xf0", False),
        (b"\xf7", False),
        (b"\xf0\x7e\x7f", False),
        (b"\x7e\x7f\xf7", False),
        (b"", False),
    ],
)
def test_a_system_exclusive_message_is_whole_from_f0_to_f7(data, is_whole):
    assert messages.is_sysex(data) == is_whole


def test_letting_go_lifts_every_pedal_and_ends_all_notes_of_every_channel():
    sent = messages.letting_go()
    assert all(messages.is_control(data) and data[2] == 0 for data in sent)
    assert {(messages.channel_of(data), data[1]) for data in sent} == {
        (channel, number) for channel in range(16) for number in (64, 66, 67, 123)
    }
    assert len(sent) == 16 * 4
