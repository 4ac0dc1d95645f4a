"""The events of one track chunk of a Standard MIDI File.

Reads what the standard allows, and also running status that continues after a system
exclusive or meta event. System messages are skipped. Damage ends the track and the
notes that sound; the events before it are kept. All times are in ticks.

Source: Standard MIDI Files 1.0 (RP-001), MIDI Manufacturers Association.
"""

from array import array
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from ripieno.files.columns import Packed, Times
from ripieno.files.repairs import Repair

MetaEvent = tuple[int, int, bytes]
"""A meta event: (tick, type, data). The data is valid for the type, by `CHECKS`."""

TEXT: Final = 0x01
TRACK_NAME: Final = 0x03
LYRIC: Final = 0x05
MARKER: Final = 0x06
CHANNEL_PREFIX: Final = 0x20
END_OF_TRACK: Final = 0x2F
TEMPO: Final = 0x51
SMPTE_OFFSET: Final = 0x54
TIME_SIGNATURE: Final = 0x58
KEY_SIGNATURE: Final = 0x59

USED: Final = frozenset(
    (TEXT, TRACK_NAME, LYRIC, MARKER, TEMPO, TIME_SIGNATURE, KEY_SIGNATURE)
)
"""The types that are kept; all others are skipped."""
LARGEST_VARIABLE: Final = 0x0FFF_FFFF
"""The largest number of variable length: four bytes of seven bits."""
FASTEST_US_PER_BEAT: Final = 1000
"""60 000 bpm. A faster tempo counts as damage."""
DENOMINATOR_POWER: Final = 7
"""The largest denominator is 2 to this power: other readers store it in eight bits."""
SYSTEM_DATA_BYTES: Final = {0xF1: 1, 0xF2: 2, 0xF3: 1}
"""The data bytes after a status; other system messages have none. None is allowed."""


@dataclass(frozen=True, slots=True, eq=False)
class TrackEvents:
    """The events of a track.

    Attributes:
        ticks: the tick of each channel message, rising, shape (N,).
        packed: the messages, as in `ripieno.files.columns.Messages`, shape (N,).
        metas: the meta events of the types in `USED`.
        first_tick, end_tick: where the track begins and ends.
    """

    ticks: Times
    packed: Packed
    metas: Sequence[MetaEvent]
    first_tick: int
    end_tick: int


def read_track(
    data: bytes,
    found: Counter[Repair],
    *,
    first_tick: int,
    last_tick: int,
    most_metas: int,
) -> TrackEvents:
    """Read a track chunk's data.

    Args:
        data: the bytes after the chunk's header. Those after the end-of-track event
            are ignored.
        found: repairs are counted in it.
        first_tick: where the track begins.
        last_tick: an event after this tick is damage.
        most_metas: meta events above this number are skipped and counted.

    Cost: O(bytes); 13 bytes of memory a channel message, 200 a meta event.
    """
    reader = _Reader(data, found, first_tick, last_tick, most_metas)
    try:
        reader.read()
    except (IndexError, _DamageError):
        found[Repair.TRACK] += 1
        reader.release()
    return TrackEvents(
        ticks=np.frombuffer(reader.ticks, np.int64),
        packed=np.frombuffer(reader.packed, np.uint32),
        metas=reader.metas,
        first_tick=first_tick,
        end_tick=reader.tick,
    )


class _DamageError(Exception):
    """The rest of the track cannot be read."""


