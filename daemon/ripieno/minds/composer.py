"""The mind of the turns: what was played → a plan, with a step model.

Two lines of events run through one model. The *played line* follows what both really
play, so its state is ready when a plan is asked for. The *plan line* starts as a copy
of it and is fed with the events of the `Draft`. A draft can be dropped at no cost.

A reply to a call begins with the head of the call (`ripieno.minds.call`): its events
are fed to the plan line as those of the draft. The model goes on from there, with
another pitch than the call. Later the call's motif returns (`ripieno.minds.quoting`).
`continue` makes phrases as long as the call; each ends as a reply does.

A section may be interrupted between two steps when there is news, and resumed later.
Each draft has its own random numbers, so the result is the same. For an Ask that is
only foreseen, one section is made.

A step feeds the last event to the model and samples the next one. So a line has heard
all *before* its last event, which is kept beside it.
"""

import math
from collections import deque
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final, Protocol

import numpy as np

from ripieno.clock import NS_PER_S
from ripieno.inference.controls import Controls, Masks
from ripieno.inference.lines import Line
from ripieno.layouts.vocabulary import (
    FIELDS,
    Event,
    delta_of,
    event_of,
    pitch_of,
    seconds_of,
    up,
    velocity_of,
)
from ripieno.minds.call import LONGEST_NOTE_S, Call, cadence
from ripieno.minds.constraints import Constraints
from ripieno.minds.draft import AFTER_THE_END_S, Draft, Moment, moments
from ripieno.minds.quoting import moved, quoted, returned
from ripieno.music import scales
from ripieno.music.sources import HUMAN, MACHINE
from ripieno.protocol import (
    Ask,
    Limits,
    Plan,
    Played,
    Reset,
    ToThinker,
)

if TYPE_CHECKING:
    from ripieno.inference.session import Loaded

MOTIF_S: Final = 0.06
"""How near to the motif that returns no other note begins."""
SCALE_MEMORY: Final = 64
"""How many human onsets an automatic scale is found from: the last few phrases."""
MOST_HEARD: Final = 4
"""How many sections of another model's plan are fed when it is taken over. Six seconds
take the GRU 15 ms; ten minutes of `continue` would take 2.3 s."""
MOST_STEPS: Final = 8192
"""The limit for one section: 40 onsets a second of 16 notes need 7040 for 5.5 s:
a section of 1.5 s and its notes of 4 s that ring on."""


class StepModel(Protocol):
    """The model of a composer; `ripieno.inference.session.Loaded` is one."""

    def line(self) -> Line:
        """Return a line that has heard nothing yet."""
        ...


