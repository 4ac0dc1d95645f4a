"""Performance → plan, with a step model: the thinker's mind.

Two lines of events run through one model. The *trunk* is what was really played, by
both: `played` feeds it as it happens, so the state is warm when a plan is wanted. A
*branch* is a plan in the making: it starts as a copy of the trunk and is fed with its
own events. A branch that is no longer wanted costs nothing to drop.

A step both tells the model the last event and samples the next one, so a line has heard
all *before* its last event, and that event is kept beside it.

Knows music and the step interface; reads no clock, and does not know ONNX Runtime.
"""

import math
from collections import deque
from dataclasses import dataclass, field
from typing import Final, Protocol

import numpy as np

from ripieno.clock import NS_PER_S
from ripieno.music import scales
from ripieno.music.plan import (
    FOLLOW_HUMAN,
    Ask,
    Limits,
    Plan,
    PlannedNote,
    Played,
    Reset,
    ToThinker,
)
from ripieno.music.vocabulary import (
    FIELDS,
    HUMAN,
    Event,
    delta_of,
    down,
    level_of,
    pitch_of,
    seconds_of,
    up,
    velocity_of,
)
from ripieno.think.constraints import Constraints
from ripieno.think.controls import Controls, Masks
from ripieno.think.lines import Line

SECTION_S: Final = 1.5
"""A plan is handed over in sections: the first is there after some 20 steps."""
LONGEST_NOTE_S: Final = 4.0
SHORTEST_NOTE_S: Final = 0.04
"""A shorter note is a click on most instruments' samples."""
AFTER_THE_END_S: Final = 0.8
"""How long the last notes of a reply may ring beyond its length."""
SCALE_MEMORY: Final = 64
"""The human onsets that an automatic scale is heard from: the last few phrases."""
MOST_STEPS: Final = 4096
"""No section needs more: a bound on a model that strikes and lifts at one instant."""


class StepModel(Protocol):
    """What a composer asks of a model; `ripieno.think.session.Session` is one."""

    def line(self) -> Line:
        """A line of play that has heard nothing yet."""
        ...


@dataclass(slots=True)
class _Branch:
    """A plan in the making; its times are seconds from the first note."""

    ask: Ask
    constraints: Constraints
    last: Event
    wait_s: float
    noise: np.random.Generator
    now_s: float = 0.0
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


