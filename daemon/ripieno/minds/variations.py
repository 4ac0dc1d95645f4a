"""The mind of the role *vary*: what was just played → a variation of it.

The top voice of the phrase goes on a grid of sixteenths and is cut into two-bar
segments; each is encoded. All segments then move the same way in the latent space:
towards a random phrase (`distance`), along the great circle to the phrase before
(`blend`), and along the directions of the attributes (`fill`, `rise`, `offbeat`). Each
segment is decoded with the end of the one before.

Near the phrase its own notes are made likelier, so that at distance 0 with all knobs
at rest it comes back as it lies on the grid. Halfway its rhythm and the first bar of
each segment are held, so that its motif is still heard. Scale and register are masks;
the phrase's own pitches belong to its scale unless the musician fixed one.
"""

import math
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from ripieno.inference.controls import Floats
from ripieno.layouts import phrase, phrase_grid
from ripieno.layouts.phrase import HOLD, REST, STEPS, GridNote, Ints
from ripieno.layouts.phrase_grid import Beat
from ripieno.minds import moves
from ripieno.minds.writer import FORBIDDEN, Wish, Writer
from ripieno.music import scales
from ripieno.music.sources import HUMAN
from ripieno.protocol import (
    Ask,
    Limits,
    Plan,
    PlannedNote,
    Played,
    Reset,
    ToThinker,
    Variation,
)

if TYPE_CHECKING:
    from ripieno.inference.session import Loaded

MEMORY: Final = 512
"""How many notes are kept: some minutes of a melody."""
KEY_MEMORY: Final = 64
"""How many onsets a key is found from: the last few phrases, as in training."""
MOST_SEGMENTS: Final = 12
"""24 bars: longer than the longest reply (24 s) at any pulse."""
CHORD_S: Final = 0.05
"""Onsets nearer than this are one chord, as in `ripieno.hear.phrase`."""
TEMPERATURE: Final = 0.6
TOP_P: Final = 0.95


@dataclass(slots=True)
class _Heard:
    """A note of the human's; `end_ns` is 0 while it is held."""

    at_ns: int
    end_ns: int
    pitch: int
    velocity: int


@dataclass(frozen=True, slots=True)
class _Phrase:
    """A phrase on its grid, and the tokens of its segments, counted from home."""

    beat: Beat
    home: int
    line: list[GridNote]
    segments: list[Ints]


