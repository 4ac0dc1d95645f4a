"""A plan in the making: what a composer keeps of it beside the model's line.

It does not know models, nor who asked.
"""

import math
import statistics
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

import numpy as np

from ripieno.layouts.vocabulary import Event
from ripieno.minds.call import LONG, LONGEST_NOTE_S, Sounded
from ripieno.minds.constraints import Constraints
from ripieno.protocol import Ask, Plan, PlannedNote

SECTION_S: Final = 1.5
"""The length of a section of a plan; the first one takes some 20 steps."""
SHORTEST_NOTE_S: Final = 0.04
"""The shortest note; a shorter one is a click with most sampled instruments."""
AFTER_THE_END_S: Final = 0.8
"""How long the last notes of a reply may sound beyond its length."""


class Moment(NamedTuple):
    """A note-on or a note-off that is quoted, in seconds from the first note."""

    at_s: float
    is_down: int
    pitch: int
    velocity: int


@dataclass(slots=True)
class Draft:
    """A plan in the making; its times are seconds from the first note.

    Attributes:
        ask: what is wanted.
        constraints: what is allowed; it also knows the onsets so far.
        last: the event that the model has not received yet.
        head: what it has yet to take up of the call.
        beyond: pitches with which the call went on after it, until the draft does.
        motif: what returns in every phrase.
        return_s: when it returns next.
        phrase_s, phrase_end_s: the length of a phrase, and where this one ends.
        is_fed: whether the model has received `last` after all.
        wait_s: the time from the last event that was played to the first note.
        noise: random numbers of its own, so that it is the same whenever it is made.
        now_s, begun: when the last event was; whether there was one.
        until_s: where the current section ends; None between two sections.
        ended: whether the plan is complete.
        section: how many sections were handed over.
        sounding: pitch → (start, velocity) of notes that have not ended.
        ready: the notes to be handed over.
        lengths_s: of all notes so far.
    """

    ask: Ask
    constraints: Constraints
    head: deque[Moment]
    beyond: Sequence[int]
    motif: Sequence[Sounded]
    return_s: float
    phrase_s: float
    last: Event
    wait_s: float
    noise: np.random.Generator
    phrase_end_s: float = math.inf
    is_fed: bool = False
    now_s: float = 0.0
    until_s: float | None = None
    begun: bool = False
    ended: bool = False
    section: int = 0
    sounding: dict[int, tuple[float, int]] = field(default_factory=dict)
    ready: list[Sounded] = field(default_factory=list)
    lengths_s: list[float] = field(default_factory=list)

    @property
    def whole_s(self) -> float:
        """The length that was asked for."""
        return self.ask.timeline.seconds_for(
            self.ask.until_ticks - self.ask.start_ticks
        )

    def drawn_to_grid(self, at_s: float) -> float:
        """Return a time moved towards the nearest half step of the grid.

        It is never before `now_s`. Half steps allow notes faster than the grid.
        """
        grid_s = self.ask.timeline.seconds_for(self.ask.grid_ticks) / 2
        if not grid_s:
            return at_s
        nearest_s = round(at_s / grid_s) * grid_s
        drawn_s = at_s + self.ask.limits.tightness * (nearest_s - at_s)
        return max(drawn_s, self.now_s)

    def is_done_to(self, at_s: float) -> bool:
        """Whether all notes that start before `at_s` have ended."""
        is_silent = all(start_s >= at_s for start_s, _ in self.sounding.values())
        return self.ended or (self.now_s >= at_s and is_silent)

    @property
    def end_s(self) -> float:
        """Where its phrase ends, or where the plan does if it has no phrases."""
        if self.ask.closing or math.isinf(self.phrase_end_s):
            return self.whole_s
        return self.phrase_end_s

    def section_end(self) -> float:
        """Return where the next section ends.

        What is longer than one section and shorter than two is halved: the last section
        ends the phrase, and has to have a note.
        """
        left_s = self.end_s - self.now_s
        if left_s <= SECTION_S:
            return max(self.end_s, self.now_s)
        return self.now_s + min(left_s / 2, SECTION_S)

    def is_closed_by(self, section_end_s: float) -> bool:
        """Whether a phrase, or a closing plan, ends where a section does."""
        if self.ask.closing:
            return self.ended
        return section_end_s >= self.phrase_end_s

    def usual_s(self, of_call_s: float) -> float:
        """Return how long a note usually is: here or in the call, but not too long."""
        own_s = statistics.median(self.lengths_s or [0.0])
        return min(max(own_s, of_call_s), LONGEST_NOTE_S / LONG)

    def begin_phrases(self) -> None:
        """Move the end of the phrase, and the return of the motif, beyond now."""
        while self.phrase_end_s <= max(self.now_s, self.until_s or 0.0):
            self.phrase_end_s += self.phrase_s
        while self.return_s < self.now_s:
            self.return_s += self.phrase_s

    def finish(self, pitch: int, at_s: float) -> None:
        """End a sounding note."""
        start_s, velocity = self.sounding.pop(pitch)
        end_s = max(at_s, start_s + SHORTEST_NOTE_S)
        self.ready.append(Sounded(start_s, end_s, pitch, velocity))
        self.lengths_s.append(end_s - start_s)

    def end(self, at_s: float) -> None:
        """End the plan; notes that sound end at `at_s`."""
        latest_s = min(at_s, self.whole_s + AFTER_THE_END_S)
        for pitch in list(self.sounding):
            self.finish(pitch, latest_s)
        self.ended = True

    def hand_over(self) -> Plan:
        """Return the section that is ready, in ticks, and begin the next one."""
        ask = self.ask

        def ticks(at_s: float) -> int:
            return ask.start_ticks + ask.timeline.ticks_for(at_s)

        notes = tuple(
            PlannedNote(ticks(start), ticks(end), pitch, velocity)
            for start, end, pitch, velocity in sorted(self.ready)
        )
        self.ready.clear()
        section, self.section = self.section, self.section + 1
        until_s, self.until_s = self.until_s or 0.0, None
        until = ticks(until_s)
        if self.ended:
            until = ask.until_ticks if ask.closing else max(ask.until_ticks, until)
        return Plan(ask.revision, section, notes, until, complete=self.ended)


def moments(notes: Sequence[PlannedNote], last: int) -> list[tuple[int, int, int]]:
    """Return note-ons and note-offs in order, as (ticks, pitch, velocity).

    A note that sounds beyond `last` ends there, as no later note-off follows.
    """
    downs = [(note.start_ticks, 1, note.pitch, note.velocity) for note in notes]
    ups = [
        (max(note.start_ticks + 1, min(note.end_ticks, last)), 0, note.pitch, 0)
        for note in notes
    ]
    return [(at, pitch, level) for at, _, pitch, level in sorted(downs + ups)]
