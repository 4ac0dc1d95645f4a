"""MIDI clocks with stalls, bursts and losses, and the error of the transport.

The position that the transport plays by is compared with the truth, at each clock from
two beats after the deciding moment on. That moment is the gap itself where nothing was
reported, else the evidence: a song position, or the note on the beat that decides (the
eighth, or a later one where the notes are too uneven for eight). Delays are uniform
from 0 to `jitter_ms`; the truth is taken with the mean delay, as the pulse is.
``python -m benchmarks.clock_gaps`` prints the table.
"""

import bisect
import itertools
import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal

from tests.inputs import song_position

from ripieno.music.timeline import Timeline
from ripieno.sync.transport import Transport

CLOCK, START = b"\xf8", b"\xfa"
MS: Final = 1_000_000
GAP: Final = 24 * 9 + 7
"""The clock at which it happens: no beat, and no sixteenth."""
EVIDENCE_CLOCKS: Final = 48
"""A song position comes so long after the gap."""
TWO_BEATS: Final = 48
NOTES: Final = 8

Kind = Literal["pause", "late", "lost"]
Evidence = Literal["none", "position", "notes"]


@dataclass(frozen=True, slots=True)
class Case:
    """One gap in a master's clocks.

    Attributes:
        kind: the song pauses; clocks come late in a burst; clocks are lost.
        size: milliseconds, or clocks that are lost.
        bpm: before any step.
        jitter_ms: the largest delay of a clock.
        step: what the tempo is multiplied by, if it changes …
        step_after: … so many clocks after the gap, or before it.
        is_reported: whether the port tells that something may be missing.
        evidence: what decides.
        human_ms: how uneven the player's notes are.
        seed: what chance starts from.
    """

    kind: Kind
    size: int
    bpm: float
    jitter_ms: float = 0.0
    step: float = 1.0
    step_after: int = 0
    is_reported: bool = False
    evidence: Evidence = "none"
    human_ms: float = 5.0
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Clock:
    """One clock: its number in the song, when it was sent, when it arrived."""

    index: int
    true_ns: float
    heard_ns: int


def clocks(case: Case) -> list[Clock]:
    """The clocks that arrive."""
    chance = random.Random(case.seed)
    at_ns, heard_ns, arriving = 1e9, 0, list[Clock]()
    is_lost = range(GAP, GAP + case.size) if case.kind == "lost" else range(0)
    until_ns = 0.0
    step_clock = GAP + case.step_after
    if case.step_after > 0:  # a step within what is lost cannot be told from more loss
        step_clock += len(is_lost)
    for index in range(GAP + 24 * 48):
        if index == GAP:
            at_ns += case.size * MS if case.kind == "pause" else 0
            until_ns = at_ns + case.size * MS if case.kind == "late" else 0.0
        late_ns = chance.random() * case.jitter_ms * MS
        heard_ns = max(heard_ns, round(max(at_ns + late_ns, until_ns)))
        if index not in is_lost:
            arriving.append(Clock(index, at_ns, heard_ns))
        bpm = case.bpm * (case.step if index >= step_clock else 1.0)
        at_ns += 60e9 / 24 / bpm
    return arriving


def errors_ms(case: Case) -> list[float]:
    """How far the transport is from the truth, at each clock of the judged beats.

    It is empty where nothing was decided within 48 beats.
    """
    sent = clocks(case)
    first = next(place for place, clock in enumerate(sent) if clock.index >= GAP)
    notes = _notes(case, sent) if case.evidence == "notes" else {}
    decided = _decided(case, sent, first)
    transport = Transport(Timeline(beat_ns=500 * MS))
    transport.hear(sent[0].heard_ns, START)
    is_counted = case.kind == "lost" and not case.is_reported
    n_notes, found = 0, list[float]()
    for place, clock in enumerate(sent):
        if case.is_reported and place == first:
            transport.may_have_missed(clock.heard_ns)
        if place == decided and case.evidence == "position":
            transport.hear(clock.heard_ns, song_position(clock.index // 6))
        transport.check(clock.heard_ns)
        transport.hear(clock.heard_ns, CLOCK)
        if place in notes:
            transport.on_note(max(notes[place], clock.heard_ns))
            n_notes += place >= first
            is_open = bool(transport.missing_clocks % 24)  # whole beats stay open
            if n_notes >= NOTES and decided is None and not is_open:
                decided = place
        if decided is not None and place >= decided + 2 * TWO_BEATS:
            break
        if decided is not None and place >= decided + TWO_BEATS:
            index = place if is_counted else clock.index
            wanted_ns = clock.true_ns + case.jitter_ms * MS / 2
            found.append((transport.timeline.ns_at(20 * index) - wanted_ns) / MS)
    return found


def _notes(case: Case, sent: list[Clock]) -> dict[int, int]:
    """The player's notes, on the beats of the song: when, by the clock they follow."""
    chance = random.Random(case.seed + 1)
    heard_ns = [clock.heard_ns for clock in sent]
    notes: dict[int, int] = {}
    for clock in sent:
        if clock.index % 24 == 0:
            at_ns = round(clock.true_ns + chance.gauss(0, case.human_ms) * MS)
            notes[max(0, bisect.bisect_right(heard_ns, at_ns) - 1)] = at_ns
    return notes


def _decided(case: Case, sent: list[Clock], first: int) -> int | None:
    """The place of the clock with which it is decided; None where notes decide."""
    if case.evidence == "notes":
        return None
    if case.evidence == "position":
        after = range(first + EVIDENCE_CLOCKS, len(sent))
        return next(place for place in after if sent[place].index % 6 == 0)
    if case.kind == "late":
        until_ns = sent[first].heard_ns
        return sum(clock.heard_ns <= until_ns + MS for clock in sent)
    return first


STALLS_MS: Final = (5, 8, 12, 16, 20, 27, 33, 40, 55, 75, 110, 160, 250, 400, 600, 800)
LOSSES: Final = (1, 2, 3, 5, 6, 8, 11, 12, 18, 23, 24, 30, 36, 47, 48)
TEMPI: Final = (60, 75, 92, 120, 144, 180)
JITTERS_MS: Final = (0.0, 1.0, 2.67, 5.0)
STEPS: Final = ((1.0, 0), (1.2, -TWO_BEATS), (0.8, -TWO_BEATS), (1.2, 12))


def cases(
    kind: Kind, *, is_reported: bool, evidence: Evidence = "none", step: float = 1.0
) -> Iterator[Case]:
    """The sweep of one row: every size, tempo and jitter, and steps of the tempo."""
    sizes = LOSSES if kind == "lost" else STALLS_MS
    seeds = itertools.count()
    steps = [(s, c) for s, c in STEPS if (s == 1.0) == (step == 1.0)]
    for size, bpm, jitter_ms, (factor, clock) in itertools.product(
        sizes, TEMPI, JITTERS_MS, steps
    ):
        if evidence == "notes" and kind == "lost" and not size % 24:
            continue  # notes on the beat cannot tell whole beats apart
        if not TEMPI[0] <= bpm * factor <= TEMPI[-1]:
            continue
        yield Case(
            kind, size, bpm, jitter_ms, factor, clock,
            is_reported=is_reported, evidence=evidence, seed=next(seeds),
        )  # fmt: skip


ROWS: Final[tuple[tuple[Kind, bool, Evidence], ...]] = (
    ("pause", False, "none"),
    ("late", False, "none"),
    ("lost", False, "none"),
    ("pause", True, "position"),
    ("late", True, "position"),
    ("lost", True, "position"),
    ("pause", True, "notes"),
    ("late", True, "notes"),
    ("lost", True, "notes"),
)
