"""How the daemon's own mind varies held-out phrases: distances, knobs, and time.

Each phrase of 4/4 is played to `ripieno.minds.variations` at 120 beats a minute, and
varied through the exported graphs, with all that the daemon adds: anchor, scale,
register. What comes is put back on the grid and compared with what was played.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from ripieno.clock import NS_PER_MS, NS_PER_S, Clock, SystemClock
from ripieno.layouts import phrase
from ripieno.layouts.phrase import (
    ATTRIBUTES,
    CELL,
    FIRST_PITCH,
    GridNote,
    Ints,
)
from ripieno.minds.variations import Variations
from ripieno.music.sources import HUMAN
from ripieno.music.timeline import TICKS_PER_BEAT, Timeline
from ripieno.protocol import Ask, Limits, PlannedNote, Played, Variation
from ripieno_export.phrases import crops, task
from ripieno_export.phrases.measure import sample_of
from ripieno_export.phrases.windows import Windows

STEP_TICKS: Final = 60
STEP_NS: Final = STEP_TICKS * NS_PER_S // TICKS_PER_BEAT
PHRASES: Final = 120
DISTANCES: Final = (0.0, 0.1, 0.2, 0.4, 0.6, 0.8, 1.0)
TURNS: Final = (-1.0, -0.5, 0.5, 1.0)
HOME: Final = 60
TIMED: Final = 100
FEWEST: Final = 5
"""Onsets, so that a player's grid is heard."""


@dataclass(frozen=True, slots=True)
class Phrase:
    """A phrase to vary: its notes and its tokens."""

    notes: list[GridNote]
    tokens: Ints


def phrases_of(windows: Windows, count: int = PHRASES) -> list[Phrase]:
    """Held-out phrases in 4/4 that begin with a note, from home in middle C."""
    numbers = task.held_out(windows)
    rows = windows.rows[numbers]
    begins = (rows[:, 0] >= 0) & ((rows >= 0).sum(1) >= FEWEST)
    chosen = sample_of(numbers[begins & (windows.meter[numbers] == 0)], count)
    tokens = crops.plain(windows, chosen).tokens
    return [Phrase(phrase.notes_of(row, 0, 0, HOME), row) for row in tokens]


def play(mind: Variations, notes: Sequence[GridNote], start_ns: int = 0) -> None:
    """Let the human play some notes, slightly detached."""
    events = []
    for note in notes:
        at_ns = start_ns + note.start * STEP_NS
        end_ns = start_ns + note.end * STEP_NS - STEP_NS // 8
        events.append(Played(at_ns, HUMAN, note.pitch, note.velocity))
        events.append(Played(end_ns, HUMAN, note.pitch, 0))
    for event in sorted(events, key=lambda each: (each.at_ns, each.velocity > 0)):
        mind.receive(event)


def grid_of(notes: Sequence[GridNote]) -> int:
    """The widest even grid that some notes begin on, in ticks."""
    return STEP_TICKS * math.gcd(*(note.start for note in notes))


def ask_for(
    how: Variation, grid_ticks: int, *, seed: int = 1, revision: int = 1
) -> Ask:
    """An Ask for a variation of two bars that begin at `how.since_ns`."""
    whole = phrase.STEPS * STEP_TICKS
    start = Timeline().ticks_at(how.since_ns) + whole
    return Ask(
        revision=revision,
        timeline=Timeline(),
        start_ticks=start,
        until_ticks=start + whole,
        closing=True,
        pulse_ticks=CELL * STEP_TICKS,
        grid_ticks=grid_ticks,
        seed=seed,
        limits=Limits(scale=None, low=24, high=108, polyphony=4),
        role="vary",
        vary=how,
    )


def tokens_of(notes: Sequence[PlannedNote], start_ticks: int, home: int = HOME) -> Ints:
    """A plan's notes as the tokens of a segment in 4/4."""
    line = [
        GridNote(
            round((note.start_ticks - start_ticks) / STEP_TICKS),
            round((note.end_ticks - start_ticks) / STEP_TICKS),
            note.pitch,
        )
        for note in notes
    ]
    return phrase.segment(line, 0, 0, home)


def varied(mind: Variations, played: Phrase, how: Variation, seed: int) -> Ints:
    """A variation of one phrase, as tokens."""
    mind.reset()
    play(mind, played.notes)
    ask = ask_for(how, grid_of(played.notes), seed=seed)
    return tokens_of(notes_for(mind, ask), ask.start_ticks)


def notes_for(mind: Variations, ask: Ask) -> Sequence[PlannedNote]:
    """The notes that a mind plans."""
    mind.receive(ask)
    plan = mind.answer()
    return () if plan is None else plan.notes


def all_varied(mind: Variations, played: Sequence[Phrase], how: Variation) -> Ints:
    """A variation of every phrase, [B, S], each with a seed of its own."""
    return np.stack([varied(mind, p, how, seed) for seed, p in enumerate(played)])


