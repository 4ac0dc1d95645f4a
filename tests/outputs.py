"""What a performance sent: its note-ons, note-offs, and notes without an end."""

from collections import Counter
from collections.abc import Iterable

from ripieno.engine import Send
from ripieno.music import messages

Sent = Iterable[tuple[int, Send]]
"""As `Simulation.sent` has it: when each message was handed out, in nanoseconds."""


def note_ons(sent: Sent, channel: int | None = None) -> list[tuple[int, int]]:
    """Time and pitch of every note-on; on one channel, counted from 0, or on all."""
    return [
        (at_ns, send.data[1])
        for at_ns, send in sent
        if messages.is_note_on(send.data)
        and channel in (None, messages.channel_of(send.data))
    ]


def note_offs(sent: Sent) -> list[tuple[int, int]]:
    """Time and pitch of every note-off."""
    return [(at, s.data[1]) for at, s in sent if messages.is_note_off(s.data)]


def hanging(sent: Sent) -> dict[tuple[int, int], int]:
    """Note-ons minus note-offs of each channel and pitch, where they differ.

    A retrigger releases first, so a performance that ended has as many of both.
    """
    return unbalanced(send.data for _, send in sent)


def unbalanced(stream: Iterable[bytes]) -> dict[tuple[int, int], int]:
    """Note-ons minus note-offs of each channel and pitch in plain messages."""
    count: Counter[tuple[int, int]] = Counter()
    for data in stream:
        place = messages.channel_of(data), data[1]
        count[place] += messages.is_note_on(data)
        count[place] -= messages.is_note_off(data)
    return {place: n for place, n in count.items() if n}
