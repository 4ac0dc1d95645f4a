"""The player's own choice of chords: log weights for the chords of any span to come.

What goes into the weights, weakest first: the belief of the harmony rules; the grammar
of chords (how long they last, how they follow one another, cadences); leading; a
landing, and what leads to it; the scale and the chord lock. The last ones rule chords
out, so they are kept whatever the model decides.
"""

from collections.abc import Callable, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from ripieno.conduct.grammar import Grammar
from ripieno.music.chords import N_CHORDS, NO_CHORD
from ripieno.music.spans import Phase, Span
from ripieno.protocol import FORBIDDEN
from ripieno.rules.harmony import TONES, Harmony, Tables
from ripieno.settings.params import Guidance

Floats = npt.NDArray[np.float64]

TRUST: Final = 2.0
"""The weight of the network's logits beside ours, where the human is followed.
Note-in-chord and listening gain on held-out songs (POP909; Nottingham): the network
alone 76.2, 33.7; 78.1, 29.0. With half of our weights beside it 77.3, 34.6; 79.2, 30.4;
with as much 76.9, 34.3; 79.1, 30.5. Ours alone: 76.3, 34.1; 77.3, 30.2."""
UNFIT: Final = 8.0
"""A chord that weighs so many nats less than the best one is not kept."""
RULES_ALONE: Final = 0.2
"""The weight of the grammar of chords where the rules decide without a network. The
share of roots that agree with people's on 18 validation songs: without it .30; with
0.12 .32; with 0.2 .34; with 0.33 .33 (even where a note contradicts the chord)."""
APPROACH: Final = 8
"""From how many spans before a landing on the chords lead to it."""
CADENCE: Final = 3.0
"""By how many nats the tonic is likelier where a phrase begins."""


