"""The harmony engine: which chord fits what is heard, in microseconds, in the player.

A hidden Markov model over the 144 chords. A span's chord follows from the one before
(a change is likelier on a downbeat, and from G7 to C); the melody follows from the
chord (the note on the beat says most). On top, a key: chords whose notes were heard
lately are likelier. It is the fallback where the thinker is late, and an expert whose
log weights are added to the network's.

It decides from belief, never from what it chose: a wrong chord played does not make the
next one wrong.

Knows numpy and no clock. Cost: some 60 µs a span.
"""

import struct
import zlib
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Final
from zipfile import BadZipFile

import msgspec
import numpy as np
import numpy.typing as npt

from ripieno.errors import ModelError
from ripieno.music.chords import INTERVALS, N_CHORDS, QUALITIES, pitch_classes
from ripieno.music.duet import Phase, Span, classes, durations

Floats = npt.NDArray[np.float64]

TABLES: Final = "tables.npz"
ON_BEAT: Final = 2.0
"""Weight of the note on the beat …"""
HELD: Final = 1.0
"""… of one that is held over it …"""
OFF_BEAT: Final = 0.7
"""… and of each frame after it. With (2, 1, 0.7) and `KEY` 0.25 note-in-chord is 76.3
and listening gain 33.7 on held-out POP909, 77.4 and 30.4 on Nottingham; with plain
likelihood (1, 0.5, 0.5) 75 and 32, 74 and 26; with `KEY` 0.5 the gain falls by 5."""
KEY: Final = 1.0
"""Weight of the share of the decayed melody that lies inside a chord."""
MEMORY: Final = 0.92
"""What is left of that melody a span later."""
FLOOR: Final = 1e-12

TONES: Final = np.array(
    [[pc in pitch_classes(number) for pc in range(12)] for number in range(N_CHORDS)],
    float,
)
"""Which pitch classes a chord holds, [N_CHORDS, 12]."""


class Tables(msgspec.Struct, frozen=True):
    """What was counted, relative to the root, so that all keys share it.

    Attributes:
        prior: [Q], how often a quality is played.
        changes: [7, 12], how often the chord changes, by spans in the bar and place.
        moves: [Q, 12, Q], where it goes when it changes: by quality, by the new root
            above the old one, by the new quality.
        on_beat, off_beat: [Q, 12], which notes are sung to it, above the root.
    """

    prior: Floats
    changes: Floats
    moves: Floats
    on_beat: Floats
    off_beat: Floats


NAMES: Final = Tables.__struct_fields__
NEVER_ZERO: Final = ("prior", "on_beat", "off_beat")
"""Tables of which logarithms are taken."""
UNREADABLE: Final = (
    OSError, EOFError, ValueError, TypeError, LookupError, RuntimeError, MemoryError,
    BadZipFile, zlib.error, struct.error,
)  # fmt: skip
"""What numpy raises at a damaged file, by where the damage is."""


def plain_tables() -> Tables:
    """What can be said without having counted: chord notes fit, changes are rare."""
    notes = np.array([[4.0 if pc in i else 0.5 for pc in range(12)] for i in INTERVALS])
    notes /= notes.sum(1, keepdims=True)
    prior = np.array([0.4, 0.3] + [0.3 / (QUALITIES - 2)] * (QUALITIES - 2))
    moves = np.ones((QUALITIES, 12, QUALITIES)) * prior
    moves /= moves.sum((1, 2), keepdims=True)
    changes = np.full((7, 12), 0.2)
    changes[:, 0] = 0.6
    return Tables(prior, changes, moves, notes, notes)


def load(folder: Path) -> Tables:
    """Read the tables of a model folder.

    Raises:
        ModelError: they are missing or damaged.
    """
    try:
        with (folder / TABLES).open("rb") as file:
            arrays = np.load(file, allow_pickle=False)
            tables = Tables(**{name: np.asarray(arrays[name], float) for name in NAMES})
    except UNREADABLE as error:
        raise ModelError(
            f"{folder / TABLES} cannot be read ({error}); copy the folder again."
        ) from error
    shapes = {name: getattr(plain_tables(), name).shape for name in NAMES}
    for name, shape in shapes.items():
        if getattr(tables, name).shape != shape:
            raise ModelError(
                f"{folder / TABLES}: {name} has the shape "
                f"{getattr(tables, name).shape}, not {shape}; copy the folder again."
            )
        array = getattr(tables, name)
        is_share = (array >= 0) & (array <= 1)  # NaN is neither
        if not is_share.all() or (name in NEVER_ZERO and not array.all()):
            raise ModelError(
                f"{folder / TABLES}: {name} holds numbers that are no shares, 0 to 1; "
                "copy the folder again."
            )
    return tables


