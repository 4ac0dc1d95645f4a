"""Where a phrase moves in the latent space, and what its decoding must respect.

Functions on values, for `ripieno.minds.variations`: the great circle between latents,
masks for register and scale, and the *anchor* that keeps a variation near its phrase.
"""

import math
from collections.abc import Sequence
from typing import Final

import numpy as np

from ripieno.inference.controls import Floats
from ripieno.layouts import phrase
from ripieno.layouts.phrase import (
    ATTRIBUTES,
    FIRST_PITCH,
    HOLD,
    PLACES,
    REST,
    STEPS,
    VOCABULARY,
    GridNote,
    Ints,
)
from ripieno.minds.writer import FORBIDDEN
from ripieno.protocol import Ask, Limits, PlannedNote, Variation

ANCHOR: Final = 24.0
"""Nats that the phrase's own tokens gain at distance 0: they are then certain."""
ROOM: Final = 7
"""Semitones by which a variation may leave the phrase's range. Without a limit new
phrases fell two octaves below it."""
RISE_ROOM: Final = 12
"""Semitones more in the direction of `rise`, at its full value."""
FADING: Final = 16
"""The anchor is `ANCHOR` × (1 − distance) to this power. With 16, 8 % of the steps
differ at distance 0.2 and 31 % at 0.4; with 8 the phrase repeats up to 0.2."""
MOTIF: Final = 3.0
"""Nats that the phrase's own tokens gain in the first bar of each segment, RHYTHM those
that its tokens of the same kind gain (a pitch, a hold, a rest), and NEARNESS what a
pitch loses for every semitone from the phrase's own: at distance 0.5, where they are
largest. On 24 dev calls each (O'Neill's; melodies of POP909) the phrase's interval
trigrams that a variation at 0.5 keeps rose from .05 and .07 to .44 and .50, and its
notes a second fell from 1.55 and 1.48 of the phrase's to 1.04 and .92, with `away`."""
RHYTHM: Final = 8.0
NEARNESS: Final = 0.2
EARLY: Final = 0.5
"""A knob is raised to this power: at 0.5 it moves the phrase by 0.7. Without it, `fill`
at 0.5 moved two phrases in five the right way, and left most others unchanged."""


def between(one: Floats, other: Floats, share: float) -> Floats:
    """Return the point a share of the way between two latents, on a great circle."""
    size = float(np.linalg.norm(one)) * float(np.linalg.norm(other))
    cosine = float(np.dot(one, other)) / size if size else 1.0
    angle = math.acos(min(max(cosine, -1.0), 1.0))
    near, far = 1 - share, share
    if 1e-4 < angle < math.pi - 1e-4:  # else the great circle is not defined
        near, far = (math.sin(part * angle) / math.sin(angle) for part in (near, far))
    return np.asarray(near * one + far * other, np.float32)


def moved(how: Variation) -> float:
    """Return how far a variation is from a repetition, 0 … 1: the largest knob."""
    knobs = how.distance, how.blend, abs(how.fill), abs(how.rise), abs(how.offbeat)
    return min(1.0, max(knobs))


def away(distance: float) -> float:
    """Return how far the latent moves for a distance, both 0 … 1.

    Between 0.2 and 0.35 of the way to another phrase all motifs of this one are lost.
    So the way to there takes up more of the range.
    """
    return distance * (1 - 2.3 * distance**2 * (1 - distance))


def held(how: Variation) -> float:
    """Return how strongly the motif is held: 1 at distance 0.5, 0 at 0 and at 1.

    The other knobs loosen it, as they change what it holds.
    """
    others = how.blend, abs(how.fill), abs(how.rise), abs(how.offbeat)
    return 8 * how.distance**2 * (1 - how.distance) * (1 - max(others))


def turned(how: Variation) -> list[float]:
    """Return how far to go along the direction of each attribute, −1 … 1."""
    knobs = (getattr(how, name) for name in ATTRIBUTES)
    return [math.copysign(abs(knob) ** EARLY, knob) for knob in knobs]