class Guide:
    """Weighs chords. Thread: one. Cost: some 100 µs a span."""

    def __init__(self, tables: Tables | None, seed: int) -> None:
        self._harmony = Harmony(tables)
        self._seed = seed
        self._grammar = Grammar(self._harmony)

    def hear(self, span: Span, phase: Phase) -> None:
        """Take in a span that is over."""
        self._harmony.heard(span, phase)
        self._grammar.hear(span, phase)

    def played(self, index: int, span: Span, chord: int) -> None:
        """Note which chord was played to a span that is over."""
        self._grammar.played(index, span, chord)

    def weights(
        self,
        guidance: Guidance,
        phase_at: Callable[[int], Phase],
        index: int,
        beat: Span | None,
        staleness: int,
        before: int,
    ) -> Floats:
        """Return the log weights of the chords of a span, [N_CHORDS].

        Args:
            guidance: what the musician says of the chords.
            phase_at: where a span lies.
            index: the span that is decided.
            beat: the human's part, `staleness` spans before; only its first frame
                counts. None if it was not heard.
            staleness: how many spans before the decided one `beat` was heard.
            before: the chord of the span before it.
        """
        heard = index - staleness
        belief = self._harmony.ahead([phase_at(heard)])
        own = self._harmony.weights(belief, beat, 1.0 - guidance.lead)
        for ahead in range(heard + 1, index + 1):
            own = self._harmony.next_weights(own, phase_at(ahead))
        if guidance.lead:
            own = self._led(own, guidance, phase_at(index), index, before)
        own = own + self._towards(guidance, phase_at, index)
        return self._ruled(own, guidance, phase_at, index)

    def shaped(
        self,
        weights: Floats,
        guidance: Guidance,
        phase_at: Callable[[int], Phase],
        index: int,
        beat: Span | None,
        before: int,
    ) -> tuple[Floats, Floats]:
        """Add what the chords of this performance ask for next.

        Args:
            weights: of `weights`; what they rule out stays ruled out.
            guidance: what the musician says of the chords.
            phase_at: where a span lies.
            index: the span that is decided.
            beat: the human's part in the span itself; None if it was not heard.
            before: the chord of the span before it.

        Returns:
            The weights for the rules alone; and what is to be added to these beside a
            network, whose logits weigh more.
        """
        is_unfit = weights[before] < weights.max() - UNFIT
        more = (1.0 - guidance.lead) * self._grammar.weights(
            phase_at, index, beat, NO_CHORD if is_unfit else before, guidance.phrase
        )
        more[weights <= FORBIDDEN] = 0.0
        alone = RULES_ALONE * more
        struck = () if beat is None else beat.struck[0]
        if before != NO_CHORD and struck and not TONES[before, struck[-1] % 12]:
            alone[before] = min(alone[before], 0.0)
        return weights + alone, more - alone

    def likely(self, phases: Sequence[Phase]) -> int:
        """Return the likeliest chord of the last of the spans that come next."""
        return int(self._harmony.ahead(phases).argmax())

    def after(self, chord: int, phase: Phase) -> int:
        """Return the likeliest chord of a span, by the chord before it."""
        if chord == NO_CHORD:
            return chord
        belief = np.exp(self._onward(chord, phase))
        return int(self._harmony.weights(belief, None).argmax())

    def tonic(self) -> int:
        """Return the tonic chord of what the human played; `NO_CHORD` if nothing."""
        return self._grammar.tonic.chord()

    def _led(
        self, own: Floats, guidance: Guidance, phase: Phase, index: int, before: int
    ) -> Floats:
        """Add where the last chord of ours leads, with some randomness."""
        if before == NO_CHORD:
            return own
        way = self._onward(before, phase)
        chance = np.random.default_rng((self._seed, index & 0xFFFFFFFF))
        noise = chance.gumbel(size=N_CHORDS)
        return own + guidance.lead * (way + noise - own)

    def _onward(self, before: int, phase: Phase) -> Floats:
        """Return the log weights of a span's chords, by the chord before it."""
        here = np.full(N_CHORDS, -30.0)
        here[before] = 0.0
        return self._harmony.next_weights(here, phase)

    def _towards(
        self, guidance: Guidance, phase_at: Callable[[int], Phase], index: int
    ) -> Floats:
        """Return the weights of what leads to the next landing or phrase end."""
        pull = np.zeros(N_CHORDS)
        for ahead in range(APPROACH + 1):
            phase = phase_at(index + ahead)
            target = self._target(guidance, phase)
            if target is None:
                continue
            phases = [phase_at(index + i) for i in range(1, ahead + 1)]
            return pull + self._harmony.backward(target, phases)
        return pull

    def _target(self, guidance: Guidance, phase: Phase) -> Floats | None:
        """Return the weights that a span has to have, or None if it is free."""
        if phase.span:
            return None
        weights = np.zeros(N_CHORDS)
        if (landing := landing_at(guidance, phase)) is not None:
            weights[:] = -30.0
            weights[landing] = 0.0
            return weights
        if guidance.phrase is None or phase.bar % guidance.phrase:
            return None
        tonic = self.tonic()
        if tonic == NO_CHORD:
            return None
        weights[tonic] = CADENCE
        return weights

    def _ruled(
        self,
        own: Floats,
        guidance: Guidance,
        phase_at: Callable[[int], Phase],
        index: int,
    ) -> Floats:
        """Rule out what the musician does not allow, unless nothing would be left."""
        landing = landing_at(guidance, phase_at(index))
        if landing is not None:
            return only(own, [landing])
        if guidance.allowed_chords:
            own = only(own, guidance.allowed_chords)
        scale = guidance.scale
        if scale is not None and len(scale) < 12:
            outside = np.array([pc not in scale for pc in range(12)], float)
            fits = TONES @ outside == 0
            if fits.any() and not guidance.allowed_chords:
                own = np.where(fits, own, FORBIDDEN)
        return own


def landing_at(guidance: Guidance, phase: Phase) -> int | None:
    """Return the chord that must be reached on a span, or None."""
    return None if phase.span else guidance.landings.get(phase.bar)


def only(weights: Floats, allowed: Sequence[int]) -> Floats:
    """Return the weights with all chords but some ruled out."""
    kept = np.full(len(weights), FORBIDDEN)
    places = [chord for chord in allowed if chord != NO_CHORD]
    kept[places] = weights[places]
    return kept if places else weights
