"""The mind of the role *harmonize*: a melody note → the voices below it, at once.

One run of one graph answers one key. The graph gets the note, the chord that really
sounded before it and how long ago, and keeps a memory of its own. It samples bass,
tenor and alto in that order; each knows those before it. It counts in distances below
the melody, so every key is the same to it, and no voice crosses another.

Choral ranges, limits and scale are a bias on every pitch. Where the musician gives no
scale, so are all the keys that the melody may be in: after the first notes a voice
sings what most of them share. Where the human plays lower or higher than a soprano,
everything is computed some octaves away.
"""

import functools
import math
import random
from typing import TYPE_CHECKING, Final

import msgspec
import numpy as np

from ripieno.clock import NS_PER_S
from ripieno.inference.controls import Bools, Floats
from ripieno.inference.graph import Graph
from ripieno.inference.outputs import check_choice
from ripieno.layouts.voices import DEPTHS, LONGEST_GAP_S, NOBODY, STYLES, VOICES
from ripieno.minds.writer import FORBIDDEN
from ripieno.music.sources import HUMAN
from ripieno.protocol import (
    Limits,
    Played,
    Reset,
    Sing,
    ToThinker,
    Voices,
)
from ripieno.rules.keys import Keys

if TYPE_CHECKING:
    from ripieno.inference.session import Loaded

RANGES: Final = ((40, 64), (48, 69), (53, 74))
"""The lowest and highest pitch of bass, tenor and alto. Source: choral practice."""
SOPRANO: Final = (60, 81)
STRAY: Final = 4
"""Semitones by which the melody may leave the soprano's range before everything moves
by an octave. Without it a tune around middle C would jump all the time."""
CALM_S: Final = 0.4
"""A quaver at 75 beats a minute: chorales seldom change harmony faster."""
UNLIKELY: Final = 0.02
"""Added to the probability that a pitch belongs to the key, as chords may be chromatic:
the least is −3.9 nats. Of people's alto, tenor and bass, 3 to 7 % are chromatic."""
_PITCHES: Final = np.ones(128, np.bool_)
"""All pitches are allowed."""


class Manner(msgspec.Struct, frozen=True):
    """How voices are chosen; three numbers are one for each of `VOICES`.

    The defaults were chosen on held-out chorales. At temperature 1 89 % of the answers
    are chords, as in the chorales, but the dissonances are in other places; at these
    temperatures 96 % are chords, and a third of all voices are the written ones.
    Strictness 4 leaves 0.4 parallels in 100 moves, strictness 0 leaves 14; chorales
    have 4. Inertia costs chords (0.15 costs 2 %) and is off; hurry does not.

    Attributes:
        temperature: divides the logits.
        top_p: keeps the smallest set of likeliest pitches that holds this share.
        strictness: what a parallel fifth or octave costs, in nats.
        inertia: what staying on its pitch earns a voice, in nats.
        hurry: what staying earns more, for every halving of the gap below `CALM_S`:
            under a fast tune chords change less often than the notes.
        style: one of `STYLES`.
        diatonic: the weight of the log probability that a pitch belongs to the key.
    """

    temperature: tuple[float, float, float] = (0.6, 0.4, 0.4)
    top_p: tuple[float, float, float] = (0.9, 0.85, 0.85)
    strictness: float = 4.0
    inertia: float = 0.0
    hurry: float = 0.5
    style: str = "chorale"
    diatonic: float = 1.0


