"""Pairs raw note-ons and note-offs into notes, the sustain pedal included."""

from collections.abc import Iterable
from typing import Final

import msgspec

from ripieno.music.messages import SUSTAIN

_NS_PER_S: Final = 1e9


class SoundingNote(msgspec.Struct, frozen=True):
    """One note as it sounds.

    Args:
        start_s, end_s: when it begins, and when key and pedal are released, in seconds
            from the start.
        pitch: 0 … 127, 60 is middle C.
        velocity: 1 … 127.
    """

    start_s: float
    end_s: float
    pitch: int
    velocity: int


def sounding_notes(messages: Iterable[tuple[int, bytes]]) -> list[SoundingNote]:
    """Return the notes of a part, in order of their ends.

    Args:
        messages: (nanoseconds, raw bytes), in order of time. Only notes and the sustain
            pedal are used. A note without an end lasts to the last message.
    """
    notes: list[SoundingNote] = []
    begun: dict[
        tuple[int, int], tuple[int, int]
    ] = {}  # (channel, pitch): (ns, velocity)
    held: set[tuple[int, int]] = set()  # released keys whose channel's pedal is down
    pedals: set[int] = set()
    now_ns = 0

    def end(keys: Iterable[tuple[int, int]]) -> None:
        for key in sorted(keys):
            held.discard(key)
            if key in begun:
                begun_ns, velocity = begun.pop(key)
                start_s, end_s = begun_ns / _NS_PER_S, now_ns / _NS_PER_S
                notes.append(SoundingNote(start_s, end_s, key[1], velocity))

    for now_ns, raw in messages:
        if len(raw) != 3:
            continue
        kind, channel, key = raw[0] >> 4, raw[0] & 0xF, (raw[0] & 0xF, raw[1])
        if kind == 0x9 and raw[2]:
            end([key])
            begun[key] = now_ns, raw[2]
        elif kind in (0x8, 0x9):
            held.add(key)
        elif kind == 0xB and raw[1] == SUSTAIN:
            (pedals.add if raw[2] >= 64 else pedals.discard)(channel)
        if channel not in pedals:
            end(key for key in held if key[0] == channel)
    end(begun)
    return notes
