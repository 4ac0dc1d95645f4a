"""Pairs keys with their answers, and reads times from a journal. Pure.

Times are nanoseconds of the daemon's clock. The musician's keys are on channel 1. What
passes thru comes back on channel 1, what the machine plays on other channels.
"""

import math
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from itertools import islice, pairwise
from typing import Final, NamedTuple, Self

from ripieno.clock import NS_PER_MS, NS_PER_S
from ripieno.files import journal
from ripieno.music import messages
from ripieno.protocol import Ask

HUMAN: Final = 0
"""The musician's channel, counted from 0."""


class Stamped(NamedTuple):
    """A message with the time at which it arrived or left.

    Attributes:
        at_ns: the time, by the daemon's clock.
        data: one complete message.
        frame: the time by the server's sample clock; None where there is none.
    """

    at_ns: int
    data: bytes
    frame: int | None = None


def by_samples(stamped: Iterable[Stamped], rate_hz: int) -> list[Stamped]:
    """Return the messages with times by the sample clock, where it has stamped them.

    A server that stalls stops its sample clock, for input and output alike.
    """
    return [
        each if each.frame is None
        else each._replace(at_ns=each.frame * NS_PER_S // rate_hz)
        for each in stamped
    ]  # fmt: skip


class Paired(NamedTuple):
    """A key with its thru message and its answer; None for a missing one."""

    key_ns: int
    thru_ns: int | None
    answer_ns: int | None

    def answered_within(self, longest_ns: int) -> Self:
        """Return the same without an answer that came later after its key."""
        late = self.answer_ns is not None and self.answer_ns - self.key_ns > longest_ns
        return self._replace(answer_ns=None) if late else self


def paired(keys: Sequence[Stamped], heard: Sequence[Stamped]) -> list[Paired]:
    """Return for each key what came back before the next key.

    Args:
        keys: note-ons, rising in time.
        heard: everything that came back, in any order.
    """
    ons = onsets(heard)
    times = [each.at_ns for each in ons]
    edges = [*(bisect_left(times, key.at_ns) for key in keys), len(ons)]
    found = []
    for key, (begin, end) in zip(keys, pairwise(edges), strict=True):
        thru = answer = None
        for at_ns, data, _ in reversed(ons[begin:end]):
            if not is_thru(data):
                answer = at_ns
            elif data[1] == key.data[1]:
                thru = at_ns
        found.append(Paired(key.at_ns, thru, answer))
    return found


def is_thru(data: bytes) -> bool:
    """Return whether a message is on the musician's channel."""
    return messages.channel_of(data) == HUMAN


def is_answer(data: bytes) -> bool:
    """Return whether a message is a note-on of the machine."""
    return messages.is_note_on(data) and not is_thru(data)


def has_answer(stamped: Iterable[Stamped]) -> bool:
    """Return whether one of some messages is a note-on of the machine."""
    return any(is_answer(each.data) for each in stamped)


def onsets(stamped: Iterable[Stamped]) -> list[Stamped]:
    """Return the note-ons, rising in time."""
    ons = [each for each in stamped if messages.is_note_on(each.data)]
    return sorted(ons, key=lambda each: each.at_ns)


def gaps_ms(times: Iterable[tuple[int | None, int | None]]) -> list[float]:
    """Return the time from the first to the second of each pair that has both, in ms.

    Args:
        times: in ns.
    """
    return [
        (second_ns - first_ns) / NS_PER_MS
        for first_ns, second_ns in times
        if first_ns is not None and second_ns is not None
    ]


class Reply(NamedTuple):
    """The first note of a reply, as in the journal."""

    due_ns: int
    sent_ns: int
    data: bytes


def replies(entries: Iterable[journal.Entry]) -> list[Reply]:
    """Return the first note of each reply that began as planned."""
    found: dict[int, Reply] = {}
    ask, tick_ns = None, 0
    for entry in entries:
        if isinstance(entry, journal.Tick):
            tick_ns = entry.at_ns
        elif isinstance(entry, journal.Told) and isinstance(entry.message, Ask):
            ask = ask if entry.message.foreseen else entry.message
        elif isinstance(entry, journal.Sent) and ask is not None:
            start_ns = ask.timeline.ns_at(ask.start_ticks)
            if messages.is_note_on(entry.data) and entry.due_ns == start_ns:
                reply = Reply(entry.due_ns, tick_ns, entry.data)
                found.setdefault(ask.revision, reply)
    return list(found.values())


def arrival_ms(found: Sequence[Reply], heard: Sequence[Stamped]) -> list[float]:
    """Return how long after its due time each reply's first note arrived, in ms."""
    ons, late = onsets(heard), list[float]()
    ends = [*(reply.due_ns for reply in found[1:]), math.inf]
    for reply, until_ns in zip(found, ends, strict=True):
        from_ns = min(reply.due_ns, reply.sent_ns)
        came = (
            (at_ns - reply.due_ns) / NS_PER_MS
            for at_ns, data, _ in ons
            if from_ns <= at_ns < until_ns and data == reply.data
        )
        late += islice(came, 1)
    return late


def silences_ms(
    played: Iterable[Stamped], heard: Iterable[Stamped], apart_ns: int
) -> list[float]:
    """Return the time from the end of each phrase to its reply's first note, in ms.

    Args:
        played: by the musician, rising in time.
        heard: all that came back, rising in time.
        apart_ns: a gap longer than this separates two phrases.
    """
    ups = [each.at_ns for each in played if messages.is_note_off(each.data)]
    ons = [each.at_ns for each in heard if is_answer(each.data)]
    found = []
    for at_ns, next_ns in zip(ups, [*ups[1:], math.inf], strict=True):
        place = bisect_left(ons, at_ns)
        if next_ns - at_ns > apart_ns and place < len(ons) and ons[place] < next_ns:
            found.append((ons[place] - at_ns) / NS_PER_MS)
    return found


def responses_ms(entries: Iterable[journal.Entry]) -> list[float]:
    """Return the time from each request to the thinker to its first answer, in ms."""
    asked: dict[int, int] = {}
    found, tick_ns = [], 0
    for entry in entries:
        if isinstance(entry, journal.Tick):
            tick_ns = entry.at_ns
        elif isinstance(entry, journal.Told):
            revision = getattr(entry.message, "revision", None)
            if revision is not None:
                asked.setdefault(revision, tick_ns)
        elif isinstance(entry, journal.Thought):
            asked_ns = asked.pop(getattr(entry.message, "revision", -1), None)
            if asked_ns is not None:
                found.append((entry.at_ns - asked_ns) / NS_PER_MS)
    return found
