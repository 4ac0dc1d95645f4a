"""What sounds behind a port, told by what went through it: enough to end it all.

The player's own ledger (`ripieno.play.ledger`) knows whose each note is, and is written
before the note leaves. This one knows only what has left; it is for whoever outlives
the player.
"""

from ripieno.music import messages


class Sounding:
    """Keys and pedals that are down. Cost: under 1 µs a message."""

    def __init__(self) -> None:
        self._keys: set[tuple[int, int]] = set()
        self._pedals: set[tuple[int, int]] = set()

    def passed(self, message: bytes) -> None:
        """A complete message went through."""
        if messages.is_note_on(message):
            self._keys.add((messages.channel_of(message), message[1]))
        elif messages.is_note_off(message):
            self._keys.discard((messages.channel_of(message), message[1]))
        elif messages.is_control(message):
            self._turned(messages.channel_of(message), message[1], message[2])

    def ends(self) -> list[bytes]:
        """An off for every key that is down, then the lifting of every pedal."""
        offs = [messages.note_off(*key) for key in sorted(self._keys)]
        return offs + [messages.control(*foot, 0) for foot in sorted(self._pedals)]

    def _turned(self, channel: int, number: int, value: int) -> None:
        if number in messages.PEDALS:
            which = self._pedals.add if value else self._pedals.discard
            which((channel, number))
