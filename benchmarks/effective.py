"""What a stream of messages does to whoever hears it: repeated endings do nothing.

A port sends note-offs again after its server may have lost some, and silences every
channel when it closes. That is no doubled message, and it makes good for a lost one.
"""

from collections import Counter
from collections.abc import Iterable, Iterator

from ripieno.music import messages


def effective(stream: Iterable[bytes]) -> Iterator[bytes]:
    """The channel messages that change something, note-offs with one velocity.

    Left out are note-offs of keys that are up, releases of pedals that are up, and what
    silences a channel. A note-off whose note-on was lost is left out, too.
    """
    down: set[bytes] = set()
    for data in filter(messages.is_channel_message, stream):
        end = _maybe_end(data)
        if end is None:
            if not messages.is_silencing(data):
                yield data
        elif _is_start(data):
            down.add(end)
            yield data
        elif end in down:
            down.discard(end)
            yield end


def sounding(stream: Iterable[bytes]) -> Counter[tuple[int, int]]:
    """Keys that are down after a stream, as (channel from 0, pitch): 1 each."""
    down: dict[tuple[int, int], bool] = {}
    for data in stream:
        if messages.is_note_on(data) or messages.is_note_off(data):
            key = messages.channel_of(data), data[1]
            down[key] = messages.is_note_on(data)
    return Counter(key for key, is_down in down.items() if is_down)


def _maybe_end(data: bytes) -> bytes | None:
    """What ends that which a message starts or ends; None for other messages."""
    channel = messages.channel_of(data)
    if messages.is_note_on(data) or messages.is_note_off(data):
        return messages.note_off(channel, data[1])
    if messages.is_control(data) and data[1] in messages.PEDALS:
        return messages.control(channel, data[1], 0)
    return None


def _is_start(data: bytes) -> bool:
    return messages.is_note_on(data) or (messages.is_control(data) and data[2] > 0)
