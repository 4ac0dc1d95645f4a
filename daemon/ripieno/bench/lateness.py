"""Evaluates planned messages: lateness, losses, and whether bounds were kept."""

from collections.abc import Callable, Container, Sequence
from typing import Final, NamedTuple

from ripieno.bench.machine import Jack
from ripieno.bench.pairing import Stamped
from ripieno.bench.planned import Done
from ripieno.bench.report import Figure, Picture, Table
from ripieno.bench.spread import HEADINGS, cells, histogram, spread
from ripieno.clock import NS_PER_MS
from ripieno.music import messages
from ripieno.ports.ports import ON_JACK

LOADED: Final = "inference"
"""The load for which there are bounds."""
ALLOWED_MS: Final = 0.5
"""The bound for rtmidi beyond one period, p99."""
FRAMES: Final = 1 << 32
"""The number of frames after which JACK's clock wraps."""
ENDS: Final = ("ons lost", "offs lost", "doubled", "unclear")
Runs = dict[tuple[str, str], "Outcome"]
"""By backend and load."""


class Counted(NamedTuple):
    """How many messages of a kind were sent, and how many were lost."""

    sent: int
    lost: int


class Outcome(NamedTuple):
    """The result of one run.

    Attributes:
        late_ns: arrived minus due, of those that came, but the unclear.
        late_frames: the same by the sample clock, where both sides have it.
        handed_ns: when each was handed over, minus when it was due.
        note_ons, note_offs: how many were sent, and how many of them never came.
        doubled: how many note-ons came again.
        unclear: how many were stamped before they were handed over. A server that has
            just stalled does not know what time it is.
        is_realtime: whether the priority was granted.
    """

    late_ns: list[int]
    late_frames: list[int]
    handed_ns: list[int]
    note_ons: Counted
    note_offs: Counted
    doubled: int
    unclear: int
    is_realtime: bool


def judged(done: Done, heard: Sequence[Stamped], *, is_realtime: bool) -> Outcome:
    """Compare the planned messages with those heard; all messages differ."""
    arrived: dict[bytes, Stamped] = {}
    for each in heard:
        arrived.setdefault(each.data, each)
    # Note-offs come again by intent, after the server has dropped a period.
    ons_heard = [each.data for each in heard if messages.is_note_on(each.data)]
    doubled = len(ons_heard) - len(set(ons_heard))
    came = [(due, arrived[due.data]) for due in done.messages if due.data in arrived]
    handed_at = {
        n.data: ns for n, ns in zip(done.messages, done.handed_ns, strict=True)
    }
    late = [
        got.at_ns - due.at_ns for due, got in came if got.at_ns >= handed_at[due.data]
    ]
    frames = [
        wrapped(got.frame - due.frame)
        for due, got in came
        if got.frame is not None and due.frame is not None
    ]
    handed = [
        at_ns - due.at_ns
        for at_ns, due in zip(done.handed_ns, done.messages, strict=True)
    ]
    ons, offs = (
        _counted(done.messages, is_one, arrived)
        for is_one in (messages.is_note_on, messages.is_note_off)
    )
    unclear = len(came) - len(late)
    return Outcome(late, frames, handed, ons, offs, doubled, unclear, is_realtime)


def _counted(
    planned: Sequence[Stamped],
    is_one: Callable[[bytes], bool],
    arrived: Container[bytes],
) -> Counted:
    of_kind = [each.data for each in planned if is_one(each.data)]
    return Counted(len(of_kind), sum(data not in arrived for data in of_kind))


