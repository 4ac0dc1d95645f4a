"""Performance → plan, with a step model: the thinker's mind.

Two lines of events run through one model. The *trunk* is what was really played, by
both: `played` feeds it as it happens, so the state is warm when a plan is wanted. A
*branch* is a plan in the making: it starts as a copy of the trunk and is fed with its
own events. A branch that is no longer wanted costs nothing to drop.

A section may be left between two steps, when there is news, and is gone on with later
if the news has not made it void: its chance is its own, so it comes out the same. Of
a plan that is only foreseen there is a first section and no more.

A step both tells the model the last event and samples the next one, so a line has heard
all *before* its last event, and that event is kept beside it.

Knows music and the step interface; reads no clock, and does not know ONNX Runtime.
"""

import math
from collections import deque
from collections.abc import Callable, Sequence
from typing import Final, Protocol

import numpy as np

from ripieno.clock import NS_PER_S
from ripieno.music import scales
from ripieno.music.plan import (
    FOLLOW_HUMAN,
    Ask,
    Limits,
    Plan,
    Played,
    Reset,
    ToThinker,
)
from ripieno.music.vocabulary import (
    FIELDS,
    HUMAN,
    MACHINE,
    Event,
    delta_of,
    down,
    level_of,
    pitch_of,
    seconds_of,
    up,
    velocity_of,
)
from ripieno.think.branch import AFTER_THE_END_S, Branch, moments
from ripieno.think.constraints import Constraints
from ripieno.think.controls import Controls, Masks
from ripieno.think.lines import Line

SECTION_S: Final = 1.5
"""A plan is handed over in sections: the first is there after some 20 steps."""
LONGEST_NOTE_S: Final = 4.0
SCALE_MEMORY: Final = 64
"""The human onsets that an automatic scale is heard from: the last few phrases."""
MOST_HEARD: Final = 4
"""Sections of another's plan that are heard as one's own: 6 s take the GRU 15 ms, ten
minutes of `continue` 2.3 s, and the next section is due."""
MOST_STEPS: Final = 8192
"""No section needs more: 40 onsets a second of 16 notes take 7040 for 5.5 s, which is a
section of 1.5 s and the notes of 4 s that ring beyond it."""


