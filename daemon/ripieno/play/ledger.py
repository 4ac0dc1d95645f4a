"""The ledger of what sounds: every note-on that was sent gets its note-off.

It keeps one byte for each channel and pitch, and one for each channel and pedal, in
memory that is handed in. Live, the supervisor shares that memory: if the player is
killed, the next one reads there what still sounds. A byte is set *before* the note-on
is sent and cleared *after* the note-off is sent. So a crash in between causes one
note-off too many, never a stuck note.

Rules: a note-on may be dropped, a note-off never. A retrigger ends the old note first.
A note-off has the id of the note that it ends, so the late note-off of an old note does
not end a new one on the same key.
"""

from collections.abc import Callable
from typing import Final

from ripieno.music import messages
from ripieno.music.messages import PEDALS

N_NOTES: Final = 16 * 128
SIZE: Final = N_NOTES + 16 * len(PEDALS)
THRU: Final = 0
"""The id of the notes that are passed through. Those of planned notes are higher."""
ADOPTED: Final = -1
"""The id of the notes that a player left sounding when it died."""


class Ledger:
    """What sounds on one output port. Cost: O(1) a message; `release` O(what sounds).

    Every method returns the messages to send, in order. The caller sends them and then
    calls `settle`.
    """

    def __init__(self, memory: bytearray | memoryview | None = None) -> None:
        """Take over what sounds according to `memory` (`SIZE` bytes; None: nothing)."""
        self._memory = bytearray(SIZE) if memory is None else memory
        self._ids = {slot: ADOPTED for slot in range(N_NOTES) if self._memory[slot]}
        self._feet = {slot for slot in range(N_NOTES, SIZE) if self._memory[slot]}
        self._ended: list[int] = []

    @property
    def sounding(self) -> int:
        """How many notes sound."""
        return len(self._ids)

    def count(self, which: Callable[[int], bool]) -> int:
        """How many sounding notes have an id that matches."""
        return sum(map(which, self._ids.values()))

    def id_of(self, channel: int, pitch: int) -> int | None:
        """The id of the note that sounds on a key, or None."""
        return self._ids.get(channel * 128 + pitch)

    def on(self, channel: int, pitch: int, velocity: int, note_id: int) -> list[bytes]:
        """Begin a note. If the same key sounds, it is ended first."""
        slot = channel * 128 + pitch
        on = messages.note_on(channel, pitch, velocity)
        out = [messages.note_off(channel, pitch), on] if slot in self._ids else [on]
        self._ids[slot] = note_id
        self._memory[slot] = 1
        return out

    def off(self, channel: int, pitch: int, note_id: int) -> list[bytes]:
        """End a note, if its key still sounds with that id."""
        slot = channel * 128 + pitch
        return [self._end(slot)] if self._ids.get(slot) == note_id else []

    def pedal(self, channel: int, number: int, value: int) -> list[bytes]:
        """Pass on a pedal, and keep whether it is down."""
        slot = N_NOTES + channel * len(PEDALS) + PEDALS.index(number)
        if value:
            self._memory[slot] = 1
            self._feet.add(slot)
        else:
            self._lift(slot)
        return [messages.control(channel, number, value)]

    def release(self, which: Callable[[int], bool] = lambda _: True) -> list[bytes]:
        """End every sounding note whose id matches."""
        return [self._end(slot) for slot, i in list(self._ids.items()) if which(i)]

    def release_all(self) -> list[bytes]:
        """End every note, whoever began it, and lift every pedal."""
        return self.release() + self.lift_pedals()

    def lift_pedals(self) -> list[bytes]:
        """Lift every pedal that is down."""
        feet = sorted(self._feet)
        for slot in feet:
            self._lift(slot)
        return [
            messages.control(channel, PEDALS[foot], 0)
            for channel, foot in (divmod(s - N_NOTES, len(PEDALS)) for s in feet)
        ]

    def settle(self) -> None:
        """Clear the bytes of what has ended. Call it after sending the messages."""
        for slot in self._ended:
            if slot not in self._ids and slot not in self._feet:
                self._memory[slot] = 0
        self._ended.clear()

    def _end(self, slot: int) -> bytes:
        del self._ids[slot]
        self._ended.append(slot)
        return messages.note_off(slot // 128, slot % 128)

    def _lift(self, slot: int) -> None:
        self._feet.discard(slot)
        self._ended.append(slot)
