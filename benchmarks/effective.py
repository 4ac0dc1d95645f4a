"""Reduces a stream of messages to those that change what a receiver sounds.

A port sends note-offs again after its server may have lost some, and silences every
channel when it closes. Such a message is not a doubled one, and it replaces a lost one.
"""

from collections import Counter
from collections.abc import Iterable, Iterator

from ripieno.music import messages

VOLUMES = (messages.VOLUME, messages.EXPRESSION)


def effective(stream: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the channel messages that change something, note-offs with one velocity.

    Left out are note-offs of keys that are up (also where the note-on was lost),
    releases of pedals that are up, messages that silence a channel, and programs and
    volumes: a seat sends them when the ports open, before anything is connected.
    """
    down: set[bytes] = set()
    for data in filter(messages.is_channel_message, stream):
        end = _maybe_end(data)
        if end is None:
            if not messages.is_silencing(data) and not _sets_up(data):
                yield data
        elif _is_start(data):
            down.add(end)
            yield data
        elif end in down:
            down.discard(end)
            yield end


def sounding(stream: Iterable[bytes]) -> Counter[tuple[int, int]]:
    """Return the keys that are down after a stream: (channel from 0, pitch) → 1."""
    down: dict[tuple[int, int], bool] = {}
    for data in stream:
        if messages.is_note_on(data) or messages.is_note_off(data):
            key = messages.channel_of(data), data[1]
            down[key] = messages.is_note_on(data)
    return Counter(key for key, is_down in down.items() if is_down)


def _maybe_end(data: bytes) -> bytes | None:
    """Return the message that ends the key or pedal of a message; else None."""
    channel = messages.channel_of(data)
    if messages.is_note_on(data) or messages.is_note_off(data):
        return messages.note_off(channel, data[1])
    if messages.is_control(data) and data[1] in messages.PEDALS:
        return messages.control(channel, data[1], 0)
    return None


def _sets_up(data: bytes) -> bool:
    is_volume = messages.is_control(data) and data[1] in VOLUMES
    return messages.is_program(data) or is_volume


def _is_start(data: bytes) -> bool:
    return messages.is_note_on(data) or (messages.is_control(data) and data[2] > 0)