def distances(mind: Variations, played: Sequence[Phrase]) -> dict[str, Any]:
    """What each distance keeps of a phrase, and what the new one is like."""
    own = np.stack([each.tokens for each in played])
    found: dict[str, Any] = {"human": {"different": 0.0, **manner(own)}}
    for distance in DISTANCES:
        made = all_varied(mind, played, Variation(since_ns=0, distance=distance))
        found[str(distance)] = {
            "different": round(float((made != own).mean()), 4),
            "onsets_kept": round(_kept(made, own), 4),
            "unchanged": round(float((made == own).all(1).mean()), 4),
            **manner(made),
        }
    return found


def _kept(made: Ints, own: Ints) -> float:
    """The share of a phrase's onsets that are there again, at their pitch."""
    strikes = own >= FIRST_PITCH
    return float((made == own)[strikes].mean())


def manner(tokens: Ints) -> dict[str, float]:
    """What phrases are like: how many onsets, how far they step, how they repeat."""
    steps: list[int] = []
    for row in tokens:
        steps += np.diff(row[row >= FIRST_PITCH]).tolist()
    size = np.abs(np.array(steps or [0]))
    on_beat = np.arange(phrase.STEPS) % CELL == 0
    strikes = tokens >= FIRST_PITCH
    return {
        "onsets_a_bar": round(float(strikes.sum(1).mean() / phrase.BARS), 3),
        "mean_interval": round(float(size.mean()), 3),
        "repeated": round(float((size == 0).mean()), 4),
        "leaps": round(float((size > 7).mean()), 4),
        "on_the_beat": round(
            float(strikes[:, on_beat].sum() / max(strikes.sum(), 1)), 4
        ),
    }


def knobs(mind: Variations, played: Sequence[Phrase]) -> dict[str, Any]:
    """What each knob does to each attribute, on average, beside the phrase's own."""
    own = np.stack([each.tokens for each in played])
    meter = np.zeros(len(own), np.int64)
    base = phrase.attributes(own, meter)
    still = Variation(since_ns=0, distance=0.0)
    found: dict[str, Any] = {"human": _named(base.mean(0))}
    for name in ATTRIBUTES:
        for turn in TURNS:
            how = _turned(still, name, turn)
            made = phrase.attributes(all_varied(mind, played, how), meter)
            moved = _named((made - base).mean(0))
            right = (made - base)[:, ATTRIBUTES.index(name)] * turn > 0
            found[f"{name} {turn:+g}"] = {
                **moved,
                "right_way": round(float(right.mean()), 4),
            }
    return found


def _turned(how: Variation, name: str, turn: float) -> Variation:
    values = {"fill": how.fill, "rise": how.rise, "offbeat": how.offbeat, name: turn}
    return Variation(since_ns=how.since_ns, distance=how.distance, **values)


def _named(values: npt.NDArray[np.float64]) -> dict[str, float]:
    return {n: round(float(v), 3) for n, v in zip(ATTRIBUTES, values, strict=True)}


def blends(mind: Variations, played: Sequence[Phrase]) -> dict[str, dict[str, float]]:
    """How like the phrase, and how like the one before it, a blend is."""
    found = {}
    for blend in (0.0, 0.25, 0.5, 0.75, 1.0):
        to_own, to_other = [], []
        for number in range(0, len(played) - 1, 2):
            other, own = played[number], played[number + 1]
            made = _blended(mind, other, own, blend, number)
            to_own.append((made == own.tokens).mean())
            to_other.append((made == other.tokens).mean())
        found[str(blend)] = {
            "like_the_phrase": round(float(np.mean(to_own)), 4),
            "like_the_one_before": round(float(np.mean(to_other)), 4),
        }
    return found


def _blended(
    mind: Variations, other: Phrase, own: Phrase, blend: float, seed: int
) -> Ints:
    later_ns = 2 * phrase.STEPS * STEP_NS
    mind.reset()
    play(mind, other.notes)
    notes_for(mind, ask_for(Variation(since_ns=0, distance=0.0), grid_of(other.notes)))
    play(mind, own.notes, later_ns)
    how = Variation(since_ns=later_ns, distance=0.0, blend=blend)
    ask = ask_for(how, grid_of(own.notes), seed=seed, revision=2)
    return tokens_of(notes_for(mind, ask), ask.start_ticks)


def answer_ms(
    mind: Variations, played: Sequence[Phrase], clock: Clock | None = None
) -> dict[str, float]:
    """How long a whole plan of two bars takes, in ms: median, 99th of 100, fastest."""
    clock = clock or SystemClock()
    taken = []
    for number in range(TIMED):
        mind.reset()
        notes = played[number % len(played)].notes
        play(mind, notes)
        how = Variation(since_ns=0, distance=0.5)
        ask = ask_for(how, grid_of(notes), seed=number)
        begun_ns = clock.now_ns()
        notes_for(mind, ask)
        taken.append((clock.now_ns() - begun_ns) / NS_PER_MS)
    p50, p99 = np.percentile(taken, (50, 99))
    return {
        "p50": round(float(p50), 3),
        "p99": round(float(p99), 3),
        "min": round(min(taken), 3),
    }


def listen(mind: Variations, played: Sequence[Phrase]) -> dict[str, Any]:
    """All figures of the mind."""
    return {
        "distances": distances(mind, played),
        "knobs": knobs(mind, played),
        "blends": blends(mind, played),
        "phrases_played": len(played),
        "answer_ms": answer_ms(mind, played),
    }