class Harmony:
    """A belief about the chord under way. Thread: one."""

    def __init__(self, tables: Tables | None = None) -> None:
        tables = tables or plain_tables()
        self._changes = tables.changes
        self._moves = _absolute_moves(tables.moves)
        self._on_beat = _absolute_notes(tables.on_beat)
        self._off_beat = _absolute_notes(tables.off_beat)
        prior = np.tile(tables.prior, 12)
        self._prior = prior / prior.sum()
        self.reset()

    def reset(self) -> None:
        """Nothing was heard."""
        self._belief: Floats = self._prior.copy()
        self._memory = np.zeros(12)

    def ahead(self, phases: Iterable[Phase]) -> Floats:
        """The belief about a span to come, before anything of it is heard.

        Args:
            phases: of the spans from the next one to that one.

        Returns:
            Probabilities, [N_CHORDS].
        """
        belief = self._belief
        for phase in phases:
            belief = self._next(belief, phase)
        return belief

    def weights(
        self, belief: Floats, beat: Span | None, evidence: float = 1.0
    ) -> Floats:
        """Log weights of the chords of a span.

        Args:
            belief: about it, from `ahead`.
            beat: the human's part, of which the first frame counts; None for unheard.
            evidence: how much the human counts: 1 follows, less leads.

        Returns:
            Log probabilities, [N_CHORDS].
        """
        scores = np.log(belief + FLOOR)
        total = self._memory.sum()
        if total > 0:
            scores = scores + evidence * KEY * (TONES @ (self._memory / total))
        if beat is not None:
            scores = scores + evidence * self._heard_on(beat)
        scores -= scores.max()
        return np.asarray(scores - np.log(np.exp(scores).sum()))

    def next_weights(self, weights: Floats, phase: Phase) -> Floats:
        """Log weights of the chords of the span after, given those of a span."""
        return np.asarray(np.log(self._next(np.exp(weights), phase) + FLOOR))

    def heard(self, span: Span, phase: Phase) -> None:
        """A span is over: it says what its chord was, and so what may come."""
        scores = self.weights(self.ahead([phase]), span)
        for frame in span.sounding[1:]:
            scores = scores + OFF_BEAT * self._said(self._off_beat, frame)
        belief = np.exp(scores - scores.max())
        self._belief = belief / belief.sum()
        self._memory = MEMORY * self._memory + durations(span)

    def backward(self, target: Floats, phases: Iterable[Phase]) -> Floats:
        """How well each chord of a span leads to what is to come.

        Args:
            target: log weights of the chords of a later span, [N_CHORDS].
            phases: of the spans after that one, up to and with the later one.

        Returns:
            Log weights, [N_CHORDS]: minus infinity nowhere.
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

    def _heard_on(self, beat: Span) -> Floats:
        struck = beat.struck[0]
        if struck:
            return ON_BEAT * self._said(self._on_beat, struck)
        return HELD * self._said(self._on_beat, beat.sounding[0])

    def _said(self, table: Floats, pitches: Collection[int]) -> Floats:
        """What some notes say of each chord; several say as much as one."""
        if not pitches:
            return np.zeros(N_CHORDS)
        sung = classes(pitches)
        return np.asarray(table @ (sung / sung.sum()))


def _absolute_moves(moves: Floats) -> Floats:
    """[Q, 12, Q] → [N_CHORDS, N_CHORDS]."""
    old, new = np.divmod(np.arange(N_CHORDS), QUALITIES), np.arange(N_CHORDS)
    steps = (new[None] // QUALITIES - old[0][:, None]) % 12
    return moves[old[1][:, None], steps, new[None] % QUALITIES]


def _absolute_notes(notes: Floats) -> Floats:
    """[Q, 12] relative to the root → logarithms [N_CHORDS, 12]."""
    roots, qualities = np.divmod(np.arange(N_CHORDS), QUALITIES)
    steps = (np.arange(12)[None] - roots[:, None]) % 12
    return np.log(notes[qualities[:, None], steps])
