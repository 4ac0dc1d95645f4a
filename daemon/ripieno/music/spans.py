"""Spans: a felt beat of the human's part, where it lies, the texture over it.

A *frame* is a sixteenth note. A *span* is a felt beat: four frames, or six where the
beat is dotted. Knows no numpy: what a network reads of these is in `ripieno.layouts`.
"""

from collections.abc import Sequence
from typing import Final

import msgspec

FRAME_TICKS: Final = 120
STYLES: Final = ("auto", "pop", "song")
"""What the texture was learned from: pop piano; the piano of art songs."""
DENSITIES: Final = (2.0, 5.0, 8.0, 11.0, 14.0, 18.0, 24.0)
"""Edges between the classes of density, in notes a bar of sixteen frames."""
VOICES: Final = (1.15, 1.7, 2.5)
"""Edges between the classes of thickness, in notes an onset."""


class Span(msgspec.Struct, frozen=True, array_like=True):
    """The human's part over one span, as far as it was heard.

    Attributes:
        struck: for each frame, the pitches whose onsets fall on it.
        sounding: for each frame, the pitches that sound in it, the struck ones too.
    """

    struck: tuple[tuple[int, ...], ...]
    sounding: tuple[tuple[int, ...], ...]

    @property
    def onsets(self) -> int:
        """How many notes were struck."""
        return sum(map(len, self.struck))


class Phase(msgspec.Struct, frozen=True, array_like=True):
    """Where a span lies: its place in the bar, the bar's spans, the bar's number."""

    span: int
    spans: int
    bar: int


class Note(msgspec.Struct, frozen=True, array_like=True):
    """A note of the texture: in which frame of its span, how high, for how long."""

    frame: int
    pitch: int
    frames: int


class Manner(msgspec.Struct, frozen=True, array_like=True):
    """How to fill: classes of `class_of`, 0 for what the music asks for."""

    density: int = 0
    voices: int = 0
    style: int = 0


def class_of(value: float, edges: Sequence[float]) -> int:
    """1 + the number of edges that do not exceed a value; 0 is kept for auto."""
    return 1 + sum(value >= edge for edge in edges)