def register(own: Sequence[GridNote], rise: float) -> tuple[int, int]:
    """Return the lowest and highest pitch of a variation of some notes."""
    pitches = [note.pitch for note in own]
    lower, higher = max(0.0, -rise) * RISE_ROOM, max(0.0, rise) * RISE_ROOM
    return min(pitches) - ROOM - round(lower), max(pitches) + ROOM + round(higher)


def mask(
    limits: Limits, scale: frozenset[int], register: tuple[int, int], home: int
) -> Floats:
    """Return a bias that allows pitches in register and scale, shape (VOCABULARY,).

    If none is left, the variation's own register is given up first, then the scale.
    """
    bias = np.full(VOCABULARY, FORBIDDEN, np.float32)
    bias[[REST, HOLD]] = 0.0
    tokens = np.arange(FIRST_PITCH, VOCABULARY)
    pitches = tokens + phrase.pitch_of(0, home)
    inside = (pitches >= limits.low) & (pitches <= limits.high)
    in_scale = inside & np.isin(pitches % 12, list(scale))
    near = in_scale & (pitches >= register[0]) & (pitches <= register[1])
    chosen = next((level for level in (near, in_scale) if level.any()), inside)
    bias[tokens[chosen]] = 0.0
    return bias


def anchored(segment: Ints, bias: Floats, how: Variation) -> Floats:
    """Return the bias of every step, with the phrase's own motif made likelier.

    Args:
        segment: the phrase's own tokens; a masked pitch counts as the nearest one that
            is allowed.
        bias: see `mask`.
        how: the nearer to a repetition, the stronger the anchor.

    Returns:
        Shape (STEPS, VOCABULARY).
    """
    rows = np.tile(bias, (STEPS, 1))
    allowed = np.flatnonzero(bias[FIRST_PITCH:] == 0.0) + FIRST_PITCH
    own = segment.copy()
    if len(allowed):
        struck = own >= FIRST_PITCH
        nearest = np.abs(allowed[None] - own[struck, None]).argmin(1)
        own[struck] = allowed[nearest]
    rows[np.arange(STEPS), own] += ANCHOR * (1 - moved(how)) ** FADING
    return rows + held(how) * _motif(own)


def _motif(own: Ints) -> Floats:
    """Return what holds a motif at its full strength, (STEPS, VOCABULARY)."""
    tokens = np.arange(VOCABULARY)
    kinds, own_kinds = np.minimum(tokens, FIRST_PITCH), np.minimum(own, FIRST_PITCH)
    is_alike = kinds[None] == own_kinds[:, None]
    away = np.abs(tokens[None] - own[:, None])
    is_struck = (own_kinds == FIRST_PITCH)[:, None] & is_alike
    rows = RHYTHM * is_alike - NEARNESS * away * is_struck
    rows[np.arange(PLACES), own[:PLACES]] += MOTIF
    return np.asarray(rows, np.float32)


def planned(
    ask: Ask, step_ticks: float, own: Sequence[GridNote], made: Sequence[GridNote]
) -> list[PlannedNote]:
    """Return notes on the grid as a plan, to the Ask's end and within its density.

    Args:
        ask: what was asked for.
        step_ticks: a sixteenth.
        own: the human's notes; a note takes the velocity of the nearest of them.
        made: the variation.
    """
    closest = ask.timeline.ticks_for(1.0 / ask.limits.density)
    steps = np.array([note.start for note in own])
    found: list[PlannedNote] = []
    for note in made:
        start = ask.start_ticks + round(note.start * step_ticks)
        end = min(ask.start_ticks + round(note.end * step_ticks), ask.until_ticks)
        is_dense = bool(found) and start - found[-1].start_ticks < closest
        if start >= ask.until_ticks or is_dense:
            continue
        velocity = own[int(np.abs(steps - note.start).argmin())].velocity
        found.append(PlannedNote(start, max(end, start + 1), note.pitch, velocity))
    return found
