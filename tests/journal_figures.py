"""Punctuality of a live performance, from its journal and a capture."""

from ripieno.bench import pairing
from ripieno.clock import NS_PER_MS
from ripieno.files import journal
from ripieno.music import messages


def reply_starts(path):
    """For each reply that began with the model: how late its first note left, in ms."""
    found = pairing.replies(journal.read(path))
    # A port may be given it ahead.
    return [max(0, each.sent_ns - each.due_ns) / NS_PER_MS for each in found]


def arrivals_ms(path, captured):
    """How long after it was due each planned note-on arrived at the C client, in ms."""
    due = [
        (e.due_ns, e.data)
        for e in journal.read(path)
        if isinstance(e, journal.Sent) and messages.is_note_on(e.data)
    ]
    ons = captured.ons
    assert [data for _, data in due] == [data for _, data in ons]
    return [t / 1e3 - ns / NS_PER_MS for (ns, _), (t, _) in zip(due, ons, strict=True)]
