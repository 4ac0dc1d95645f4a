"""Compares planned messages with those that arrived: lateness and losses. Pure."""

from collections import Counter
from collections.abc import Sequence
from typing import Final, NamedTuple

from ripieno.bench.pairing import Stamped
from ripieno.bench.planned import Done
from ripieno.bench.report import Figure, spread
from ripieno.clock import NS_PER_MS
from ripieno.music import messages

FRAMES: Final = 1 << 32
"""The number of frames after which JACK's clock wraps."""


class Outcome(NamedTuple):
    """The result of one run.

    Attributes:
        late_ns: arrived minus due, of those that came, but the unclear.
        late_frames: the same by the sample clock, where both sides have it.
        handed_ns: when each was handed over, minus when it was due.
        counts: how many note-ons and note-offs were sent, and how many of each never
            came. ``doubled``: how many note-ons came again; note-offs come again by
            intent, after the server has dropped a period. ``unclear``: how many were
            stamped before they were handed over, because a server that has just
            stalled does not know what time it is.
    """

    late_ns: list[int]
    late_frames: list[int]
    handed_ns: list[int]
    counts: dict[str, float]


def judged(done: Done, heard: Sequence[Stamped]) -> Outcome:
    """Compare the planned messages with those heard; all messages differ."""
    arrived: dict[bytes, Stamped] = {}
    for each in heard:
        arrived.setdefault(each.data, each)
    sent = list(zip(done.messages, done.handed_ns, strict=True))
    came = [
        (due, at_ns, arrived[due.data]) for due, at_ns in sent if due.data in arrived
    ]
    late = [got.at_ns - due.at_ns for due, at_ns, got in came if got.at_ns >= at_ns]
    counts: dict[str, float] = {}
    for name, is_one in (
        ("note-ons", messages.is_note_on), ("note-offs", messages.is_note_off),
    ):  # fmt: skip
        of_kind = {due.data for due in done.messages if is_one(due.data)}
        counts |= {name: len(of_kind), f"{name} lost": len(of_kind - arrived.keys())}
    ons_heard = Counter(each.data for each in heard if messages.is_note_on(each.data))
    counts["doubled"] = ons_heard.total() - len(ons_heard)
    counts["unclear"] = len(came) - len(late)
    frames = [
        wrapped(got.frame - due.frame)
        for due, _, got in came
        if got.frame is not None and due.frame is not None
    ]
    handed = [at_ns - due.at_ns for due, at_ns in sent]
    return Outcome(late, frames, handed, counts)


def wrapped(frames: int) -> int:
    """Return a distance on a clock of 32 bits."""
    return (frames + FRAMES // 2) % FRAMES - FRAMES // 2


def figures_of(
    outcome: Outcome, period_ms: float | None, *, is_exact: bool
) -> dict[str, Figure]:
    """Return the figures of a run.

    Args:
        outcome: of the run.
        period_ms: the period of the JACK server that the ports belong to; else None.
        is_exact: whether messages are placed to the sample.
    """
    late_ms = [ns / NS_PER_MS for ns in outcome.late_ns]
    figures: dict[str, Figure] = {}
    if is_exact and outcome.late_frames:
        figures["arrived minus due, samples"] = spread(outcome.late_frames)
    else:
        figures["arrived minus due, ms"] = spread(late_ms)
        if period_ms is not None:
            beyond = spread(ms - period_ms for ms in late_ms)
            figures["beyond one period, ms"] = beyond
    handed_ms = (ns / NS_PER_MS for ns in outcome.handed_ns)
    return figures | {"handed minus due, ms": spread(handed_ms)} | outcome.counts
