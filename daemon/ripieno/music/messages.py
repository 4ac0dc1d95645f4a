"""Reads and makes MIDI messages, which Ripieno handles as raw bytes.

`is_channel_message` and `is_sysex` accept any bytes; the other tests expect a whole
message.

Source: MIDI 1.0 Detailed Specification 4.2, tables I to III.
"""

from typing import Final

NOTE_OFF: Final = 0x80
NOTE_ON: Final = 0x90
CONTROL: Final = 0xB0
PROGRAM: Final = 0xC0
VOLUME: Final = 7
EXPRESSION: Final = 11
SUSTAIN: Final = 64
SOSTENUTO: Final = 66
SOFT: Final = 67
PEDALS: Final = (SUSTAIN, SOSTENUTO, SOFT)
"""The pedals that hold or change notes. Whoever presses one must release it."""
ALL_SOUND_OFF: Final = 120
ALL_NOTES_OFF: Final = 123


def is_channel_message(data: bytes) -> bool:
    """Return whether these bytes are exactly one channel message."""
    if not data or not 0x80 <= data[0] < 0xF0:
        return False
    length = 2 if 0xC0 <= data[0] < 0xE0 else 3
    return len(data) == length and max(data[1:]) < 0x80


def is_sysex(data: bytes) -> bool:
    """Return whether these bytes are exactly one system exclusive message."""
    return len(data) > 1 and data[0] == 0xF0 and data[-1] == 0xF7


def channel_of(data: bytes) -> int:
    """Return the channel of a channel message, 0 … 15."""
    return data[0] & 0x0F


def is_note_on(data: bytes) -> bool:
    """Return whether it is a note-on with a velocity above 0."""
    return data[0] & 0xF0 == NOTE_ON and data[2] > 0


def is_note_off(data: bytes) -> bool:
    """Return whether it is a note-off, or a note-on with velocity 0."""
    kind = data[0] & 0xF0
    return kind == NOTE_OFF or (kind == NOTE_ON and data[2] == 0)


def is_control(data: bytes) -> bool:
    """Return whether it is a control change or a channel mode message."""
    return data[0] & 0xF0 == CONTROL


def is_program(data: bytes) -> bool:
    """A program change."""
    return data[0] & 0xF0 == PROGRAM


def is_ending(data: bytes) -> bool:
    """Whether this ends notes or lifts a pedal."""
    is_lift = is_control(data) and data[1] in PEDALS and data[2] < 64
    return is_lift or is_note_off(data) or is_silencing(data)


def is_silencing(data: bytes) -> bool:
    """Return whether it is all sound off, all notes off, or implies all notes off."""
    return is_control(data) and (data[1] == ALL_SOUND_OFF or data[1] >= ALL_NOTES_OFF)


def note_on(channel: int, pitch: int, velocity: int) -> bytes:
    """Make a note-on."""
    return bytes((NOTE_ON | channel, pitch, velocity))


def note_off(channel: int, pitch: int) -> bytes:
    """Make a note-off with release velocity 64, the specification's default."""
    return bytes((NOTE_OFF | channel, pitch, 64))


def control(channel: int, number: int, value: int) -> bytes:
    """Make a control change."""
    return bytes((CONTROL | channel, number, value))


def select(channel: int, program: int) -> bytes:
    """Make a program change; programs count from 0."""
    return bytes((PROGRAM | channel, program))


def letting_go() -> list[bytes]:
    """Return what a DAW sends at a stop: all pedals up, all notes off, each channel."""
    numbers = (*PEDALS, ALL_NOTES_OFF)
    return [control(channel, number, 0) for channel in range(16) for number in numbers]
