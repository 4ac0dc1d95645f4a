"""What a live journal, and a capture beside it, say about time."""

from ripieno.midi import journal
from ripieno.music.plan import Ask


def entries(path):
    return list(journal.read(path))


def is_first(sent, ask):
    """Whether this is a note-on at the very start of the reply."""
    start_ns = ask.timeline.ns_at(ask.start_ticks)
    return sent.data[0] & 0xF0 == 0x90 and sent.due_ns == start_ns


def reply_starts(path):
    """For each reply that began with the model: how late its first note left, in ms."""
    late: dict[int, float] = {}
    ask, tick_ns = None, 0
    for entry in entries(path):
        if isinstance(entry, journal.Tick):
            tick_ns = entry.at_ns
        elif isinstance(entry, journal.Told) and isinstance(entry.message, Ask):
            ask = entry.message
        elif isinstance(entry, journal.Sent) and ask and is_first(entry, ask):
            late_ns = max(0, tick_ns - entry.due_ns)  # ports may be given it ahead
            late.setdefault(ask.revision, late_ns / 1e6)
    return late


def arrivals_ms(path, captured):
    """How long after it was due each planned note-on arrived at the C client, in ms."""
    due = [
        (e.due_ns, e.data)
        for e in entries(path)
        if isinstance(e, journal.Sent) and e.data[0] & 0xF0 == 0x90
    ]
    ons = captured.ons
    assert [data for _, data in due] == [data for _, data in ons]
    return [t / 1e3 - ns / 1e6 for (ns, _), (t, _) in zip(due, ons, strict=True)]
