"""MIDI in → what the human played: each note-on with its note-off, each pedal too.

A note-off without a note-on is dropped. A second note-on of a held key ends the first
one, so note-ons and note-offs of a pitch always alternate. If two channels hold the
same pitch, it ends when the last of them lifts it.

Our own notes may come back through the DAW's monitor routing. The same bytes within
`ECHO_NS` of being sent are taken for such an echo and ignored. Otherwise the machine
would answer itself for ever.
"""

from collections import deque
from typing import Final

from ripieno.layouts.vocabulary import SOFT_PEDAL, SUSTAIN_PEDAL
from ripieno.music import messages
from ripieno.music.sources import HUMAN
from ripieno.music.zones import Zone
from ripieno.protocol import Played

ECHO_NS: Final = 60_000_000
"""A DAW returns a note within two of its buffers: 2 × 1024 frames are 43 ms."""

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

    def within(self, zone: Zone) -> "Listener":
        """Return a listener for a zone, for which the same keys and pedals are down."""
        other = Listener()
        for pitch, channels in self._held.items():
            heard = {c for c in channels if zone.takes(messages.note_on(c, pitch, 1))}
            if heard:
                other._held[pitch] = heard
        other._pedals = {f for f in self._pedals if zone.channel in (None, f[0])}
        return other

    def sent(self, at_ns: int, data: bytes) -> None:
        """Keep a note-on that was sent, to recognise it if it comes back."""
        self._sent.append((at_ns, data))

    def is_echo(self, at_ns: int, data: bytes) -> bool:
        """Whether a note-on is one of ours that came back. Each one counts once."""
        while self._sent and self._sent[0][0] < at_ns - ECHO_NS:
            self._sent.popleft()
        for entry in self._sent:
            if entry[1] == data:
                self._sent.remove(entry)
                self.echoes += 1
                return True
        return False

    def hear(self, at_ns: int, data: bytes) -> list[Played]:
        """Return the events that a channel message stands for."""
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
        again = [Played(at_ns, HUMAN, pitch, 0)] if pitch in self._held else []
        self._held.setdefault(pitch, set()).add(channel)
        return [*again, Played(at_ns, HUMAN, pitch, velocity)]

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
