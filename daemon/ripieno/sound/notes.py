"""Makes notes of raw MIDI messages, for sound: on and off paired, pedal included."""

from collections.abc import Iterable
from typing import Final

import msgspec

from ripieno.music.messages import SUSTAIN

_NS_PER_S: Final = 1e9


class SoundingNote(msgspec.Struct, frozen=True):
    """One note as it sounds.

    Args:
        start_s: when it begins, in seconds from the start.
        end_s: when its key and the pedal are released.
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
        messages: (nanoseconds, raw bytes), in order of time. Other messages than
            notes and the sustain pedal are passed over. A note that never ends is
            ended by the last message.
    """
    pairing = _Pairing()
    now_ns = 0
    for now_ns, raw in messages:
        pairing.take(now_ns, raw)
    pairing.end_all(now_ns)
    return pairing.notes


class _Pairing:
    """What sounds at a moment: keys down, and keys that only the pedal holds."""

    def __init__(self) -> None:
        self.notes: list[SoundingNote] = []
        self._begun: dict[tuple[int, int], tuple[int, int]] = {}
        self._held: set[tuple[int, int]] = set()
        self._pedals: set[int] = set()

    def take(self, now_ns: int, raw: bytes) -> None:
        if len(raw) != 3:
            return
        kind, channel = raw[0] >> 4, raw[0] & 0xF
        key = (channel, raw[1])
        if kind == 0x9 and raw[2]:
            self._end(key, now_ns)
            self._begun[key] = (now_ns, raw[2])
        elif kind in (0x8, 0x9):
            self._let_go(key, now_ns)
        elif kind == 0xB and raw[1] == SUSTAIN:
            self._pedal(channel, now_ns, down=raw[2] >= 64)

    def _let_go(self, key: tuple[int, int], now_ns: int) -> None:
        if key[0] in self._pedals:
            self._held.add(key)
        else:
            self._end(key, now_ns)

    def _pedal(self, channel: int, now_ns: int, *, down: bool) -> None:
        if down:
            self._pedals.add(channel)
            return
        self._pedals.discard(channel)
        for key in sorted(key for key in self._held if key[0] == channel):
            self._end(key, now_ns)

    def _end(self, key: tuple[int, int], now_ns: int) -> None:
        self._held.discard(key)
        if key in self._begun:
            begun_ns, velocity = self._begun.pop(key)
            start_s, end_s = begun_ns / _NS_PER_S, now_ns / _NS_PER_S
            self.notes.append(SoundingNote(start_s, end_s, key[1], velocity))

    def end_all(self, now_ns: int) -> None:
        for key in sorted(self._begun):
            self._end(key, now_ns)
