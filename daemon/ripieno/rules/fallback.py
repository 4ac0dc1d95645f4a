"""A composer without a model, used while the thinker is late, dead or starting again.

It is a Markov chain of variable order over what the human has just played: steps
between pitches and times between onsets, with contexts of up to three steps; the
longest one seen wins. It learns in the call itself and takes under a millisecond.

Source: the Continuator (Pachet 2003) for the idea.
"""

import itertools
import random
from collections import defaultdict
from collections.abc import Sequence
from typing import Final, NamedTuple

from ripieno.music import scales
from ripieno.protocol import Ask, Plan, PlannedNote, Played

ORDER: Final = 3
CHORD_NS: Final = 50_000_000
LEGATO: Final = 0.85
"""The length of a note, as a share of the time to the next onset."""
MOST_NOTES: Final = 512


class _Move(NamedTuple):
    """The way from one onset to the next."""

    step: int
    gap_ticks: int
    velocity: int


def compose(
    onsets: Sequence[Played], ask: Ask, from_ticks: int, section: int = 0
) -> Plan:
    """Return a plan in the human's manner, from `from_ticks` to the Ask's end.

    Args:
        onsets: the human's last note-ons, oldest first; none gives an empty plan.
        ask: what the model was asked for.
        from_ticks: when the first note starts.
        section: the number of the plan's section.

    Cost: O(onsets + notes planned); under a millisecond.
    """
    chance = random.Random("/".join(map(str, (*ask.chance, section))))
    moves = _moves(onsets, ask)
    notes: list[PlannedNote] = []
    if onsets:
        notes = _walk(moves, onsets, ask, from_ticks, chance)
    return Plan(ask.revision, section, tuple(notes), ask.until_ticks, complete=True)


def _walk(
    moves: list[_Move],
    onsets: Sequence[Played],
    ask: Ask,
    from_ticks: int,
    chance: random.Random,
) -> list[PlannedNote]:
    table, last = _table(moves), onsets[-1]
    allowed = _allowed(ask, [onset.pitch for onset in onsets])
    walked = list(moves)
    notes: list[PlannedNote] = []
    pitch, velocity, at_ticks = last.pitch, last.velocity, from_ticks
    while at_ticks < ask.until_ticks and len(notes) < MOST_NOTES:
        move = _next(table, walked, chance) or _Move(0, ask.pulse_ticks, velocity)
        pitch = _nearest(pitch + move.step, allowed)
        gap = max(move.gap_ticks, _shortest_gap(ask))
        length = max(1, int(gap * LEGATO))
        notes.append(PlannedNote(at_ticks, at_ticks + length, pitch, move.velocity))
        walked.append(move)
        at_ticks += gap
    return notes


def _moves(onsets: Sequence[Played], ask: Ask) -> list[_Move]:
    """Return the upper line of what was played, as moves."""
    top: list[Played] = []
    for onset in onsets:
        if top and onset.at_ns - top[-1].at_ns < CHORD_NS:
            if onset.pitch > top[-1].pitch:
                top[-1] = onset
        else:
            top.append(onset)
    longest = 2 * ask.pulse_ticks
    ticks = ask.timeline.ticks_at
    return [
        _Move(
            b.pitch - a.pitch, min(ticks(b.at_ns) - ticks(a.at_ns), longest), b.velocity
        )
        for a, b in itertools.pairwise(top)
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


def _shortest_gap(ask: Ask) -> int:
    return max(1, ask.timeline.ticks_for(1.0 / ask.limits.density))