@dataclass(slots=True)
class _Reader:
    """A position in a track's data, and the events before it.

    An IndexError in any method means that the data ended inside an event.
    """

    data: bytes
    found: Counter[Repair]
    tick: int
    last_tick: int
    most_metas: int
    at: int = 0
    status: int = 0
    is_over: bool = False
    ticks: "array[int]" = field(default_factory=lambda: array("q"))
    packed: "array[int]" = field(default_factory=lambda: array("I"))
    metas: list[MetaEvent] = field(default_factory=list)

    def read(self) -> None:
        """Read all events; a missing end-of-track event is damage."""
        while not self.is_over and self.at < len(self.data):
            self._read_channel_messages()
            if self.at < len(self.data):
                self._read_other_event()
        if not self.is_over:
            raise _DamageError

    def release(self) -> None:
        """Add a note-off at the current tick for every note that sounds."""
        sounding: dict[int, None] = {}
        for packed in self.packed:
            kind, key = packed >> 20, packed >> 8 & 0xFFF
            if kind == 0x9 and packed & 0xFF:
                sounding[key] = None
            elif kind in (0x8, 0x9):
                sounding.pop(key, None)
        for key in sounding:
            self.ticks.append(self.tick)
            self.packed.append(0x80 << 16 | key << 8)

    def _read_channel_messages(self) -> None:
        """Read up to the first event that is no channel message.

        This loop handles nearly all bytes of a file: it uses local variables for speed.
        """
        data, size, last_tick = self.data, len(self.data), self.last_tick
        add_tick, add_packed = self.ticks.append, self.packed.append
        at, tick, status = self.at, self.tick, self.status
        while at < size:
            delta = data[at]
            after = at + 1
            if delta > 0x7F:
                delta, after = _variable(data, at)
            byte = data[after]
            if byte > 0xEF or not (status or byte > 0x7F):
                break
            if byte > 0x7F:
                status = self.status = byte
                after += 1
            number, value = data[after], 0
            after += 1
            if not 0xC0 <= status < 0xE0:
                value = data[after]
                after += 1
            tick += delta
            if tick > last_tick:
                raise _DamageError
            self.at = at = after
            self.tick = tick
            if number | value > 0x7F:
                if number > 0x7F:
                    self.found[Repair.DATA_BYTE] += 1
                    continue
                self.found[Repair.VALUE] += 1
                value = 0x7F
            add_tick(tick)
            add_packed(status << 16 | number << 8 | value)

    def _read_other_event(self) -> None:
        """Read a meta event or a system message."""
        delta, self.at = _variable(self.data, self.at)
        if self.tick + delta > self.last_tick:
            raise _DamageError
        self.tick += delta
        status = self.data[self.at]
        if status == 0xFF:
            self.at += 1
            self._read_meta()
        elif status in (0xF0, 0xF7):
            self.at += 1
            self._take_block()
        elif status > 0x7F:
            self.at += 1 + SYSTEM_DATA_BYTES.get(status, 0)
            self.found[Repair.STATUS] += 1
        else:  # a data byte that no status precedes
            raise _DamageError

    def _read_meta(self) -> None:
        kind = self.data[self.at]
        self.at += 1
        meta = self.tick, kind, self._take_block()
        if kind == END_OF_TRACK:
            self.is_over = True
            return
        is_valid, repair = CHECKS.get(kind, (bool, None))
        if repair and not is_valid(meta[2]):
            self.found[repair] += 1
        elif kind in USED and len(self.metas) >= self.most_metas:
            self.found[Repair.META] += 1
        elif kind in USED:
            self.metas.append(meta)

    def _take_block(self) -> bytes:
        """Return the bytes after a length."""
        length, start = _variable(self.data, self.at)
        self.at = start + length
        if self.at > len(self.data):
            raise _DamageError
        return self.data[start : self.at]


def _variable(data: bytes, at: int) -> tuple[int, int]:
    """Return the number of variable length at `at`, and the position after it.

    Raises:
        IndexError: the data ends inside it.
        _DamageError: it is above `LARGEST_VARIABLE`.
    """
    value = 0
    while True:
        byte = data[at]
        at += 1
        value = value << 7 | byte & 0x7F
        if value > LARGEST_VARIABLE:
            raise _DamageError
        if byte < 0x80:
            return value, at


def tempo_of(data: bytes) -> int:
    """Return the microseconds a beat of a tempo event."""
    return int.from_bytes(data[:3], "big")


def sharps_of(data: bytes) -> int:
    """Return the number of sharps of a key signature; flats are negative."""
    return int.from_bytes(data[:1], "big", signed=True)


CHECKS: Final[dict[int, tuple[Callable[[bytes], bool], Repair]]] = {
    CHANNEL_PREFIX: (
        lambda data: bool(data) and data[0] < 16,
        Repair.CHANNEL_PREFIX,
    ),
    SMPTE_OFFSET: (lambda data: len(data) >= 5, Repair.SMPTE_OFFSET),
    TEMPO: (
        lambda data: len(data) >= 3 and tempo_of(data) >= FASTEST_US_PER_BEAT,
        Repair.TEMPO,
    ),
    TIME_SIGNATURE: (
        lambda data: len(data) >= 2 and data[0] > 0 and data[1] <= DENOMINATOR_POWER,
        Repair.TIME_SIGNATURE,
    ),
    KEY_SIGNATURE: (
        lambda data: len(data) >= 2 and abs(sharps_of(data)) <= 7 and data[1] <= 1,
        Repair.KEY_SIGNATURE,
    ),
}
"""By type: the test of a meta event's data, and the repair to count if it fails.

More bytes than a type needs are valid, by the standard."""
