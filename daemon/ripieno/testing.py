"""Fakes for tests, ours and yours; they are part of the package and typed.

`ScriptedModel` is a step model that plays a given tune, `ScriptedDuet` an accompanist
that plays given notes; `simulate` plays a whole performance in simulated time.
`ripieno.ports.memory.MemoryPort` is the port that goes with them.
"""

import copy
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import Final, Self

import numpy as np

from ripieno.engine import Engine
from ripieno.inference.controls import Controls
from ripieno.layouts.vocabulary import N_DOWN, Event, delta_of
from ripieno.minds.composer import Composer
from ripieno.minds.minds import Mind, Minds
from ripieno.music import chords
from ripieno.music.chords import NO_CHORD
from ripieno.music.spans import Note
from ripieno.protocol import (
    FORBIDDEN,
    Beat,
    Comp,
    Decide,
    Ready,
    Reset,
    ToPlayer,
    ToThinker,
)
from ripieno.settings.beginning import Beginning
from ripieno.settings.params import Params
from ripieno.simulation import Simulation

READY = Ready(model="scripted", sha256="", provider="script", why="it is written down")


class ScriptedModel:
    """A step model that plays given pitches in even notes, whatever it hears.

    It respects the masks: a pitch that is not allowed is replaced by the nearest one
    that is. If a key may come up, it comes up.
    """

    def __init__(
        self, pitches: Sequence[int] = (60, 62, 64, 65, 67), note_s: float = 0.2
    ) -> None:
        """Play `pitches` over and over, each `note_s` long."""
        self._pitches, self._delta = tuple(pitches), delta_of(note_s)
        self._place = 0

    def line(self) -> Self:
        """Return a line at the same place; see `ripieno.minds.composer.StepModel`."""
        return copy.copy(self)

    def reset(self) -> None:
        """Start from the first pitch."""
        self._place = 0

    def follow(self, other: Self) -> None:
        """Go to where another line is."""
        self._place = other._place

    def idle(self) -> bool:
        """Return False: there is no background work."""
        return False

    def step(self, event: Event, controls: Controls) -> Event:
        """Return the next event of the tune that the masks allow."""
        del event
        _, deltas, keys, _ = controls.masks
        allowed = np.flatnonzero(keys)
        ups = allowed[allowed >= N_DOWN]
        delta = _nearest(np.flatnonzero(deltas), self._delta)
        if len(ups):
            return Event(1, delta, int(ups[0]), 0)
        pitch = self._pitches[self._place % len(self._pitches)]
        self._place += 1
        return Event(
            1, _nearest(np.flatnonzero(deltas), 0), _nearest(allowed, pitch), 20
        )


STRUCK: Final = 8.0
"""By how many nats a chord is likelier that was struck on the beat; see `plainest`."""


def plainest(ask: Decide) -> int:
    """Return the major chord on the note on the beat, or else the chord that sounds.

    The player's weights are added; none is returned if all chords are ruled out.
    """
    scores = np.array(ask.chords)
    if ask.beat is not None and ask.beat.struck[0]:
        root = ask.beat.struck[0][-1] % 12
        scores[chords.chord(root)] += ask.trust * STRUCK
    elif ask.before != NO_CHORD:
        scores[ask.before] += ask.trust * STRUCK
    best = int(scores.argmax())
    return best if ask.chords[best] > FORBIDDEN else NO_CHORD


class ScriptedDuet:
    """An accompanist that plays the same notes in every span.

    It answers in two sections, as the real one does: the first frame, then the rest. If
    its chord is ruled out, it takes the player's. Its notes ignore register and scale.

    Attributes:
        asked: every `Decide` that it received, in order.
        beats: every `Beat` that it received, in order.
        resets: how many `Reset` it received.
    """

    ready = Ready("scripted", "", "script", "it is written down", ("accompany",))

    def __init__(
        self,
        chord: Callable[[Decide], int] = plainest,
        notes: Sequence[Note] = (Note(0, 36, 4), Note(2, 64, 2)),
    ) -> None:
        """Choose by `chord`; play `notes` to it."""
        self._chord, self._notes = chord, tuple(notes)
        self._waiting: deque[Comp] = deque()
        self.asked: list[Decide] = []
        self.beats: list[Beat] = []
        self.resets = 0

    def receive(self, message: ToThinker) -> None:
        """Take a message from the player."""
        if isinstance(message, Decide):
            self.asked.append(message)
            self._waiting = deque(self._sections(message))
        elif isinstance(message, Beat):
            self.beats.append(message)
        elif isinstance(message, Reset):
            self.resets += 1

    def answer(self) -> ToPlayer | None:
        """Return the next section, if one is wanted."""
        return self._waiting.popleft() if self._waiting else None

    def _sections(self, ask: Decide) -> list[Comp]:
        chord, notes = self._chord(ask), self._notes
        if chord == NO_CHORD or ask.chords[chord] <= FORBIDDEN:
            chord = plainest(ask)
        if chord == NO_CHORD:
            return [Comp(ask.revision, 0, chord, 1.0, (), ask.frames, complete=True)]
        first = tuple(note for note in notes if note.frame == 0)
        rest = tuple(note for note in notes if 0 < note.frame < ask.frames)
        return [
            Comp(ask.revision, 0, chord, 1.0, first, 1, complete=False),
            Comp(ask.revision, 1, chord, 1.0, rest, ask.frames, complete=True),
        ]


def simulate(
    inputs: Iterable[tuple[int, bytes]],
    params: Params | None = None,
    *,
    mind: Mind | Minds | None = None,
    ready: Ready = READY,
    latency_ns: Callable[[], int] = lambda: 0,
    tail_s: float = 10.0,
) -> Simulation:
    """Play messages to an engine with a mind until some time after the last.

    Args:
        inputs: (time in ns, message), in order.
        params: how to play; the defaults if None.
        mind: what plans; a composer with a `ScriptedModel` if None.
        ready: how the mind introduces itself.
        latency_ns: how long each of its sections takes.
        tail_s: how long to go on after the last input.

    Returns:
        The simulation, stopped: `sent` holds (sent at, Send) in order.
    """
    mind = mind or Composer(ScriptedModel(), Controls())
    engine = Engine(Beginning(params or Params(), seed=1))
    simulation = Simulation(engine, mind, ready=ready, latency_ns=latency_ns)
    simulation.play(inputs)
    simulation.run_until(simulation.now_ns + int(tail_s * 1e9))
    simulation.stop()
    return simulation


def _nearest(choices: "np.ndarray[tuple[int], np.dtype[np.intp]]", wanted: int) -> int:
    return int(choices[np.argmin(np.abs(choices - wanted))])
