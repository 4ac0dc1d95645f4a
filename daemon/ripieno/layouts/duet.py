"""The layout of the duet: frames on the beat, shared by the daemon and by training.

A *frame* is a sixteenth note. A *span* is a felt beat: four frames, or six where the
beat is dotted; chords are decided once a span. Two graphs use this layout:

* *harmony* receives the human's part by pitch class, a span at a time, and gives one
  log probability a chord. It is told the chord that sounds, and for how many spans it
  has lasted. These two do not enter its state (``docs/decisions/0029``).
* *texture* writes the piano part, a token at a time: the notes of this frame, lowest
  first, then `NEXT`. Pitches are counted from the chord's root, so that a pattern
  learned in one key is known in all, and a plan can be moved to another chord.

The duration of a human note is unknown until it ends, so it is never an input.
"""

import hashlib
from collections.abc import Collection
from typing import Final

import msgspec
import numpy as np
import numpy.typing as npt

from ripieno.music.chords import N_CHORDS, NO_CHORD, QUALITIES, quality_of, root_of
from ripieno.music.spans import DENSITIES, STYLES, VOICES, Manner, Phase, Span
from ripieno.music.voicing import within

Floats = npt.NDArray[np.float32]

STALENESS: Final = (0, 1, 2, 4)
"""How old, in spans, the newest human note may be when a chord is decided."""

CLASS_ROWS: Final = 6
"""Pitch-class rows of a harmony step, in order: struck on this beat; held over it; how
long each sounded in the span before; struck off the beat of that span; struck on it;
heard lately, decayed."""
MEMORY: Final = 0.93
"""The share of the memory that is left a span later; half of it is left after ten."""
LASTED: Final = 8
"""From how many spans on a chord counts as lasting equally long."""
PHASES: Final = 6 + 4 + 4 + 2
SCALARS: Final = 3 + PHASES + len(STALENESS)


def classes(pitches: Collection[int]) -> Floats:
    """Return which pitch classes are among these pitches, as twelve 0s and 1s."""
    row = np.zeros(12, np.float32)
    row[[pitch % 12 for pitch in pitches]] = 1.0
    return row


def durations(span: Span) -> Floats:
    """Return the share of a span for which each pitch class sounded."""
    shares: Floats = np.mean([classes(f) for f in span.sounding], axis=0, dtype="f4")
    return shares


