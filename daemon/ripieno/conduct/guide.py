"""The player's own choice of chords: log weights for the chords of any span to come.

What goes into the weights, weakest first: the belief of the harmony rules, where there
is no network; the grammar of chords (how long they last, how they follow one another,
cadences); leading; a landing, and what leads to it; the scale and the chord lock. The
last ones rule chords out, so they are kept whatever a network says.
"""

from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from ripieno.conduct.grammar import NETWORK, RULES, Grammar
from ripieno.music.chords import N_CHORDS, NO_CHORD
from ripieno.music.spans import Phase, Span
from ripieno.protocol import FORBIDDEN
from ripieno.rules.harmony import TONES, Harmony, Tables
from ripieno.settings.params import Guidance

Floats = npt.NDArray[np.float64]

TRUST: Final = 1.3
"""The weight of the network's log probabilities, where the human is followed. It was
chosen together with `ripieno.conduct.grammar.NETWORK`, see decision 29."""
UNFIT: Final = 8.0
"""A chord that weighs so many nats less than the best one is not kept."""
APPROACH: Final = 8
"""From how many spans before a landing on the chords lead to it."""
CADENCE: Final = 3.0
"""By how many nats the tonic is likelier where a phrase begins."""


class Weights(NamedTuple):
    """Log weights of the chords of a span, each [N_CHORDS].

    Attributes:
        alone: where the player decides without a network.
        beside: to be added to a network's log probabilities.
    """

    alone: Floats
    beside: Floats


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
    ) -> Weights:
        """Return the log weights of the chords of a span.

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
        asked = self._towards(guidance, phase_at, index)
        if guidance.lead and before != NO_CHORD:
            asked = asked + guidance.lead * self._led(phase_at(index), index, before)
            own = (1.0 - guidance.lead) * own
        now = None if staleness else beat
        alone, beside = self._grammars(guidance, phase_at, index, now, before, own)
        return Weights(
            self._ruled(own + asked + alone, guidance, phase_at, index),
            self._ruled(asked + beside, guidance, phase_at, index),
        )

    def _grammars(
        self,
        guidance: Guidance,
        phase_at: Callable[[int], Phase],
        index: int,
        beat: Span | None,
        before: int,
        own: Floats,
    ) -> tuple[Floats, Floats]:
        """Return what the chords of this performance ask for: alone, and beside.

        `own` are the weights of the rules. A chord that they find unfit is not kept,
        and without a network none is kept against the note on the beat.
        """
        is_unfit = before != NO_CHORD and own[before] < own.max() - UNFIT
        kept = NO_CHORD if is_unfit else before
        share, every = 1.0 - guidance.lead, guidance.phrase
        parts = self._grammar.parts(phase_at, index, beat, kept, every)
        alone, beside = (share * parts.weights(each) for each in (RULES, NETWORK))
        struck = () if beat is None else beat.struck[0]
        if before != NO_CHORD and struck and not TONES[before, struck[-1] % 12]:
            alone[before] = min(alone[before], 0.0)
        return alone, beside

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

    def _led(self, phase: Phase, index: int, before: int) -> Floats:
        """Return where the last chord of ours leads, with some randomness."""
        chance = np.random.default_rng((self._seed, index & 0xFFFFFFFF))
        return self._onward(before, phase) + chance.gumbel(size=N_CHORDS)

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