def wrapped(frames: int) -> int:
    """Return a distance on a clock of 32 bits."""
    return (frames + FRAMES // 2) % FRAMES - FRAMES // 2


def _rows(found: Runs) -> list[tuple[str, str, Outcome]]:
    return [(backend, load, outcome) for (backend, load), outcome in found.items()]


def tables(found: Runs, jack: Jack | None) -> list[Table]:
    """Return the tables: in samples, by rtmidi in ms, and times of handing over."""
    exact, polled, handed = [], [], []
    for backend, load, outcome in _rows(found):
        name = f"{backend}, {load}"
        lost = outcome.note_ons.lost, outcome.note_offs.lost
        ends = tuple(map(str, (*lost, outcome.doubled, outcome.unclear)))
        if outcome.late_frames and backend == "jack":
            exact.append((name, *cells(spread(outcome.late_frames), digits=2), *ends))
        else:
            late = spread(_beyond(outcome, backend, jack))
            polled.append((name, *cells(late), *ends))
        handed.append((name, *cells(spread(_handed_ms(outcome)))))
    beyond = " minus one period" if jack else ""
    columns = ("", *HEADINGS)
    every = [
        Table("Arrived minus due, in samples", (*columns, *ENDS), tuple(exact)),
        Table(f"Arrived minus due{beyond}, in ms", (*columns, *ENDS), tuple(polled)),
        Table("Handed over minus due, in ms", columns, tuple(handed)),
    ]
    return [table for table in every if table.rows]


def _handed_ms(outcome: Outcome) -> list[float]:
    return [ns / NS_PER_MS for ns in outcome.handed_ns]


def _beyond(outcome: Outcome, backend: str, jack: Jack | None) -> list[float]:
    """Return how late each message came, in ms, beyond rtmidi's period."""
    period_ms = jack.period_ms if jack and backend in ON_JACK else 0.0
    return [ns / NS_PER_MS - period_ms for ns in outcome.late_ns]


def pictures(found: Runs) -> list[Picture]:
    """Return histograms of the load that has bounds."""
    found_pictures = []
    for backend, load, outcome in _rows(found):
        late, unit = [ns / NS_PER_MS for ns in outcome.late_ns], "ms"
        if outcome.late_frames and backend == "jack":
            late, unit = [float(frames) for frames in outcome.late_frames], "samples"
        if load == LOADED:
            title = f"{backend}, {load}: arrived minus due"
            found_pictures.append(Picture(title, tuple(histogram(late, unit))))
    return found_pictures


def verdicts(found: Runs, jack: Jack | None) -> list[str]:
    """Return a sentence for each bound under inference load."""
    said = []
    exact, polled = found.get(("jack", LOADED)), found.get(("rtmidi-jack", LOADED))
    if exact is not None:
        sd = spread(exact.late_frames).sd
        ons, offs = exact.note_ons.lost, exact.note_offs.lost
        kept = "kept" if sd == 0 and not ons and not offs else "missed"
        said.append(
            f"jack, {LOADED}: sd {sd:.2f} samples, {ons} note-ons and {offs} note-offs "
            f"lost; 0 is the bound of each: {kept}."
        )
    if polled is not None:
        p99 = spread(_beyond(polled, "rtmidi-jack", jack)).p99
        kept = "kept" if p99 <= ALLOWED_MS else "missed"
        said.append(
            f"rtmidi-jack, {LOADED}: p99 {p99:.2f} ms beyond a period; "
            f"{ALLOWED_MS:g} ms is the bound: {kept}."
        )
    return said


def figures(found: Runs, jack: Jack | None) -> dict[str, Figure]:
    """Return the figures for programs."""
    said: dict[str, Figure] = {}
    for backend, load, outcome in _rows(found):
        name = f"{backend}, {load}"
        said |= {
            f"{name}: handed minus due, ms": spread(_handed_ms(outcome)),
            f"{name}: note-ons": float(outcome.note_ons.sent),
            f"{name}: note-ons lost": float(outcome.note_ons.lost),
            f"{name}: note-offs": float(outcome.note_offs.sent),
            f"{name}: note-offs lost": float(outcome.note_offs.lost),
            f"{name}: doubled": float(outcome.doubled),
            f"{name}: unclear": float(outcome.unclear),
        }
        late_ms = spread(ns / NS_PER_MS for ns in outcome.late_ns)
        if outcome.late_frames and backend == "jack":
            exact = spread(outcome.late_frames)
            said[f"{name}: arrived minus due, samples"] = exact
            continue
        said[f"{name}: arrived minus due, ms"] = late_ms
        if jack is not None and backend in ON_JACK:
            beyond = spread(_beyond(outcome, backend, jack))
            said[f"{name}: beyond one period, ms"] = beyond
    return said