def phases(phase: Phase) -> Floats:
    """Return the place in the bar, its length, the place in four and eight bars."""
    row = np.zeros(PHASES, np.float32)
    row[min(phase.span, 5)] = 1.0
    row[6 + min(phase.spans, 4) - 1] = 1.0
    row[10 + phase.bar % 4] = 1.0
    row[14 + phase.bar % 8 // 4] = 1.0
    return row


class Ear:
    """What was heard so far, as the input of a harmony step.

    Attributes:
        before: the last span that is over.
    """

    def __init__(self) -> None:
        self._memory = np.zeros(12, np.float32)
        self.before: Span | None = None

    def heard(self, span: Span) -> None:
        """Add a span that is over."""
        self._memory = self._memory * np.float32(MEMORY) + durations(span)
        self.before = span

    def rows(self, beat: Span | None) -> Floats:
        """Return the pitch-class rows, [CLASS_ROWS, 12].

        Args:
            beat: the current span, of which only the first frame counts; None if
                nothing is known of it.
        """
        rows = np.zeros((CLASS_ROWS, 12), np.float32)
        if beat is not None:
            rows[0] = classes(beat.struck[0])
            rows[1] = classes(beat.sounding[0]) * (1.0 - rows[0])
        if self.before is not None:
            rows[2] = durations(self.before)
            rows[3] = classes([p for frame in self.before.struck[1:] for p in frame])
            rows[4] = classes(self.before.struck[0])
        if (total := self._memory.sum()) > 0:
            rows[5] = self._memory / total
        return rows


def scalars(rows: Floats, phase: Phase, staleness: int) -> Floats:
    """Return the inputs of a harmony step that are no pitch classes, [SCALARS].

    Args:
        rows: of `Ear.rows`.
        phase: of the span that is decided.
        staleness: how many spans ago the rows were heard, one of `STALENESS`.
    """
    struck, held = rows[0].any(), rows[1].any()
    age = np.zeros(len(STALENESS), np.float32)
    age[STALENESS.index(staleness)] = 1.0
    flags = np.array([struck, held and not struck, not struck and not held], np.float32)
    return np.concatenate([flags, phases(phase), age])


NEXT: Final = 0
"""The token that ends a frame."""
HEIGHTS: Final = 72
TOKENS: Final = 1 + HEIGHTS
LENGTHS: Final = (1, 2, 3, 4, 6, 8, 12, 16)
"""How many frames a note may last."""
GROUND: Final = 24
"""The lowest root, C1. The height of a note is its distance from the chord's root in
the octave from C1, so heights 0 … 71 reach from C1 … B1 to B6 … A#7."""

RINGING: Final = QUALITIES + 12 + 12 + 6 + 6 + 4 + 4
"""The index in a context at which the heights that sound begin."""
CONTEXT: Final = (
    RINGING + HEIGHTS + 12 + 3
    + (len(DENSITIES) + 2) + (len(VOICES) + 2) + len(STYLES)
)  # fmt: skip


def anchor(chord: int) -> int:
    """Return the pitch that heights are counted from."""
    return GROUND + root_of(chord)


def token_of(pitch: int, chord: int) -> int:
    """Return the token of a pitch; a pitch outside moves in by octaves."""
    lowest = anchor(chord)
    return 1 + within(pitch, lowest, lowest + HEIGHTS - 1) - lowest


def pitch_of(token: int, chord: int) -> int:
    """Return the pitch of a token that is not `NEXT`."""
    return anchor(chord) + token - 1


def length_of(frames: int) -> int:
    """Return the class of a duration in frames: the nearest, shorter on a tie."""
    return int(np.argmin([abs(frames - length) for length in LENGTHS]))


class Scene(msgspec.Struct, frozen=True):
    """All that a span's texture depends on, except the notes before it.

    Attributes:
        chord, before: of this span and of the one before it (or `NO_CHORD`).
        phase: the span's place in the bar.
        melody: the highest human pitch that sounds on the beat, or None.
        is_struck: whether it was struck on the beat.
        onsets: how many notes the human struck in the span before.
        manner: how to fill.
    """

    chord: int
    before: int
    phase: Phase
    melody: int | None
    is_struck: bool
    onsets: int
    manner: Manner


def context(scene: Scene, frame: int, sounding: Collection[int]) -> Floats:
    """Return the texture's input besides the token, [CONTEXT].

    Args:
        scene: of the span.
        frame: the frame within it that is written.
        sounding: the machine's pitches that sound in it so far.
    """
    root = root_of(scene.chord)
    row = np.zeros(CONTEXT, np.float32)
    at = 0

    def one_hot(index: int, size: int) -> None:
        nonlocal at
        row[at + index] = 1.0
        at += size

    one_hot(quality_of(scene.chord), QUALITIES)
    before = root if scene.before == NO_CHORD else root_of(scene.before)
    one_hot((root - before) % 12, 12)
    one_hot(root, 12)
    one_hot(min(frame, 5), 6)
    row[at:RINGING] = phases(scene.phase)[: RINGING - at]
    at = RINGING
    heights = [pitch - anchor(scene.chord) for pitch in sounding]
    row[[at + h for h in heights if 0 <= h < HEIGHTS]] = 1.0
    at += HEIGHTS
    if scene.melody is not None:
        row[at + (scene.melody - root) % 12] = 1.0
        row[at + 12] = (scene.melody - anchor(scene.chord)) / 24.0
    row[at + 13] = scene.is_struck
    row[at + 14] = scene.onsets / 4.0
    at += 15
    one_hot(scene.manner.density, len(DENSITIES) + 2)
    one_hot(scene.manner.voices, len(VOICES) + 2)
    one_hot(scene.manner.style, len(STYLES))
    assert at == CONTEXT
    return row


def fingerprint() -> str:
    """Return a hash of all that two sides of this layout must share."""
    text = (
        f"ripieno-duet-2;{N_CHORDS};{CLASS_ROWS};{MEMORY};{SCALARS};{STALENESS};{LASTED};"
        f"{TOKENS};{LENGTHS};{GROUND};{STYLES};{DENSITIES};{VOICES};{CONTEXT}"
    )
    return hashlib.sha256(text.encode()).hexdigest()[:16]