class Composer:
    """Plans with a step model. Thread: one."""

    def __init__(self, model: StepModel, controls: Controls) -> None:
        """Start with an empty history.

        Args:
            model: loaded and warm.
            controls: the model's own sampling defaults; an Ask's temperature multiplies
                those of key and velocity, its top-p bounds that of key.
        """
        self._trunk, self._bough = model.line(), model.line()
        self._defaults = controls
        self._branch: _Branch | None = None
        self.reset()

    def reset(self) -> None:
        """Forget everything played."""
        self._trunk.reset()
        self._last: Event | None = None
        self._last_ns = 0
        self._heard: deque[int] = deque(maxlen=SCALE_MEMORY)
        self._branch = None

    def played(self, event: Played) -> None:
        """Something really happened: one model step."""
        if event.is_human_onset:
            self._heard.append(event.pitch)
        since_s = (event.at_ns - self._last_ns) / NS_PER_S
        delta = delta_of(since_s) if self._last is not None else 0
        key = down(event.pitch) if event.velocity else up(event.pitch)
        level = level_of(event.velocity) if event.velocity else 0
        if self._last is not None:
            self._trunk.step(self._last, self._defaults)
        self._last = Event(event.source, delta, key, level)
        self._last_ns = event.at_ns

    def told(self, message: ToThinker) -> None:
        """The player said something; what is no business of ours is ignored."""
        if isinstance(message, Played):
            if message.is_human_onset:
                self.drop()  # whatever was asked for, the human came first
            self.played(message)
        elif isinstance(message, Ask) and message.vary is None:
            self.begin(message)
        elif isinstance(message, Reset):
            self.reset()

    def answer(self) -> Plan | None:
        """The next section, if one is wanted."""
        return self.section()

    def begin(self, ask: Ask) -> None:
        """Take up an Ask: more of the branch at hand, or a new one from the trunk."""
        if self._branch is not None and self._branch.ask.revision == ask.revision:
            self._branch.ask = ask
            self._branch.ended = False
            return
        self._bough.follow(self._trunk)
        start_ns = ask.timeline.ns_at(ask.start_ticks)
        seed = np.random.SeedSequence((ask.seed, ask.revision))
        self._branch = _Branch(
            ask=ask,
            constraints=Constraints(ask.limits, self._scale(ask)),
            last=self._last or Event(HUMAN, 0, up(60), 0),
            wait_s=max(0, start_ns - self._last_ns) / NS_PER_S if self._last else 0.0,
            noise=np.random.Generator(np.random.PCG64(seed)),
        )

    def drop(self) -> None:
        """The branch is not wanted any more."""
        self._branch = None

    def section(self) -> Plan | None:
        """The next section of the plan, or None when nothing is asked for.

        Cost: some 10 to 60 model steps.
        """
        branch = self._branch
        if branch is None or branch.ended:
            return None
        until_s = min(branch.whole_s, branch.now_s + SECTION_S)
        self._extend(branch, until_s)
        branch.ended |= branch.now_s >= branch.whole_s and not branch.is_open_before(
            branch.whole_s
        )
        return _hand_over(branch, until_s)

    def _scale(self, ask: Ask) -> frozenset[int]:
        bits = ask.limits.scale
        if bits == FOLLOW_HUMAN:
            return scales.heard(self._heard)
        return frozenset(pc for pc in range(12) if bits >> pc & 1)

    def _extend(self, branch: _Branch, until_s: float) -> None:
        """Step until all notes that start before `until_s` have their end."""
        for _ in range(MOST_STEPS):
            is_far = branch.now_s >= until_s and not branch.is_open_before(until_s)
            if branch.ended or is_far:
                return
            masks = self._masks(branch)
            if masks is None:
                branch.ended = True
                return
            self._advance(branch, masks)

    def _masks(self, branch: _Branch) -> Masks | None:
        if not branch.begun:
            return branch.constraints.first(branch.wait_s)
        end_s = branch.whole_s + AFTER_THE_END_S if branch.ask.closing else math.inf
        deadlines = {
            pitch: min(start + LONGEST_NOTE_S, end_s)
            for pitch, (start, _) in branch.sounding.items()
        }
        may_start = not branch.ask.closing or branch.now_s < branch.whole_s
        return branch.constraints.masks(branch.now_s, deadlines, may_start=may_start)

    def _advance(self, branch: _Branch, masks: Masks) -> None:
        """One event more."""
        noise = branch.noise.random(len(FIELDS) + 1).tolist()
        controls = self._controls(branch.ask.limits, masks, noise[:-1])
        event = branch.last = self._bough.step(branch.last, controls)
        pitch, is_down = pitch_of(event.key)
        at_s = branch.now_s
        if branch.begun:
            at_s += seconds_of(event.delta, noise[-1])
        if not is_down:
            branch.finish(pitch, at_s)
        elif branch.ask.closing and at_s > branch.whole_s:
            branch.end(at_s)
        else:
            at_s = self._strike(branch, event, at_s)
        branch.now_s, branch.begun = at_s, True

    def _strike(self, branch: _Branch, event: Event, at_s: float) -> float:
        """Start a note, drawn to the grid; when it starts, which the model is told."""
        if branch.begun:
            earliest_s = branch.constraints.next_onset_s(branch.now_s)
            at_s = max(earliest_s, branch.drawn_to_grid(at_s))
            moved = delta_of(at_s - branch.now_s)
            branch.last = event._replace(delta=moved)
        branch.sounding[event.key] = (at_s, velocity_of(event.velocity))
        branch.constraints.started(at_s)
        return at_s

    def _controls(self, limits: Limits, masks: Masks, noise: list[float]) -> Controls:
        """The model's defaults, warmed and bounded where that is what one hears.

        Source and delta stay as they are: cooled, they run away (measured: 26 notes a
        second at temperature 0.9 and top-p 0.95, where people play 11).
        """
        source, delta, key, velocity = self._defaults.temperature
        warmth = limits.temperature
        p_source, p_delta, p_key, p_velocity = self._defaults.top_p
        return Controls(
            masks=masks,
            temperature=(source, delta, key * warmth, velocity * warmth),
            top_p=(p_source, p_delta, min(p_key, limits.top_p), p_velocity),
            noise=noise,
        )


def _hand_over(branch: _Branch, until_s: float) -> Plan:
    """What is ready, in ticks."""
    ask = branch.ask
    ticks = ask.timeline.ticks_for
    notes = tuple(
        PlannedNote(
            ask.start_ticks + ticks(start),
            ask.start_ticks + ticks(end),
            pitch,
            velocity,
        )
        for start, end, pitch, velocity in sorted(branch.ready)
    )
    branch.ready.clear()
    section, branch.section = branch.section, branch.section + 1
    return Plan(
        revision=ask.revision,
        section=section,
        notes=notes,
        until_ticks=ask.until_ticks
        if branch.ended
        else ask.start_ticks + ticks(until_s),
        complete=branch.ended,
    )
