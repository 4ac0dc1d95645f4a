"""The sounding notes behind a port, derived from the messages that left it.

A port uses it to end all notes when it closes, and to send recent note-offs again after
the server may have lost some. The player's ledger (`ripieno.play.ledger`) is written
before a message leaves; this module knows only what has left.
"""

from collections.abc import Iterable

from ripieno.music import messages


class Sounding:
    """Keys and pedals that are down, and when the others were released.

    A key or pedal is identified by the message that ends it, with release velocity 64.
    Times are integers of any one unit, such as frames or nanoseconds. Cost: under 1 µs
    a call.
    """

    def __init__(self) -> None:
        self._down: set[bytes] = set()
        self._ended: dict[bytes, tuple[int, bytes]] = {}
        self._channels: set[int] = set()

    def passed(self, message: bytes, at: int = 0) -> None:
        """Record a complete message that left at a time."""
        if not messages.is_channel_message(message):
            return
        channel = messages.channel_of(message)
        self._channels.add(channel)
        if messages.is_note_on(message):
            self._start(messages.note_off(channel, message[1]))
        elif messages.is_note_off(message):
            self._end(messages.note_off(channel, message[1]), at, message)
        elif messages.is_control(message) and message[1] in messages.PEDALS:
            end = messages.control(channel, message[1], 0)
            if message[2]:
                self._start(end)
            else:
                self._end(end, at, message)

    def use(self, channels: Iterable[int]) -> None:
        """Add channels to those that `silences` covers."""
        self._channels |= set(channels)

    def ends(self) -> list[bytes]:
        """Return the note-offs of all keys that are down, then the pedals' releases."""
        return sorted(self._down)

    def silences(self) -> list[bytes]:
        """Return sustain off and all notes off for every channel that was used."""
        return [
            messages.control(channel, number, 0)
            for channel in sorted(self._channels)
            for number in (messages.SUSTAIN, messages.ALL_NOTES_OFF)
        ]

    def ended_since(self, at: int) -> list[bytes]:
        """Return the ends that left since a time, not those of keys that are down."""
        return sorted(message for when, message in self._ended.values() if when >= at)

    def _start(self, end: bytes) -> None:
        self._down.add(end)
        self._ended.pop(end, None)

    def _end(self, end: bytes, at: int, message: bytes) -> None:
        self._down.discard(end)
        self._ended[end] = at, message
