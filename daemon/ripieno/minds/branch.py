"""A plan in the making: what a composer has of it, beside the line that it feeds.

Knows music; does not know models, nor who asked.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from ripieno.layouts.vocabulary import Event
from ripieno.minds.constraints import Constraints
from ripieno.protocol import Ask, Plan, PlannedNote

SHORTEST_NOTE_S: Final = 0.04
"""A shorter note is a click on most instruments' samples."""
AFTER_THE_END_S: Final = 0.8
"""How long the last notes of a reply may ring beyond its length."""


@dataclass(slots=True)
class Branch:
    """A plan in the making; its times are seconds from the first note.

    Attributes:
        ask: what is wanted.
        constraints: what is allowed, with the onsets so far.
        last: the event that the model was not told yet.
        wait_s: from what was played last to the first note.
        noise: its own chance, so that it comes out the same whenever it is made.
        now_s, begun: when the last event was; whether there was any.
        until_s: where the section under way ends; None between two.
        ended: whether nothing comes any more.
        section: how many were handed over.
        sounding: pitch → (start, velocity) of notes without an end.
        ready: (start, end, pitch, velocity) of notes to be handed over.
    """

    ask: Ask
    constraints: Constraints
    last: Event
    wait_s: float
    noise: np.random.Generator
    now_s: float = 0.0
    until_s: float | None = None
    begun: bool = False
    ended: bool = False
    section: int = 0
    sounding: dict[int, tuple[float, int]] = field(default_factory=dict)
    ready: list[tuple[float, float, int, int]] = field(default_factory=list)

    @property
    def whole_s(self) -> float:
        """How long the plan is to be."""
        return self.ask.timeline.seconds_for(
            self.ask.until_ticks - self.ask.start_ticks
        )

    def is_open_before(self, at_s: float) -> bool:
        """Whether a note that starts before then still has no end."""
        return any(start_s < at_s for start_s, _ in self.sounding.values())

    def drawn_to_grid(self, at_s: float) -> float:
        """A time, moved towards the grid; half steps count, so that it may play faster.

        Never before what was planned already.
        """
        grid_s = self.ask.timeline.seconds_for(self.ask.grid_ticks) / 2
        if not grid_s:
            return at_s
        nearest_s = round(at_s / grid_s) * grid_s
        drawn_s = at_s + self.ask.limits.tightness * (nearest_s - at_s)
        return max(drawn_s, self.now_s)

    def is_done_to(self, at_s: float) -> bool:
        """Whether all notes that start before then have their end."""
        return self.ended or (self.now_s >= at_s and not self.is_open_before(at_s))

    def finish(self, pitch: int, at_s: float) -> None:
        """A sounding note has its end."""
        start_s, velocity = self.sounding.pop(pitch)
        end_s = max(at_s, start_s + SHORTEST_NOTE_S)
        self.ready.append((start_s, end_s, pitch, velocity))

    def end(self, at_s: float) -> None:
        """Nothing comes any more; what sounds rings until then."""
        latest_s = min(at_s, self.whole_s + AFTER_THE_END_S)
        for pitch in list(self.sounding):
            self.finish(pitch, latest_s)
        self.ended = True

    def hand_over(self) -> Plan:
        """The section that is ready, in ticks; the next one begins."""
        ask = self.ask
        ticks = ask.timeline.ticks_for
        notes = tuple(
            PlannedNote(
                ask.start_ticks + ticks(start),
                ask.start_ticks + ticks(end),
                pitch,
                velocity,
            )
            for start, end, pitch, velocity in sorted(self.ready)
        )
        self.ready.clear()
        section, self.section = self.section, self.section + 1
        until_s, self.until_s = self.until_s or 0.0, None
        return Plan(
            revision=ask.revision,
            section=section,
            notes=notes,
            until_ticks=ask.until_ticks
            if self.ended
            else ask.start_ticks + ticks(until_s),
            complete=self.ended,
        )


def moments(notes: Sequence[PlannedNote], last: int) -> list[tuple[int, int, int]]:
    """Ons and offs of planned notes in order, as (ticks, pitch, velocity).

    What rings beyond `last` is lifted there: nobody will say so later.
    """
    downs = [(note.start_ticks, 1, note.pitch, note.velocity) for note in notes]
    ups = [
        (max(note.start_ticks + 1, min(note.end_ticks, last)), 0, note.pitch, 0)
        for note in notes
    ]
    return [(at, pitch, level) for at, _, pitch, level in sorted(downs + ups)]