class Composer:
    """Plans with a step model. Thread: one."""

    hears: Final = (Played,)

    def __init__(self, model: StepModel, controls: Controls) -> None:
        """Start with an empty history.

        Args:
            model: loaded and warm.
            controls: the model's sampling defaults. The temperature of an Ask
                multiplies those of key and velocity; its top-p limits that of key.
        """
        self._played_line, self._plan_line = model.line(), model.line()
        self._call = Call()
        self._defaults = controls
        self.reset()

    def reset(self) -> None:
        """Forget everything that was played."""
        self._played_line.reset()
        self._call.reset()
        self._last: Event | None = None
        self._last_ns = 0
        self._heard: deque[int] = deque(maxlen=SCALE_MEMORY)
        self._draft: Draft | None = None

    def played(self, event: Played) -> None:
        """Feed an event that really happened. Cost: one model step."""
        self._call.played(event)
        if event.is_human_onset:
            self._heard.append(event.pitch)
        since_s = 0.0
        if self._last is not None:
            since_s = (event.at_ns - self._last_ns) / NS_PER_S
            self._played_line.step(self._last, self._defaults)
        self._last = event_of(event.source, since_s, event.pitch, event.velocity)
        self._last_ns = event.at_ns

    def receive(self, message: ToThinker) -> None:
        """Take a message from the player; ignore it if it is for other minds."""
        if isinstance(message, Played):
            if message.is_human_onset or (message.source == HUMAN and self._foresees):
                self.drop()  # the human plays: what was asked for is not wanted
            self.played(message)
        elif isinstance(message, Ask) and message.vary is None:
            self.begin(message)
        elif isinstance(message, Reset):
            self.reset()

    @property
    def wanted(self) -> Ask | None:
        """The Ask that needs another section, or None."""
        draft = self._draft
        if draft is None or draft.ended or (self._foresees and draft.section):
            return None
        return draft.ask

    @property
    def is_open(self) -> bool:
        """Whether more of the plan may be asked for: until a closing plan ends."""
        draft = self._draft
        return draft is not None and not (
            draft.ended and draft.ask.closing and not draft.ask.foreseen
        )

    @property
    def _foresees(self) -> bool:
        return self._draft is not None and self._draft.ask.foreseen

    def idle(self) -> bool:
        """Do one step of background work; return whether there was any."""
        return self._played_line.idle()

    def begin(self, ask: Ask) -> None:
        """Start a draft for an Ask, or extend the draft of the same revision."""
        draft = self._draft
        if draft is not None and draft.ask.revision == ask.revision:
            draft.ended &= ask.until_ticks <= draft.ask.until_ticks
            draft.ask = ask
            return
        self._plan_line.follow(self._played_line)
        start_ns = ask.timeline.ns_at(ask.start_ticks)
        constraints = Constraints(ask.limits, self._scale(ask))
        seconds = ask.timeline.seconds_for
        pulse_s, whole_s = (
            seconds(ask.pulse_ticks),
            seconds(ask.until_ticks - ask.start_ticks),
        )
        phrase_s = whole_s if ask.closing else self._call.phrase_s(start_ns, pulse_s)
        head = self._call.head(phrase_s if math.isfinite(phrase_s) else whole_s)
        motif = returned(head, phrase_s, pulse_s)
        self._draft = Draft(
            ask=ask,
            constraints=constraints,
            head=quoted(head.notes, ask.limits, constraints.quotable),
            beyond=head.beyond,
            motif=motif.notes,
            return_s=motif.at_s,
            phrase_s=math.inf if ask.closing else phrase_s,
            phrase_end_s=phrase_s,
            last=self._last or Event(HUMAN, 0, up(60), 0),
            wait_s=max(0, start_ns - self._last_ns) / NS_PER_S if self._last else 0.0,
            noise=np.random.default_rng(ask.chance),
        )

    def drop(self) -> None:
        """Forget the draft."""
        self._draft = None

    def take_over(self, ask: Ask, plans: Sequence[Plan]) -> None:
        """Go on with a plan that another model began.

        Args:
            ask: what is wanted.
            plans: all sections that were handed over already. The notes of the last
                `MOST_HEARD` are fed to the model as its own.
        """
        self.begin(ask)
        draft = self._draft
        if draft is None or not plans:
            return
        draft.section, draft.ended = len(plans), plans[-1].complete
        seconds = ask.timeline.seconds_for
        notes = [note for plan in plans[-MOST_HEARD:] for note in plan.notes]
        last = max([plans[-1].until_ticks, *(note.start_ticks for note in notes)])
        for at_ticks, pitch, velocity in moments(notes, last):
            self._hear(draft, seconds(at_ticks - ask.start_ticks), pitch, velocity)
        draft.now_s = seconds(last - ask.start_ticks)
        while draft.head and draft.head[0].at_s < draft.now_s:
            draft.head.popleft()
        if not draft.head:
            draft.beyond = ()
        draft.begin_phrases()

    def answer(self, is_news: Callable[[], bool] = lambda: False) -> Plan | None:
        """Return the next section of the plan, or None when nothing is asked for.

        Args:
            is_news: is called between two steps. When it returns True, the section is
                interrupted and None returned; the next call resumes it.

        Cost: some 10 to 60 model steps.
        """
        draft = self._draft
        if draft is None or self.wanted is None:
            return None
        if draft.until_s is None:
            draft.until_s = draft.section_end()
        usual_s = draft.usual_s(self._call.usual_s())
        if not self._extend(draft, draft.until_s, is_news):
            return None
        if draft.until_s < draft.end_s < draft.now_s + usual_s:
            draft.until_s = draft.end_s  # no room for another section with a note
            if not self._extend(draft, draft.until_s, is_news):
                return None
        draft.ended |= draft.is_done_to(draft.whole_s)
        if draft.is_closed_by(draft.until_s):
            ringing_s = AFTER_THE_END_S if draft.ask.closing else 0.0
            draft.ready = cadence(
                sorted(draft.ready),
                self._call.keys.rests(),
                draft.constraints.pitches,
                draft.usual_s(self._call.usual_s()),
                draft.end_s + ringing_s,
            )
            draft.begin_phrases()
        return draft.hand_over()

    def _scale(self, ask: Ask) -> frozenset[int]:
        bits = ask.limits.scale
        if bits is None:
            return scales.heard(self._heard)
        return frozenset(pc for pc in range(12) if bits >> pc & 1)

    def _extend(
        self, draft: Draft, until_s: float, is_news: Callable[[], bool]
    ) -> bool:
        """Step until all notes that start before `until_s` have ended.

        Returns:
            Whether they have. False after an interruption; at least one step is made,
            so that a stream of news cannot stop it for ever.

        A model that strikes the same key again and again makes no progress: after
        `MOST_STEPS` in one call the plan ends.
        """
        for _ in range(MOST_STEPS):
            if draft.is_done_to(until_s):
                return True
            if draft.head:
                self._quote(draft)
            elif draft.now_s >= draft.return_s - MOTIF_S:
                self._return(draft)
            else:
                masks = self._masks(draft)
                if masks is None:
                    draft.ended = True
                    return True
                self._advance(draft, masks)
            if is_news():
                return draft.is_done_to(until_s)
        draft.end(draft.now_s)
        return True

    def _masks(self, draft: Draft) -> Masks | None:
        if not draft.begun:
            return draft.constraints.first(draft.wait_s)
        masks = self._ruled(draft)
        if masks is not None and draft.beyond:
            others = masks[2].copy()
            others[list(draft.beyond)] = False
            if others.any():
                return masks[0], masks[1], others, masks[3]
        return masks

    def _ruled(self, draft: Draft) -> Masks | None:
        end_s = draft.phrase_end_s
        if draft.ask.closing:
            end_s = draft.whole_s + AFTER_THE_END_S
        deadlines = {
            pitch: min(start + LONGEST_NOTE_S, end_s)
            for pitch, (start, _) in draft.sounding.items()
        }
        may_start = not draft.ask.closing or draft.now_s < draft.whole_s
        return draft.constraints.masks(draft.now_s, deadlines, may_start=may_start)

    def _advance(self, draft: Draft, masks: Masks) -> None:
        """Add one event to the draft."""
        noise = draft.noise.random(len(FIELDS) + 1).tolist()
        controls = self._controls(draft.ask.limits, masks, noise[:-1])
        event = self._plan_line.step(draft.last, controls)
        pitch, is_down = pitch_of(event.key)
        at_s = draft.now_s
        if draft.begun:
            at_s += seconds_of(event.delta, noise[-1])
        if at_s > draft.return_s - MOTIF_S:
            draft.is_fed = True  # the motif comes before that event
            self._return(draft)
            return
        draft.last = event
        if not is_down:
            draft.finish(pitch, at_s)
        elif draft.ask.closing and at_s > draft.whole_s:
            draft.end(at_s)
        else:
            at_s = self._strike(draft, event, at_s)
        draft.now_s, draft.begun = at_s, True

    def _quote(self, draft: Draft) -> None:
        """Add the next event of the call's head, if the limits allow it."""
        at_s, is_down, pitch, velocity = draft.head.popleft()
        at_s = max(at_s, draft.now_s)
        if is_down:
            at_s = draft.drawn_to_grid(at_s)
            is_crowded = len(draft.sounding) >= draft.ask.limits.polyphony
            is_dense = draft.constraints.next_onset_s(draft.now_s) > at_s
            if is_crowded or is_dense or pitch in draft.sounding:
                return
        elif pitch not in draft.sounding:
            return
        self._hear(draft, at_s, pitch, velocity)
        if is_down:
            draft.sounding[pitch] = at_s, velocity
        else:
            draft.finish(pitch, at_s)

    def _return(self, draft: Draft) -> None:
        """Quote the motif once more; what sounds ends before it."""
        at_s, allowed = max(draft.return_s, draft.now_s), draft.constraints.quotable
        draft.return_s += draft.phrase_s
        last, tones = pitch_of(draft.last.key)[0], self._call.keys.tones()
        notes = moved(draft.motif, last, tones, allowed)
        ends = [Moment(at_s, 0, pitch, 0) for pitch in sorted(draft.sounding)]
        draft.head = deque([*ends, *quoted(notes, draft.ask.limits, allowed, at_s)])

    def _hear(self, draft: Draft, at_s: float, pitch: int, velocity: int) -> None:
        """Feed an event that the model has not chosen."""
        if not draft.is_fed:
            self._plan_line.step(draft.last, self._defaults)
        draft.is_fed = False
        since_s = at_s - draft.now_s if draft.begun else draft.wait_s
        draft.last = event_of(MACHINE, since_s, pitch, velocity)
        draft.now_s, draft.begun = at_s, True
        if velocity:
            draft.constraints.started(at_s)

    def _strike(self, draft: Draft, event: Event, at_s: float) -> float:
        """Start a note near the grid; return its time, which is fed to the model."""
        if draft.begun:
            earliest_s = draft.constraints.next_onset_s(draft.now_s)
            at_s = max(earliest_s, draft.drawn_to_grid(at_s))
            draft.last = event._replace(delta=delta_of(at_s - draft.now_s))
        draft.sounding[event.key] = (at_s, velocity_of(event.velocity))
        draft.beyond = ()
        draft.constraints.started(at_s)
        return at_s

    def _controls(self, limits: Limits, masks: Masks, noise: list[float]) -> Controls:
        """Return the model's defaults with the temperature and top-p of the limits.

        They change key and velocity only. Source and delta keep the defaults: at
        temperature 0.9 and top-p 0.95 the model played 26 notes a second, people 11.
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


def from_model(loaded: "Loaded") -> Composer:
    """Return a mind that plays by a loaded model."""
    sampling = loaded.manifest.sampling
    controls = Controls(temperature=sampling.temperature, top_p=sampling.top_p)
    return Composer(loaded, controls)