class Harmonizer:
    """Voices for a melody, one note at a time. Thread: one.

    Attributes:
        chord: the last answer: bass, tenor and alto, with unisons.
    """

    hears: Final = (Played,)

    def __init__(
        self, graph: Graph, manner: Manner | None = None, *, seed: int = 0
    ) -> None:
        """Start with an empty history.

        Args:
            graph: loaded and warm.
            manner: the model's own defaults, if None.
            seed: of the random numbers; the same note at the same instant gets the
                same voices.
        """
        self._graph, self._seed = graph, seed
        self._keys = Keys()
        self._manner = manner or Manner()
        self.reset()

    def reset(self) -> None:
        """Forget everything that was played."""
        self._graph.reset()
        self._keys.reset()
        self._asked: Sing | None = None
        self._melody, self._at_ns, self._octaves = NOBODY, 0, 0
        self.chord: tuple[int, ...] = (NOBODY,) * len(VOICES)
        self._sounding: set[int] = set()
        self._sounded: set[int] = set()

    def played(self, event: Played) -> None:
        """Keep what the machine really sent; what the human plays is ignored.

        All that sounded between two answers counts, held notes too. A voice that was
        not sent is not part of the chord before the next one.
        """
        if event.source == HUMAN or event.pitch > 127:
            return
        if event.velocity:
            self._sounding.add(event.pitch)
            self._sounded.add(event.pitch)
        else:
            self._sounding.discard(event.pitch)

    def receive(self, message: ToThinker) -> None:
        """Take a message from the player; ignore it if it is for other minds."""
        if isinstance(message, Played):
            self.played(message)
        elif isinstance(message, Sing):
            self._asked = message
        elif isinstance(message, Reset):
            self.reset()

    def answer(self) -> Voices | None:
        """Return the voices of the last key that was asked for."""
        sing, self._asked = self._asked, None
        if sing is None:
            return None
        found = self.voices(sing.pitch, sing.at_ns, sing.limits, sing.voices)
        return Voices(sing.revision, found)

    def voices(
        self, melody: int, at_ns: int, limits: Limits | None = None, wanted: int = 3
    ) -> tuple[int, ...]:
        """Return the voices for a melody note that are to be sent.

        Args:
            melody: its pitch.
            at_ns: when it was struck.
            limits: register, scale and temperature. For an automatic scale, pitches of
                the keys that the melody may be in are likelier. If they leave a voice
                no pitch, its range is given up first, then the scale; then it sings in
                unison.
            wanted: how many at most: first the bass, then the alto, then the tenor. All
                are computed; a voice that is not wanted counts as sent.

        Returns:
            Distinct pitches below the melody, rising; fewer than wanted if voices sing
            in unison.

        Cost: one run of the graph and some 100 µs.
        """
        limits = limits or Limits()
        shift = 12 * self._find_octaves(melody)
        self._keys.hear(melody)
        self._feed(melody, at_ns, limits, shift)
        self._graph.run()
        bass, tenor, alto = (self._graph.out["voices"][0] + shift).tolist()
        for name, pitch in zip(VOICES, (bass, tenor, alto), strict=True):
            check_choice(name, pitch, _PITCHES)
        self._melody, self._at_ns = melody, at_ns
        self.chord = (bass, tenor, alto)
        order = (bass, alto, tenor)
        self._sounded = self._sounding | set(order[wanted:])
        return tuple(sorted(set(order[:wanted]) - {melody}))

    def _find_octaves(self, melody: int) -> int:
        """Return how many octaves above a soprano the human plays; it changes late."""
        low, high = SOPRANO
        place = melody - 12 * self._octaves
        if not low - STRAY <= place <= high + STRAY or self._melody == NOBODY:
            self._octaves = min(melody - low, 0) // 12 - min(high - melody, 0) // 12
        return self._octaves

    def _feed(self, melody: int, at_ns: int, limits: Limits, shift: int) -> None:
        put, manner = self._graph.put, self._manner
        # A unison with the melody is not sent twice: it counts as sent.
        sent = self._sounded | {self._melody}
        before = (self._melody, *(p if p in sent else NOBODY for p in self.chord))
        put["melody"][0] = melody - shift
        put["before"][0] = [p if p == NOBODY else p - shift for p in before]
        is_first = self._melody == NOBODY
        gap_s = LONGEST_GAP_S if is_first else (at_ns - self._at_ns) / NS_PER_S
        put["gap_s"][0] = min(gap_s, LONGEST_GAP_S)
        put["style"][0] = STYLES.index(manner.style)
        put["bias"][0] = self._bias(limits, melody - shift, shift)
        self._hold_back()
        put["strictness"][0] = manner.strictness
        put["temperature"][0] = [t * limits.temperature for t in manner.temperature]
        put["top_p"][0] = manner.top_p
        chance = random.Random(f"{self._seed}/{at_ns}/{melody}")
        put["noise"][0] = [chance.random() for _ in VOICES]

    def _bias(self, limits: Limits, place: int, shift: int) -> Floats:
        """Return which pitches each voice may sing, shape (3, 128).

        `place` is the melody's pitch, `shift` below what sounds.
        """
        bias = np.full((len(VOICES), 128), FORBIDDEN, np.float32)
        reach = slice(max(place - DEPTHS + 1, 0), place + 1)
        for voice, row in enumerate(bias):
            for level in _levels(limits, shift):
                if level[voice, reach].any():
                    row[level[voice]] = 0.0
                    break
        if limits.scale is None:
            belongs = np.log(self._keys.tones() + UNLIKELY) * self._manner.diatonic
            bias += belongs[np.arange(128) % 12]
        return bias

    def _hold_back(self) -> None:
        """Make it more likely that a voice stays on its pitch."""
        put, manner = self._graph.put, self._manner
        hurry = max(0.0, math.log2(CALM_S / max(float(put["gap_s"][0, 0]), 0.05)))
        earned = manner.inertia + manner.hurry * hurry
        for voice, pitch in enumerate(put["before"][0, 1:].tolist()):
            if pitch != NOBODY:
                put["bias"][0, voice, min(max(pitch, 0), 127)] += earned


@functools.lru_cache(maxsize=1)
def _levels(limits: Limits, shift: int) -> list[Bools]:
    """Return masks of shape (3, 128), the strictest first.

    Their pitches lie `shift` below what sounds. They are kept, as limits rarely change.
    """
    pitch = np.arange(128)
    inside = (pitch + shift >= limits.low) & (pitch + shift <= limits.high)
    bits = 0xFFF if limits.scale is None else limits.scale
    in_scale = np.array([bool(bits >> (p + shift) % 12 & 1) for p in range(128)])
    ranged = np.stack([(pitch >= low) & (pitch <= high) for low, high in RANGES])
    return [
        ranged & inside & in_scale,
        np.stack([inside & in_scale] * len(VOICES)),
        np.stack([inside] * len(VOICES)),
    ]


def from_model(loaded: "Loaded") -> Harmonizer:
    """Return a mind that plays by a loaded model."""
    return Harmonizer(loaded.graphs["model"])