class Variations:
    """Varies phrases. Thread: one."""

    hears: Final = (Played,)

    def __init__(self, writer: Writer) -> None:
        self._writer = writer
        self.reset()

    def reset(self) -> None:
        """Forget everything that was played."""
        self._notes: deque[_Heard] = deque(maxlen=MEMORY)
        self._sinces: deque[int] = deque(maxlen=2)
        self._asked: Ask | None = None
        self._answered = 0  # the revision of the last Ask that was answered

    def receive(self, message: ToThinker) -> None:
        """Take a message from the player; ignore it if it is for other minds."""
        if isinstance(message, Played):
            self._played(message)
        elif isinstance(message, Ask) and message.vary is not None:
            self._take_up(message, message.vary)
        elif isinstance(message, Reset):
            self.reset()

    def answer(self) -> Plan | None:
        """Return the whole variation that was asked for, if it is still wanted."""
        ask, self._asked = self._asked, None
        if ask is None or ask.vary is None:
            return None
        self._answered = ask.revision
        notes = self._varied(ask, ask.vary)
        return Plan(ask.revision, 0, tuple(notes), ask.until_ticks, complete=True)

    def _take_up(self, ask: Ask, how: Variation) -> None:
        """Keep an Ask, unless it was answered already when it was foreseen."""
        if ask.revision != self._answered:
            self._asked = ask
        if not ask.foreseen and how.since_ns not in self._sinces:
            self._sinces.append(how.since_ns)

    def _played(self, event: Played) -> None:
        if event.is_human_onset:
            self._asked = None  # the human plays: what was asked is not wanted
            self._notes.append(_Heard(event.at_ns, 0, event.pitch, event.velocity))
        elif event.source == HUMAN and event.velocity == 0:
            for note in reversed(self._notes):
                if note.pitch == event.pitch and not note.end_ns:
                    note.end_ns = event.at_ns
                    return

    def _varied(self, ask: Ask, how: Variation) -> list[PlannedNote]:
        """Return the notes of a plan. Cost: some 30 small runs a segment."""
        own = self._phrase(ask, how.since_ns)
        if own is None:
            return []
        seed, reply = ask.chance
        chance = np.random.default_rng([seed % 2**32, reply])
        wishes = self._wishes(ask, how, own, chance)
        meter, length = own.beat.meter, phrase.segment_steps(own.beat.meter)
        before, made = (REST, REST), list[GridNote]()
        for number, wish in enumerate(wishes):
            tokens = self._writer.write(wish, before, chance.random(STEPS).tolist())
            made = phrase.continued(made, tokens, number * length, meter, own.home)
            before = phrase.ending(tokens, meter, before)
        return moves.planned(ask, own.beat.step_ticks, own.line, made)

    def _wishes(
        self, ask: Ask, how: Variation, own: _Phrase, chance: np.random.Generator
    ) -> list[Wish]:
        """Return what each segment is to become; all move towards the same point."""
        limits = ask.limits
        near = moves.register(own.line, how.rise)
        mask = moves.mask(limits, self._scale(limits, own), near, own.home)
        toward = chance.standard_normal(self._writer.latent_size, np.float32)
        latents = self._latents(ask, how, own)
        wishes = [
            Wish(
                latent=latent,
                toward=toward,
                distance=moves.away(how.distance),
                turns=moves.turned(how),
                meter=own.beat.meter,
                bias=moves.anchored(segment, mask, how),
                temperature=TEMPERATURE * limits.temperature,
                top_p=min(TOP_P, limits.top_p),
            )
            for latent, segment in zip(latents, own.segments, strict=True)
        ]
        wishes[0].bias[0, [REST, HOLD]] = FORBIDDEN  # it begins on the beat
        return wishes

    def _latents(self, ask: Ask, how: Variation, own: _Phrase) -> list[Floats]:
        """Return the latent of each segment, blended with the phrase before."""
        found = [self._writer.read(each, own.beat.meter) for each in own.segments]
        earlier = [since for since in self._sinces if since < how.since_ns]
        if not how.blend or not earlier:
            return found
        other = self._phrase(ask, earlier[-1], how.since_ns, like=own)
        if other is None:
            return found
        there = [self._writer.read(each, own.beat.meter) for each in other.segments]
        return [
            moves.between(here, there[number % len(there)], how.blend)
            for number, here in enumerate(found)
        ]

    def _phrase(
        self,
        ask: Ask,
        since_ns: int,
        before_ns: float = math.inf,
        like: _Phrase | None = None,
    ) -> _Phrase | None:
        """Return what was played in a span of time, on its grid; None for nothing.

        Args:
            ask: it gives the timeline and the beat.
            since_ns: where the span begins.
            before_ns: where it ends.
            like: a phrase whose beat and key are used instead of this one's.
        """
        heard = [note for note in self._notes if since_ns <= note.at_ns < before_ns]
        if not heard:
            return None
        voice = _top_voice(ask, heard)
        onsets = [note[0] for note in voice]
        felt = phrase_grid.felt(onsets, ask.pulse_ticks, ask.grid_ticks)
        beat = felt if like is None else like.beat
        line = phrase.top_line(phrase_grid.placed(voice, beat))
        near = float(np.mean([note.pitch for note in line]))
        home = phrase.home_of(self._lately(), near) if like is None else like.home
        length = phrase.segment_steps(beat.meter)
        count = min(-(-line[-1].end // length), MOST_SEGMENTS)
        segments = [
            phrase.segment(line, number * length, beat.meter, home)
            for number in range(count)
        ]
        return _Phrase(beat, home, line, segments)

    def _lately(self) -> list[int]:
        return [note.pitch for note in list(self._notes)[-KEY_MEMORY:]]

    def _scale(self, limits: Limits, own: _Phrase) -> frozenset[int]:
        if limits.scale is None:
            return scales.heard(self._lately()) | {n.pitch % 12 for n in own.line}
        return frozenset(pc for pc in range(12) if limits.scale >> pc & 1)


def _top_voice(ask: Ask, heard: Sequence[_Heard]) -> list[tuple[int, int, int, int]]:
    """Return onset, end, pitch and velocity of the highest note of each chord."""
    ticks = ask.timeline.ticks_at
    nearest = ask.timeline.ticks_for(CHORD_S)
    voice: list[tuple[int, int, int, int]] = []
    for note in heard:
        start = ticks(note.at_ns)
        end = ticks(note.end_ns) if note.end_ns else start + ask.pulse_ticks
        if not voice or start - voice[-1][0] >= nearest:
            voice.append((start, end, note.pitch, note.velocity))
        elif note.pitch > voice[-1][2]:
            voice[-1] = (voice[-1][0], end, note.pitch, note.velocity)
    return voice


def from_model(loaded: "Loaded") -> Variations:
    """Return a mind that plays by a loaded model."""
    return Variations(Writer(loaded.graphs))