class StepModel(Protocol):
    """What a composer asks of a model; `ripieno.think.session.Session` is one."""

    def line(self) -> Line:
        """A line of play that has heard nothing yet."""
        ...


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
        self._branch: Branch | None = None
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
            if message.is_human_onset or (message.source == HUMAN and self._foresees):
                self.drop()  # whatever was asked for, the human came first
            self.played(message)
        elif isinstance(message, Ask) and message.vary is None:
            self.begin(message)
        elif isinstance(message, Reset):
            self.reset()

    def answer(self) -> Plan | None:
        """The next section, if one is wanted."""
        return self.section()

    @property
    def wanted(self) -> Ask | None:
        """The Ask of which there is a section still to make."""
        branch = self._branch
        if branch is None or branch.ended or (self._foresees and branch.section):
            return None
        return branch.ask

    @property
    def is_open(self) -> bool:
        """Whether more of a plan may be wanted; so it is until a closing one ends."""
        branch = self._branch
        if branch is None:
            return False
        return not (branch.ended and branch.ask.closing and not branch.ask.foreseen)

    @property
    def _foresees(self) -> bool:
        return self._branch is not None and self._branch.ask.foreseen

    def idle(self) -> bool:
        """A step's worth of what would have to be done later; whether there was any."""
        return self._trunk.idle()

    def begin(self, ask: Ask) -> None:
        """Take up an Ask: more of the branch at hand, or a new one from the trunk."""
        branch = self._branch
        if branch is not None and branch.ask.revision == ask.revision:
            branch.ended &= ask.until_ticks <= branch.ask.until_ticks
            branch.ask = ask
            return
        self._bough.follow(self._trunk)
        start_ns = ask.timeline.ns_at(ask.start_ticks)
        seed = np.random.SeedSequence(ask.chance)
        self._branch = Branch(
            ask=ask,
            constraints=Constraints(ask.limits, self._scale(ask)),
            last=self._last or Event(HUMAN, 0, up(60), 0),
            wait_s=max(0, start_ns - self._last_ns) / NS_PER_S if self._last else 0.0,
            noise=np.random.Generator(np.random.PCG64(seed)),
        )

    def drop(self) -> None:
        """The branch is not wanted any more."""
        self._branch = None

    def take_over(self, ask: Ask, plans: Sequence[Plan]) -> None:
        """Go on with a plan that another model began: hear its notes as one's own.

        Args:
            ask: what is wanted; the branch begins where it was first told.
            plans: the sections that were handed over already, all of them; the last
                `MOST_HEARD` are heard.
        """
        self.begin(ask)
        branch = self._branch
        if branch is None or not plans:
            return
        branch.section, branch.ended = len(plans), plans[-1].complete
        seconds = ask.timeline.seconds_for
        notes = [note for plan in plans[-MOST_HEARD:] for note in plan.notes]
        last = max([plans[-1].until_ticks, *(note.start_ticks for note in notes)])
        for at_ticks, pitch, velocity in moments(notes, last):
            self._hear(branch, seconds(at_ticks - ask.start_ticks), pitch, velocity)
        branch.now_s = seconds(last - ask.start_ticks)

    def section(self, is_news: Callable[[], bool] = lambda: False) -> Plan | None:
        """The next section of the plan, or None when nothing is asked for.

        Args:
            is_news: is asked between two steps; where it is so, the section is left
                where it is, None returned, and the next call goes on.

        Cost: some 10 to 60 model steps.
        """
        branch = self._branch
        if branch is None or self.wanted is None:
            return None
        if branch.until_s is None:
            branch.until_s = min(branch.whole_s, branch.now_s + SECTION_S)
        if not self._extend(branch, branch.until_s, is_news):
            return None
        branch.ended |= branch.is_done_to(branch.whole_s)
        return branch.hand_over()

    def _scale(self, ask: Ask) -> frozenset[int]:
        bits = ask.limits.scale
        if bits == FOLLOW_HUMAN:
            return scales.heard(self._heard)
        return frozenset(pc for pc in range(12) if bits >> pc & 1)

    def _extend(
        self, branch: Branch, until_s: float, is_news: Callable[[], bool]
    ) -> bool:
        """Step until all notes that start before `until_s` have their end; if they do.

        At least one step is made, so that a stream of news stops nothing for ever. A
        model that strikes the same key again and again makes no progress: after
        `MOST_STEPS` in one call the plan ends.
        """
        for _ in range(MOST_STEPS):
            if branch.is_done_to(until_s):
                return True
            masks = self._masks(branch)
            if masks is None:
                branch.ended = True
                return True
            self._advance(branch, masks)
            if is_news():
                return branch.is_done_to(until_s)
        branch.end(branch.now_s)
        return True

    def _masks(self, branch: Branch) -> Masks | None:
        if not branch.begun:
            return branch.constraints.first(branch.wait_s)
        end_s = branch.whole_s + AFTER_THE_END_S if branch.ask.closing else math.inf
        deadlines = {
            pitch: min(start + LONGEST_NOTE_S, end_s)
            for pitch, (start, _) in branch.sounding.items()
        }
        may_start = not branch.ask.closing or branch.now_s < branch.whole_s
        return branch.constraints.masks(branch.now_s, deadlines, may_start=may_start)

    def _advance(self, branch: Branch, masks: Masks) -> None:
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

    def _hear(self, branch: Branch, at_s: float, pitch: int, velocity: int) -> None:
        """An event of a plan that another model has made."""
        self._bough.step(branch.last, self._defaults)
        since_s = at_s - branch.now_s if branch.begun else branch.wait_s
        key = down(pitch) if velocity else up(pitch)
        level = level_of(velocity) if velocity else 0
        branch.last = Event(MACHINE, delta_of(since_s), key, level)
        branch.now_s, branch.begun = at_s, True
        if velocity:
            branch.constraints.started(at_s)

    def _strike(self, branch: Branch, event: Event, at_s: float) -> float:
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
