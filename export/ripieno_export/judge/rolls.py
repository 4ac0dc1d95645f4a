"""Piano rolls: a piece as the human accompanies it, and as the band does, below it.

Uses matplotlib, as `ripieno_export.judge.plots` does.
"""

from pathlib import Path
from typing import Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import PatchCollection
from matplotlib.figure import Figure as Canvas
from matplotlib.patches import Rectangle

from ripieno.music.chords import NO_CHORD, name_of
from ripieno_export.judge.heard import Heard, offset_of
from ripieno_export.judge.pieces import Ints, Notes

BARS: Final = 16
"""Bars in a line of the picture."""
MOST_LINES: Final = 6
"""A longer piece is cut: its first lines and its last two are drawn."""
MELODY: Final = "#1b3a57"
KEYS: Final = "#d1702f"
BASS: Final = "#4d9078"
PAD: Final = "#d8d8d8"
LOWEST: Final = 24
HIGHEST: Final = 96
INCHES: Final = (16.0, 2.2)
"""The size of one roll of one line."""


def draw(human: Heard, band: Heard, title: str, path: Path) -> None:
    """Draw both accompaniments of a piece as a PNG file.

    Args:
        human: above.
        band: below, of the same piece.
        title: over all.
        path: where to; a file there is replaced.
    """
    lines = _lines(band)
    canvas = Canvas((INCHES[0], INCHES[1] * 2 * len(lines) + 0.5), layout="constrained")
    canvas.suptitle(
        f"{title}   melody: blue, keys: orange, bass: green, pad: grey", fontsize=11
    )
    rows = canvas.subplots(2 * len(lines), 1, squeeze=False)[:, 0]
    for number, first in enumerate(lines):
        for name, heard, axes in (
            ("human", human, rows[2 * number]),
            ("band", band, rows[2 * number + 1]),
        ):
            _roll(axes, heard, name, first)
    canvas.savefig(path, dpi=70, metadata={"Software": None})


def _lines(heard: Heard) -> list[int]:
    """The first frames of the lines to draw, up to the end of what sounds."""
    bar = heard.piece.bar_frames
    begin = heard.piece.pickup % bar - bar * bool(heard.piece.pickup % bar)
    last = max(
        [heard.end]
        + [
            int(notes["end"].max())
            for notes in (heard.texture, heard.pad)
            if len(notes)
        ]
    )
    firsts = list(range(begin, last, BARS * bar))
    if len(firsts) > MOST_LINES:
        firsts = firsts[: MOST_LINES - 2] + firsts[-2:]
    return firsts


def _roll(axes: Axes, heard: Heard, name: str, first: int) -> None:
    bar = heard.piece.bar_frames
    last = first + BARS * bar
    is_bass = np.isin(_key(heard.texture), _key(heard.bass))
    for notes, colour, height in (
        (heard.pad, PAD, 1.0),
        (heard.texture[~is_bass], KEYS, 0.8),
        (heard.bass, BASS, 0.9),
        (heard.piece.melody, MELODY, 0.8),
    ):
        axes.add_collection(_boxes(notes, colour, height, first, last))
    for start in range(first, last + 1, bar):
        axes.axvline(start, color="#bbbbbb", linewidth=0.6, zorder=0)
    if first <= heard.end < last:
        axes.axvline(heard.end, color="#c00000", linewidth=1.0)
    _names(axes, heard, first, last)
    axes.set_xlim(first, last)
    axes.set_ylim(LOWEST, HIGHEST)
    axes.set_yticks([36, 48, 60, 72, 84])
    begin = (first - heard.piece.pickup) // bar + 1
    axes.set_xticks(
        range(first, last, bar), [str(begin + number) for number in range(BARS)]
    )
    axes.tick_params(labelsize=7)
    axes.set_ylabel(name)


def _key(notes: Notes) -> Ints:
    return np.asarray(notes["start"].astype(np.int64) * 128 + notes["pitch"])


def _boxes(
    notes: Notes, colour: str, height: float, first: int, last: int
) -> PatchCollection:
    inside = notes[(notes["start"] < last) & (notes["end"] > first)]
    boxes = [
        Rectangle(
            (note["start"], note["pitch"] - height / 2),
            note["end"] - note["start"] - 0.1,
            height,
        )
        for note in inside
    ]
    return PatchCollection(boxes, facecolor=colour, edgecolor="none")


def _names(axes: Axes, heard: Heard, first: int, last: int) -> None:
    """Write each chord where it begins."""
    beats, span = heard.beats, heard.piece.span_frames
    changes = np.flatnonzero(np.diff(beats, prepend=NO_CHORD))
    for beat in changes.tolist():
        at = beat * span + offset_of(heard.piece)
        if first <= at < last and beats[beat] != NO_CHORD:
            name = name_of(int(beats[beat]))
            axes.text(at, HIGHEST - 5, name, fontsize=6, clip_on=True)
