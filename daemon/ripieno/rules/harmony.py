"""The harmony engine of the player: which chord fits what is heard.

It is a hidden Markov model over the 144 chords. A span's chord depends on the one
before: a change is likelier on a downbeat, and from G7 to C. The melody depends on the
chord, and the note on the beat counts most. Chords whose notes were heard lately are
likelier. The model decides while the thinker is late; its log weights are also added to
the network's.

The next belief follows from the belief, not from the chosen chord, so one wrong chord
does not cause the next. Cost: some 60 µs a span.
"""

from collections.abc import Collection, Iterable
from typing import Final

import msgspec
import numpy as np
import numpy.typing as npt

from ripieno.layouts.duet import classes, durations
from ripieno.music.chords import INTERVALS, N_CHORDS, QUALITIES, pitch_classes
from ripieno.music.spans import Phase, Span

Floats = npt.NDArray[np.float64]

ON_BEAT: Final = 2.0
"""Weight of the note on the beat. With (2, 1, 0.7) for `ON_BEAT`, `HELD` and
`OFF_BEAT`, and `KEY` 0.25, note-in-chord is 76.3 and listening gain 33.7 on held-out
POP909, 77.4 and 30.4 on Nottingham. With plain likelihood (1, 0.5, 0.5) they are 75 and
32, 74 and 26. With `KEY` 0.5 the gain falls by 5."""
HELD: Final = 1.0
"""Weight of a note that is held over the beat; see `ON_BEAT`."""
OFF_BEAT: Final = 0.7
"""Weight of each frame after the beat; see `ON_BEAT`."""
KEY: Final = 1.0
"""Weight of the share of the decayed melody that lies inside a chord."""
MEMORY: Final = 0.92
"""The share of the decayed melody that remains after a span."""
FLOOR: Final = 1e-12
MOVES_FLOOR: Final = 1e-6

TONES: Final = np.array(
    [[pc in pitch_classes(number) for pc in range(12)] for number in range(N_CHORDS)],
    float,
)
"""Which pitch classes a chord holds, [N_CHORDS, 12]."""


class Tables(msgspec.Struct, frozen=True):
    """Probabilities counted in music; pitches are relative to the root.

    Attributes:
        prior: of each quality, [Q].
        changes: of a change of chord, by spans in the bar and place in it, [7, 12].
        moves: of the chord after a change, by the old quality: its root above the old
            one, and its quality, [Q, 12, Q].
        on_beat, off_beat: of each note of the melody, by quality, [Q, 12].
    """

    prior: Floats
    changes: Floats
    moves: Floats
    on_beat: Floats
    off_beat: Floats


def plain_tables() -> Tables:
    """Return tables without counts: chord notes fit, changes are rare."""
    notes = np.array([[4.0 if pc in i else 0.5 for pc in range(12)] for i in INTERVALS])
    notes /= notes.sum(1, keepdims=True)
    prior = np.array([0.4, 0.3] + [0.3 / (QUALITIES - 2)] * (QUALITIES - 2))
    moves = np.ones((QUALITIES, 12, QUALITIES)) * prior
    moves /= moves.sum((1, 2), keepdims=True)
    changes = np.full((7, 12), 0.2)
    changes[:, 0] = 0.6
    return Tables(prior, changes, moves, notes, notes)


