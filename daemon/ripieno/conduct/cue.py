"""What the conductor decides for one felt beat, and shares with all seats."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

import msgspec

from ripieno.music.chords import NO_CHORD
from ripieno.music.spans import Note, Phase


class Cue(msgspec.Struct, frozen=True):
    """A decision for one span (a felt beat).

    Attributes:
        index: which span, counted from the beginning of the song.
        phase: where it lies in its bar.
        chord: what is to sound.
        bass: the pitch class of the bass, where the left hand says it; None for the
            seats to choose.
        is_new: whether the chord or its bass is another one than before.
        start_ticks: from when it counts: the span's start, or later where the left hand
            changes the chord within the span.
        melody: the soloist's pitches on the beat; a chord avoids what rubs with them.
        velocity: how loud to play, beside the soloist.
        soloist: the lowest and the highest pitch that the soloist played lately; None
            where there is none.
        is_replying: whether a seat that takes turns with the human plays now.
        accent: how much louder than before the soloist struck the beat, in velocity.
        upcoming: the likely chord of the next span; `NO_CHORD` where it is unknown.
        closing: where it is the last chord of an ending, when that ends, in ticks; else
            None. It is held, and nothing is struck after it.
    """

    index: int
    phase: Phase
    chord: int
    bass: int | None
    is_new: bool
    start_ticks: int
    melody: tuple[int, ...]
    velocity: float
    soloist: tuple[int, int] | None
    is_replying: bool
    accent: float = 0.0
    upcoming: int = NO_CHORD
    closing: int | None = None


class Section(NamedTuple):
    """Notes of a span, on the chord of its cue.

    Attributes:
        bass: of the bass line.
        above: of the texture above it.
    """

    bass: Sequence[Note]
    above: Sequence[Note]


class Follower(Protocol):
    """What a seat does with a cue, as every `ripieno.roles.performer.Performer`."""

    def on_cue(self, cue: Cue, now_ns: int) -> None:
        """Begin a span, or change its chord."""
        ...

    def on_section(self, cue: Cue, section: Section, now_ns: int) -> None:
        """Take notes of the span of a cue. No note on the beat starts before now."""
        ...

    def on_rest(self, at_ns: int) -> None:
        """Stop playing: nothing of the band is to sound."""
        ...
