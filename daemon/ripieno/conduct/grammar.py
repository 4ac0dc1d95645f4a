"""What the chords of this performance ask for next, whatever the melody says.

Chords last as long as people's do, follow one another as people's do, and close where a
phrase ends. These log weights are added to what the harmony rules and the network say.

The more of the melody lies in the chords that were played, the more room it leaves, and
the more these weights count. Folk tunes and standards leave much room: a few chords fit
them. Pop songs with many passing notes leave little.

There are two recipes. The harmony rules do not know the chord that sounds: they need
the whole grammar. A network knows it, and needs little.
"""

from collections.abc import Callable
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from ripieno.conduct import cadences
from ripieno.conduct.harmonic_rhythm import changing
from ripieno.conduct.phrases import Phrases
from ripieno.conduct.tonic import Tonic
from ripieno.music.chords import NO_CHORD
from ripieno.music.lasting import Lasting
from ripieno.music.spans import Phase, Span
from ripieno.rules.harmony import TONES, Harmony

Floats = npt.NDArray[np.float64]

Weight = tuple[float, float]
"""A weight where the melody leaves no room, and what full room adds to it."""


class Recipe(NamedTuple):
    """How much each part of the grammar weighs.

    Attributes:
        duration: the weight of the log odds that the chord stays.
        keeping: by how many nats keeping the chord is likelier, besides these odds.
        downbeat: by how many nats less it is so on a downbeat.
        moves: the weight of how often people move from the last chord to a new one.
        cadences: the weight of `ripieno.conduct.cadences`.
        struck: by how many nats a chord is likelier that holds the note struck on the
            beat.
    """

    duration: Weight
    keeping: Weight
    downbeat: float
    moves: Weight
    cadences: Weight
    struck: float


RULES: Final = Recipe(
    duration=(0.62, 0.6),
    keeping=(0.44, 1.3),
    downbeat=0.1,
    moves=(0.06, 0.32),
    cadences=(0.22, 0.58),
    struck=0.2,
)
"""Where the rules decide without a network. The share of roots that agree with people's
on 18 validation songs: without a grammar .30; with these weights .34; with 0.6 times as
much .32; with 1.7 times as much .33. See docs/decisions/0023."""
NETWORK: Final = Recipe(
    duration=(0.65, 0.0),
    keeping=(-0.4, 0.0),
    downbeat=0.2,
    moves=(0.0, 0.0),
    cadences=(0.5, 0.5),
    struck=0.8,
)
"""Beside a network, which knows the chord that sounds. See docs/decisions/0029."""
LEAST, MOST = 0.02, 0.97
"""Bounds of how likely a change is."""
TIGHT, LOOSE = 0.79, 0.87
"""The share of the melody in our chords that leaves no room, and full room."""
REMEMBERED: Final = 0.97
"""The share of what was counted that remains after a felt beat."""
FIRM: Final = 10.0
"""How many felt beats `TIGHT` counts for in the beginning."""


class Parts(NamedTuple):
    """What the chords of a felt beat are weighed by; arrays are [N_CHORDS].

    Attributes:
        room: how much room the melody leaves, 0 … 1.
        cadences: of `ripieno.conduct.cadences`.
        struck: whether a chord holds the note struck on the beat; None if none was.
        before: the chord of the beat before; `NO_CHORD` if there is none.
        moves: how often people move from it to each other chord.
        is_downbeat: whether the beat is the first of its bar.
        odds: the log odds that the chord stays.
    """

    room: float
    cadences: Floats
    struck: Floats | None
    before: int
    moves: Floats
    is_downbeat: bool
    odds: float

    def weights(self, recipe: Recipe) -> Floats:
        """Return the log weights of the chords by a recipe, [N_CHORDS]."""
        found = _at(recipe.cadences, self.room) * self.cadences
        if self.struck is not None:
            found += recipe.struck * self.struck
        if self.before == NO_CHORD:
            return found
        follow = _at(recipe.moves, self.room) * self.moves
        keeping = _at(recipe.keeping, self.room) - recipe.downbeat * self.is_downbeat
        follow[self.before] = keeping + _at(recipe.duration, self.room) * self.odds
        return found + follow


class Grammar:
    """The weights of one performance. Thread: one. Cost: some 100 µs a felt beat."""

    def __init__(self, harmony: Harmony) -> None:
        """Begin a performance; `harmony` knows how chords follow one another."""
        self._harmony = harmony
        self._lasting, self._phrases = Lasting(), Phrases()
        self.tonic = Tonic()
        self._inside, self._sung = TIGHT * FIRM, FIRM

    def hear(self, span: Span, phase: Phase) -> None:
        """Take in what the human played in a felt beat that is over."""
        self._phrases.hear(span, phase)
        self.tonic.hear(span)

    def played(self, index: int, span: Span, chord: int) -> None:
        """Note which chord was played to a felt beat."""
        self._lasting.played(index, chord)
        pitches = [pitch % 12 for frame in span.sounding for pitch in frame]
        inside = TONES[chord, pitches].sum() if chord != NO_CHORD else 0.0
        sung = len(pitches) if chord != NO_CHORD else 0
        frames = len(span.sounding)
        self._inside = REMEMBERED * self._inside + float(inside) / frames
        self._sung = REMEMBERED * self._sung + sung / frames

    def parts(
        self,
        phase_at: Callable[[int], Phase],
        index: int,
        beat: Span | None,
        before: int,
        every: int | None,
    ) -> Parts:
        """Return what the chords of a felt beat are weighed by.

        Args:
            phase_at: where a felt beat lies.
            index: the beat.
            beat: the human's part in it, of which the first frame counts; None where
                it was not heard.
            before: the chord of the beat before.
            every: the bars of a phrase, if the musician says so.
        """
        phase, tonic = phase_at(index), self.tonic.chord()
        ends = cadences.weights(self._phrases, phase_at, index, tonic, before, every)
        struck = beat.struck[0] if beat is not None else ()
        change = min(
            max(changing(phase, self._lasting.lasted(index, before)), LEAST), MOST
        )
        return Parts(
            room=self._room(),
            cadences=ends,
            struck=TONES[:, struck[-1] % 12] if struck else None,
            before=before,
            moves=self._harmony.moves_from(before),
            is_downbeat=not phase.span,
            odds=float(np.log((1.0 - change) / change)),
        )

    def _room(self) -> float:
        """Return how much room the melody leaves, 0 … 1."""
        share = self._inside / self._sung if self._sung else TIGHT
        return min(max((share - TIGHT) / (LOOSE - TIGHT), 0.0), 1.0)


def _at(weight: Weight, room: float) -> float:
    return weight[0] + weight[1] * room