class Harmony:
    """A belief about the current chord. Thread: one."""

    def __init__(self, tables: Tables | None = None) -> None:
        tables = tables or plain_tables()
        self._changes = tables.changes
        self._moves = _absolute_moves(tables.moves)
        self._on_beat = _absolute_notes(tables.on_beat)
        self._off_beat = _absolute_notes(tables.off_beat)
        prior = np.tile(tables.prior, 12)
        self._prior = prior / prior.sum()
        self._ratios = np.log(np.maximum(self._moves, MOVES_FLOOR) / self._prior)
        self.reset()

    def reset(self) -> None:
        """Forget everything that was heard."""
        self._belief: Floats = self._prior.copy()
        self._memory = np.zeros(12)

    def ahead(self, phases: Iterable[Phase]) -> Floats:
        """Return the chords' probabilities in a span to come, [N_CHORDS].

        Args:
            phases: of the spans from the next one to that one, in order.
        """
        belief = self._belief
        for phase in phases:
            belief = self._next(belief, phase)
        return belief

    def weights(
        self, belief: Floats, beat: Span | None, evidence: float = 1.0
    ) -> Floats:
        """Return the log probabilities of a span's chords, [N_CHORDS].

        Args:
            belief: its probabilities, from `ahead`.
            beat: the human's part, of which the first frame counts; None if unheard.
            evidence: the weight of what the human plays, 0 … 1.
        """
        scores = np.log(belief + FLOOR)
        total = self._memory.sum()
        if total > 0:
            scores = scores + evidence * KEY * (TONES @ (self._memory / total))
        if beat is not None:
            struck, held = beat.struck[0], beat.sounding[0]
            said = self._said(self._on_beat, struck or held)
            scores = scores + evidence * ((ON_BEAT if struck else HELD) * said)
        scores -= scores.max()
        return np.asarray(scores - np.log(np.exp(scores).sum()))

    def next_weights(self, weights: Floats, phase: Phase) -> Floats:
        """Return a span's log weights, given those of the span before it."""
        return np.asarray(np.log(self._next(np.exp(weights), phase) + FLOOR))

    def heard(self, span: Span, phase: Phase) -> None:
        """Update the belief with a whole span."""
        scores = self.weights(self.ahead([phase]), span)
        for frame in span.sounding[1:]:
            scores = scores + OFF_BEAT * self._said(self._off_beat, frame)
        belief = np.exp(scores - scores.max())
        self._belief = belief / belief.sum()
        self._memory = MEMORY * self._memory + durations(span)

    def moves_from(self, chord: int) -> Floats:
        """Return how often each chord follows one, in nats above its share, [N_CHORDS].

        The entry of the chord itself has no meaning.
        """
        return np.asarray(self._ratios[chord].copy())

    def backward(self, target: Floats, phases: Iterable[Phase]) -> Floats:
        """Return log weights of how well each chord of a span leads to a later span.

        Args:
            target: log weights of the chords of the later span, [N_CHORDS].
            phases: of the spans after the first one, the later one included.

        Returns:
            [N_CHORDS], all finite.
        """
        message = np.exp(target - target.max())
        for phase in reversed(list(phases)):
            change = self._change(phase)
            message = (1 - change) * message + change * (self._moves @ message)
            message /= message.max()
        return np.asarray(np.log(message + FLOOR))

    def _next(self, belief: Floats, phase: Phase) -> Floats:
        change = self._change(phase)
        return np.asarray((1 - change) * belief + change * (belief @ self._moves))

    def _change(self, phase: Phase) -> float:
        return float(self._changes[min(phase.spans, 6), min(phase.span, 11)])

    def _said(self, table: Floats, pitches: Collection[int]) -> Floats:
        """Return the mean log likelihood of some notes, for each chord."""
        if not pitches:
            return np.zeros(N_CHORDS)
        sung = classes(pitches)
        return np.asarray(table @ (sung / sung.sum()))


def _absolute_moves(moves: Floats) -> Floats:
    """Expand [Q, 12, Q] to [N_CHORDS, N_CHORDS]."""
    old, new = np.divmod(np.arange(N_CHORDS), QUALITIES), np.arange(N_CHORDS)
    steps = (new[None] // QUALITIES - old[0][:, None]) % 12
    return moves[old[1][:, None], steps, new[None] % QUALITIES]


def _absolute_notes(notes: Floats) -> Floats:
    """Expand [Q, 12], relative to the root, to logarithms [N_CHORDS, 12]."""
    roots, qualities = np.divmod(np.arange(N_CHORDS), QUALITIES)
    steps = (np.arange(12)[None] - roots[:, None]) % 12
    return np.log(notes[qualities[:, None], steps])
