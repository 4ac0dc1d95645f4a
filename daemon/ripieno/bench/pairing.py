"""Pairs keys with their answers, and reads times from a journal. Pure.

Times are nanoseconds of the daemon's clock. The musician's keys are on channel 1. What
passes thru comes back on channel 1, what the machine plays on other channels.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final, NamedTuple

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


def paired(keys: Sequence[Stamped], heard: Sequence[Stamped]) -> list[Paired]:
    """Return for each key what came back before the next key.

    Args:
        keys: note-ons, rising in time.
        heard: everything that came back, in any order.
    """
    ons = onsets(heard)
    found, place = [], 0
    for index, key in enumerate(keys):
        is_last = index + 1 == len(keys)
        until_ns = None if is_last else keys[index + 1].at_ns
        while place < len(ons) and ons[place].at_ns < key.at_ns:
            place += 1
        thru_ns = answer_ns = None
        while place < len(ons) and (until_ns is None or ons[place].at_ns < until_ns):
            at_ns, data, _ = ons[place]
            if is_thru(data):
                is_it = thru_ns is None and data[1] == key.data[1]
                thru_ns = at_ns if is_it else thru_ns
            elif answer_ns is None:
                answer_ns = at_ns
            place += 1
        found.append(Paired(key.at_ns, thru_ns, answer_ns))
    return found


def is_thru(data: bytes) -> bool:
    """Return whether a message is on the musician's channel."""
    return messages.channel_of(data) == HUMAN


def is_answer(data: bytes) -> bool:
    """Return whether a message is a note-on of the machine."""
    return messages.is_note_on(data) and not is_thru(data)


def onsets(stamped: Iterable[Stamped]) -> list[Stamped]:
    """Return the note-ons, rising in time."""
    ons = [each for each in stamped if messages.is_note_on(each.data)]
    return sorted(ons, key=lambda each: each.at_ns)


def thru_ms(pairs: Iterable[Paired]) -> list[float]:
    """Return the time from each key to its thru message, in ms."""
    return [(p.thru_ns - p.key_ns) / NS_PER_MS for p in pairs if p.thru_ns is not None]


def answer_ms(pairs: Iterable[Paired]) -> list[float]:
    """Return the time from each key to the first note of its answer, in ms."""
    return [
        (p.answer_ns - p.key_ns) / NS_PER_MS for p in pairs if p.answer_ns is not None
    ]


def beyond_ms(pairs: Iterable[Paired]) -> list[float]:
    """Return the time from each thru message to the answer, in ms: the thinking."""
    return [
        (p.answer_ns - p.thru_ns) / NS_PER_MS
        for p in pairs
        if p.answer_ns is not None and p.thru_ns is not None
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
    ons = onsets(heard)
    late = []
    for index, reply in enumerate(found):
        from_ns = min(reply.due_ns, reply.sent_ns)
        until_ns = found[index + 1].due_ns if index + 1 < len(found) else None
        for at_ns, data, _ in ons:
            if until_ns is not None and at_ns >= until_ns:
                break
            if at_ns >= from_ns and data == reply.data:
                late.append((at_ns - reply.due_ns) / NS_PER_MS)
                break
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
    found, place = [], 0
    for at_ns, next_ns in zip(ups, [*ups[1:], None], strict=True):
        while place < len(ons) and ons[place] < at_ns:
            place += 1
        is_here = place < len(ons) and (next_ns is None or ons[place] < next_ns)
        if is_here and (next_ns is None or next_ns - at_ns > apart_ns):
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


def lateness_ms(entries: Iterable[journal.Entry]) -> Iterator[float]:
    """Return sent minus due of every planned note-on, in ms."""
    tick_ns = 0
    for entry in entries:
        if isinstance(entry, journal.Tick):
            tick_ns = entry.at_ns
        elif isinstance(entry, journal.Sent) and is_answer(entry.data):
            yield (tick_ns - entry.due_ns) / NS_PER_MS
