"""MIDI in → what the human played: pairs downs with ups, pedals with releases.

An up without a down is dropped; a second down of a held key first lifts it, so that
downs and ups alternate per pitch for everyone downstream. Two channels that hold the
same pitch count as one hand: the last one to lift it lifts it.

Our own notes can come back through the DAW's monitor routing. Those are recognised (the
same bytes, within `ECHO_NS` of being sent) and ignored, or the machine would answer
itself for ever.

This module does not know who listens to it, nor what time it is now.
"""

from collections import deque
from typing import Final

from ripieno.layouts.vocabulary import SOFT_PEDAL, SUSTAIN_PEDAL
from ripieno.music import messages
from ripieno.music.sources import HUMAN
from ripieno.protocol import Played

ECHO_NS: Final = 60_000_000
"""A DAW returns a note within its own two buffers: 2 × 1024 frames are 43 ms."""

PEDALS: Final = {messages.SUSTAIN: SUSTAIN_PEDAL, messages.SOFT: SOFT_PEDAL}


class Listener:
    """Keeps which keys and pedals the human holds. Cost: O(1) a message."""

    def __init__(self) -> None:
        self._held: dict[int, set[int]] = {}
        self._pedals: set[tuple[int, int]] = set()
        self._sent: deque[tuple[int, bytes]] = deque(maxlen=256)
        self.echoes = 0

    @property
    def holds_keys(self) -> bool:
        """Whether a key (not a pedal) is down."""
        return bool(self._held)

    def sent(self, at_ns: int, data: bytes) -> None:
        """Remember a note-on that went out, to recognise it if it comes back."""
        self._sent.append((at_ns, data))

    def is_echo(self, at_ns: int, data: bytes) -> bool:
        """Whether this note-on is one of ours that came back; each counts once."""
        while self._sent and self._sent[0][0] < at_ns - ECHO_NS:
            self._sent.popleft()
        for entry in self._sent:
            if entry[1] == data:
                self._sent.remove(entry)
                self.echoes += 1
                return True
        return False

    def hear(self, at_ns: int, data: bytes) -> list[Played]:
        """What a channel message means for the performance; often one thing."""
        channel = messages.channel_of(data)
        if messages.is_note_on(data):
            return self._down(at_ns, channel, data[1], data[2])
        if messages.is_note_off(data):
            return self._up(at_ns, channel, data[1])
        if messages.is_silencing(data):
            return self._silence(at_ns, channel)
        if messages.is_control(data) and data[1] in PEDALS:
            return self._pedal(at_ns, channel, PEDALS[data[1]], down=data[2] >= 64)
        return []

    def _down(
        self, at_ns: int, channel: int, pitch: int, velocity: int
    ) -> list[Played]:
        struck = Played(at_ns, HUMAN, pitch, velocity)
        again = pitch in self._held
        self._held.setdefault(pitch, set()).add(channel)
        return [Played(at_ns, HUMAN, pitch, 0), struck] if again else [struck]

    def _up(self, at_ns: int, channel: int, pitch: int) -> list[Played]:
        holders = self._held.get(pitch, set())
        if channel not in holders:
            return []
        holders.remove(channel)
        if holders:
            return []
        del self._held[pitch]
        return [Played(at_ns, HUMAN, pitch, 0)]

    def _silence(self, at_ns: int, channel: int) -> list[Played]:
        pitches = [p for p, holders in self._held.items() if channel in holders]
        return [up for pitch in pitches for up in self._up(at_ns, channel, pitch)]

    def _pedal(
        self, at_ns: int, channel: int, pedal: int, *, down: bool
    ) -> list[Played]:
        foot = (channel, pedal)
        if down == (foot in self._pedals):
            return []
        if down:
            self._pedals.add(foot)
        else:
            self._pedals.discard(foot)
        if any(other == pedal for _, other in self._pedals - {foot}):
            return []
        return [Played(at_ns, HUMAN, pedal, 64 if down else 0)]
