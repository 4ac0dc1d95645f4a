"""Pairs raw note-ons and note-offs into notes, the sustain pedal included."""

import math
from collections.abc import Iterable
from typing import Final

import msgspec

from ripieno.music.messages import EXPRESSION, SUSTAIN, VOLUME

_NS_PER_S: Final = 1e9
_AT_FIRST: Final = {VOLUME: 100, EXPRESSION: 127}
"""A channel's volume and expression before it is told any (General MIDI)."""


class SoundingNote(msgspec.Struct, frozen=True):
    """One note as it sounds.

    Args:
        start_s, end_s: when it begins, and when key and pedal are released, in seconds
            from the start.
        pitch: 0 … 127, 60 is middle C.
        velocity: 1 … 127.
        gain: of its amplitude, by volume and expression of its channel when it begins.
            1 is that of a channel that is told none.
    """

    start_s: float
    end_s: float
    pitch: int
    velocity: int
    gain: float = 1.0


class _Channels:
    """The pedals and levels of the channels, as controllers set them.

    Attributes:
        pedals: the channels whose sustain pedal is down.
    """

    def __init__(self) -> None:
        self.pedals: set[int] = set()
        self._levels: dict[tuple[int, int], int] = {}  # (channel, controller): value

    def control(self, channel: int, number: int, value: int) -> None:
        """Take a control change."""
        if number == SUSTAIN:
            (self.pedals.add if value >= 64 else self.pedals.discard)(channel)
        elif number in _AT_FIRST:
            self._levels[channel, number] = value

    def gain(self, channel: int) -> float:
        """Return the gain of a channel; 1 if it was told none."""
        return math.prod(
            (self._levels.get((channel, number), first) / first) ** 2
            for number, first in _AT_FIRST.items()
        )


def sounding_notes(messages: Iterable[tuple[int, bytes]]) -> list[SoundingNote]:
    """Return the notes of a part, in order of their ends.

    Args:
        messages: (nanoseconds, raw bytes), in order of time. Only notes, the sustain
            pedal, volume and expression are used. A note without an end lasts to the
            last message.
    """
    notes: list[SoundingNote] = []
    begun: dict[
        tuple[int, int], tuple[int, int, float]
    ] = {}  # (channel, pitch): (ns, velocity, gain)
    held: set[tuple[int, int]] = set()  # released keys whose channel's pedal is down
    channels = _Channels()
    now_ns = 0

    def end(keys: Iterable[tuple[int, int]]) -> None:
        for key in sorted(keys):
            held.discard(key)
            if key in begun:
                begun_ns, velocity, gain = begun.pop(key)
                start_s, end_s = begun_ns / _NS_PER_S, now_ns / _NS_PER_S
                notes.append(SoundingNote(start_s, end_s, key[1], velocity, gain))

    for now_ns, raw in messages:
        if len(raw) != 3:
            continue
        kind, channel, key = raw[0] >> 4, raw[0] & 0xF, (raw[0] & 0xF, raw[1])
        if kind == 0x9 and raw[2]:
            end([key])
            begun[key] = now_ns, raw[2], channels.gain(channel)
        elif kind in (0x8, 0x9):
            held.add(key)
        elif kind == 0xB:
            channels.control(channel, raw[1], raw[2])
        if channel not in channels.pedals:
            end(key for key in held if key[0] == channel)
    end(begun)
    return notes
