"""Spans: the human's part and the texture in one felt beat.

A *frame* is a sixteenth note. A *span* is a felt beat: four frames, or six where the
beat is dotted. `ripieno.layouts` encodes them for networks.
"""

from collections.abc import Sequence
from typing import Final

import msgspec

FRAME_TICKS: Final = 120
STYLES: Final = ("auto", "pop", "song")
"""What the texture was learned from: pop piano, or the piano of art songs."""
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
        """Return how many notes were struck."""
        return sum(map(len, self.struck))


class Phase(msgspec.Struct, frozen=True, array_like=True):
    """The place of a span in its bar, the number of spans there, the bar's number."""

    span: int
    spans: int
    bar: int


class Note(msgspec.Struct, frozen=True, array_like=True):
    """A note of the texture: its frame in the span, its pitch, its length in frames."""

    frame: int
    pitch: int
    frames: int


class Manner(msgspec.Struct, frozen=True, array_like=True):
    """The manner of the texture: classes of `class_of`, or 0 for automatic."""

    density: int = 0
    voices: int = 0
    style: int = 0


def class_of(value: float, edges: Sequence[float]) -> int:
    """Return 1 + the number of edges that do not exceed a value; 0 means automatic."""
    return 1 + sum(value >= edge for edge in edges)
