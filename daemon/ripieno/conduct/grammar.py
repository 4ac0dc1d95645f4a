"""What the chords of this performance ask for next, whatever the melody says.

Chords last as long as people's do, follow one another as people's do, and close where a
phrase ends. These log weights are added to what the harmony rules and the network say.

The more of the melody lies in the chords that were played, the more room it leaves, and
the more these weights count. Folk tunes and standards leave much room: a few chords fit
them. Pop songs with many passing notes leave little.

The chord that sounds is known here, but not to the network or to the belief of the
harmony rules. So a chord that was held too long does not make itself likelier later.
"""

from collections.abc import Callable
from typing import Final

import numpy as np
import numpy.typing as npt

from ripieno.conduct import cadences
from ripieno.conduct.harmonic_rhythm import HarmonicRhythm, changing
from ripieno.conduct.phrases import Phrases
from ripieno.conduct.tonic import Tonic
from ripieno.music.chords import NO_CHORD
from ripieno.music.spans import Phase, Span
from ripieno.rules.harmony import TONES, Harmony

Floats = npt.NDArray[np.float64]

LEAST, MOST = 0.02, 0.97
"""Bounds of how likely a change is."""
DURATION: Final = 3.1, 3.0
"""The weight of the log odds of a change. Here and below: without room, and what full
room adds. Chosen on POP909's validation songs, see docs/decisions/0023."""
KEEPING: Final = 2.2, 6.5
"""By how many nats keeping the chord is likelier, besides these odds."""
DOWNBEAT: Final = 0.5
"""By how many nats less it is so on a downbeat."""
MOVES: Final = 0.3, 1.6
"""The weight of how often people move from the last chord to a new one."""
CADENCES: Final = 1.1, 2.9
"""The weight of `ripieno.conduct.cadences`."""
STRUCK: Final = 1.0
"""By how many nats a chord is likelier that holds the note struck on the beat."""
TIGHT, LOOSE = 0.79, 0.87
"""The share of the melody in our chords that leaves no room, and full room."""
REMEMBERED: Final = 0.97
"""The share of what was counted that remains after a felt beat."""
FIRM: Final = 10.0
"""How many felt beats `TIGHT` counts for in the beginning."""


class Grammar:
    """The weights of one performance. Thread: one. Cost: some 100 µs a felt beat."""

    def __init__(self, harmony: Harmony) -> None:
        """Begin a performance; `harmony` knows how chords follow one another."""
        self._harmony = harmony
        self._rhythm, self._phrases = HarmonicRhythm(), Phrases()
        self.tonic = Tonic()
        self._inside, self._sung = TIGHT * FIRM, FIRM

    def hear(self, span: Span, phase: Phase) -> None:
        """Take in what the human played in a felt beat that is over."""
        self._phrases.hear(span, phase)
        self.tonic.hear(span)

    def played(self, index: int, span: Span, chord: int) -> None:
        """Note which chord was played to a felt beat."""
        self._rhythm.played(index, chord)
        pitches = [pitch % 12 for frame in span.sounding for pitch in frame]
        inside = TONES[chord, pitches].sum() if chord != NO_CHORD else 0.0
        sung = len(pitches) if chord != NO_CHORD else 0
        frames = len(span.sounding)
        self._inside = REMEMBERED * self._inside + float(inside) / frames
        self._sung = REMEMBERED * self._sung + sung / frames

    def weights(
        self,
        phase_at: Callable[[int], Phase],
        index: int,
        beat: Span | None,
        before: int,
        every: int | None,
    ) -> Floats:
        """Return the log weights of the chords of a felt beat, [N_CHORDS].

        Args:
            phase_at: where a felt beat lies.
            index: the beat.
            beat: the human's part in it, of which the first frame counts; None where
                it was not heard.
            before: the chord of the beat before.
            every: the bars of a phrase, if the musician says so.
        """
        room = self._room()
        tonic = self.tonic.chord()
        found = _at(CADENCES, room) * cadences.weights(
            self._phrases, phase_at, index, tonic, before, every
        )
        if beat is not None and beat.struck[0]:
            found += STRUCK * TONES[:, beat.struck[0][-1] % 12]
        if before != NO_CHORD:
            found += self._continued(phase_at(index), index, before, room)
        return found

    def _continued(self, phase: Phase, index: int, before: int, room: float) -> Floats:
        """Return the weights of keeping the chord, and of each change."""
        found = _at(MOVES, room) * self._harmony.moves_from(before)
        lasted = self._rhythm.lasted(index, before)
        change = min(max(changing(phase, lasted), LEAST), MOST)
        odds = float(np.log((1.0 - change) / change))
        keeping = _at(KEEPING, room) - (0.0 if phase.span else DOWNBEAT)
        found[before] = keeping + _at(DURATION, room) * odds
        return found

    def _room(self) -> float:
        """Return how much room the melody leaves, 0 … 1."""
        share = self._inside / self._sung if self._sung else TIGHT
        return min(max((share - TIGHT) / (LOOSE - TIGHT), 0.0), 1.0)


def _at(weight: tuple[float, float], room: float) -> float:
    return weight[0] + weight[1] * room
