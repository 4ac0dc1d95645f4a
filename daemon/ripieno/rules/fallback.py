"""Composes turns without a model, while the thinker is late, dead or starting again.

It is a Markov chain of variable order over what the human has just played: the steps
between pitches and the times between onsets. The context is the longest sequence of up
to three steps that was played. It learns in the call itself.

Source: the Continuator (Pachet 2003) for the idea.
"""

import itertools
import random
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from ripieno.music import scales
from ripieno.protocol import Ask, Plan, PlannedNote, Played

ORDER: Final = 3
CHORD_NS: Final = 50_000_000
LEGATO: Final = 0.85
"""The length of a note, as a share of the time to the next onset."""
MOST_NOTES: Final = 512


class _Move(NamedTuple):
    """The change from one onset to the next."""

    step: int
    gap_ticks: int
    velocity: int


def compose(
    onsets: Sequence[Played], ask: Ask, from_ticks: int, section: int = 0
) -> Plan:
    """Return a plan in the human's manner, from `from_ticks` to the Ask's end.

    Args:
        onsets: the human's last note-ons, oldest first; none gives an empty plan.
        ask: the request.
        from_ticks: when the first note starts.
        section: the number of the plan's section.

    Cost: O(onsets + notes planned); under a millisecond.
    """
    notes = tuple(_walk(onsets, ask, from_ticks, section)) if onsets else ()
    return Plan(ask.revision, section, notes, ask.until_ticks, complete=True)


def _walk(
    onsets: Sequence[Played], ask: Ask, at_ticks: int, section: int
) -> Iterator[PlannedNote]:
    chance = random.Random("/".join(map(str, (*ask.chance, section))))
    walked = _moves(onsets, ask)
    table = _table(walked)
    allowed = _allowed(ask, [onset.pitch for onset in onsets])
    shortest_ticks = max(1, ask.timeline.ticks_for(1.0 / ask.limits.density))
    still = _Move(0, ask.pulse_ticks, onsets[-1].velocity)
    pitch = onsets[-1].pitch
    for _ in range(MOST_NOTES):
        if at_ticks >= ask.until_ticks:
            return
        move = _next(table, walked, chance) or still
        pitch = _nearest(pitch + move.step, allowed)
        gap = max(move.gap_ticks, shortest_ticks)
        length = max(1, int(gap * LEGATO))
        yield PlannedNote(at_ticks, at_ticks + length, pitch, move.velocity)
        walked.append(move)
        at_ticks += gap


def _moves(onsets: Sequence[Played], ask: Ask) -> list[_Move]:
    """Return the highest notes of what was played, as moves."""
    top: list[Played] = []
    for onset in onsets:
        if top and onset.at_ns - top[-1].at_ns < CHORD_NS:
            if onset.pitch > top[-1].pitch:
                top[-1] = onset
        else:
            top.append(onset)
    at = [ask.timeline.ticks_at(onset.at_ns) for onset in top]
    gaps = [min(b - a, 2 * ask.pulse_ticks) for a, b in itertools.pairwise(at)]
    return [
        _Move(b.pitch - a.pitch, gap, b.velocity)
        for (a, b), gap in zip(itertools.pairwise(top), gaps, strict=True)
    ]


def _table(moves: list[_Move]) -> dict[tuple[int, ...], list[_Move]]:
    table: dict[tuple[int, ...], list[_Move]] = defaultdict(list)
    steps = [move.step for move in moves]
    for i, move in enumerate(moves):
        for order in range(min(ORDER, i) + 1):
            table[tuple(steps[i - order : i])].append(move)
    return table


def _next(
    table: dict[tuple[int, ...], list[_Move]],
    walked: list[_Move],
    chance: random.Random,
) -> _Move | None:
    for order in range(ORDER, -1, -1):
        context = tuple(move.step for move in walked[len(walked) - order :])
        if len(context) == order and (found := table.get(context)):
            return chance.choice(found)
    return None


def _allowed(ask: Ask, heard: list[int]) -> list[int]:
    limits, bits = ask.limits, ask.limits.scale
    if bits is None:
        scale = scales.heard(heard)
    else:
        scale = frozenset(pc for pc in range(12) if bits >> pc & 1)
    register = range(limits.low, limits.high + 1)
    return [p for p in register if p % 12 in scale] or list(register)


def _nearest(pitch: int, allowed: list[int]) -> int:
    while pitch > allowed[-1]:
        pitch -= 12
    while pitch < allowed[0]:
        pitch += 12
    return min(allowed, key=lambda other: abs(other - pitch))
