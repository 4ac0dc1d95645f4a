"""MIDI messages as bytes: the few questions that Ripieno asks of them.

A message travels as the `bytes` that it is. Asking for a field costs an index; nothing
is decoded twice. Every function here takes any bytes, even damaged ones.

Source: MIDI 1.0 Detailed Specification 4.2, tables I to III.
"""

from typing import Final

NOTE_OFF: Final = 0x80
NOTE_ON: Final = 0x90
CONTROL: Final = 0xB0
PROGRAM: Final = 0xC0
SUSTAIN: Final = 64
SOSTENUTO: Final = 66
SOFT: Final = 67
PEDALS: Final = (SUSTAIN, SOSTENUTO, SOFT)
"""What keeps or colours notes while it is down; whoever presses one lifts it."""
ALL_SOUND_OFF: Final = 120
ALL_NOTES_OFF: Final = 123


def is_channel_message(data: bytes) -> bool:
    """Whether these bytes are one whole channel message, and nothing else."""
    if not data or not 0x80 <= data[0] < 0xF0:
        return False
    length = 2 if 0xC0 <= data[0] < 0xE0 else 3
    return len(data) == length and max(data[1:]) < 0x80


def is_sysex(data: bytes) -> bool:
    """Whether these bytes are one whole system exclusive message."""
    return len(data) > 1 and data[0] == 0xF0 and data[-1] == 0xF7


def channel_of(data: bytes) -> int:
    """The channel, 0 … 15, of a channel message."""
    return data[0] & 0x0F


def is_note_on(data: bytes) -> bool:
    """A note-on with a velocity; one without is a note-off by another name."""
    return data[0] & 0xF0 == NOTE_ON and data[2] > 0


def is_note_off(data: bytes) -> bool:
    """A note-off, or a note-on with velocity 0."""
    kind = data[0] & 0xF0
    return kind == NOTE_OFF or (kind == NOTE_ON and data[2] == 0)


def is_control(data: bytes) -> bool:
    """A control change, channel mode messages included."""
    return data[0] & 0xF0 == CONTROL


def is_program(data: bytes) -> bool:
    """A program change."""
    return data[0] & 0xF0 == PROGRAM


def is_silencing(data: bytes) -> bool:
    """All sound off, all notes off, or a mode change, which implies the latter."""
    return is_control(data) and (data[1] == ALL_SOUND_OFF or data[1] >= ALL_NOTES_OFF)


def note_on(channel: int, pitch: int, velocity: int) -> bytes:
    """A note-on."""
    return bytes((NOTE_ON | channel, pitch, velocity))


def note_off(channel: int, pitch: int) -> bytes:
    """A note-off, with release velocity 64 as the specification asks by default."""
    return bytes((NOTE_OFF | channel, pitch, 64))


def control(channel: int, number: int, value: int) -> bytes:
    """A control change."""
    return bytes((CONTROL | channel, number, value))


def letting_go() -> list[bytes]:
    """Every pedal up and all notes off, on every channel: what a DAW says at a stop."""
    numbers = (*PEDALS, ALL_NOTES_OFF)
    return [control(channel, number, 0) for channel in range(16) for number in numbers]
