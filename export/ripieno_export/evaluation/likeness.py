"""How like human music continuations are, whatever they say.

Used pitch classes, qualified notes, and the overlap area of ten features. Free time has
no bars: seconds are laid on a grid of 120 bpm, so a bar is two seconds, a window of
four bars is one continuation, and a thirty-second is 62.5 ms.

Source: used pitch classes and qualified notes after MuseGAN (Dong et al. 2018); the
overlap area after Yang and Lerch 2020, as `ripieno_export.judge.texture` has it.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np

from ripieno.music.chords import NO_CHORD
from ripieno_export.evaluation.prompts import SPAN_S
from ripieno_export.judge import texture
from ripieno_export.judge.figure import Figure, mean_of
from ripieno_export.judge.pieces import (
    FRAMES_PER_BEAT,
    TestPiece,
    notes_of,
)
from ripieno_export.tokenize import Floats, Notes

BEATS_PER_S: Final = 2.0
BAR_S: Final = 2.0
QUALIFIED_S: Final = 0.0625
FRAMES: Final = round(SPAN_S * BEATS_PER_S * FRAMES_PER_BEAT)


def used_classes(notes: Notes) -> float:
    """Pitch classes in a bar, the mean over bars that have notes; NaN without any."""
    bars = (notes["start"] // BAR_S).astype(np.int64)
    classes = notes["pitch"] % 12
    used = [len(np.unique(classes[bars == bar])) for bar in np.unique(bars)]
    return float(np.mean(used)) if used else float("nan")


def qualified(notes: Notes) -> float:
    """The share of notes that last a thirty-second or longer; NaN without notes."""
    lasting = notes["end"] - notes["start"] >= QUALIFIED_S
    return float(lasting.mean()) if len(notes) else float("nan")


def features(notes: Notes) -> Floats:
    """The ten features of a continuation, shape (1, 10); (0, 10) without notes."""
    on_grid = notes_of(
        notes["start"].astype(np.float64) * BEATS_PER_S,
        notes["end"].astype(np.float64) * BEATS_PER_S,
        notes["pitch"],
        notes["velocity"],
    )
    inside = on_grid[on_grid["start"] < FRAMES]
    return texture.features(inside, _GRID)


_GRID: Final = TestPiece(
    name="eight seconds",
    corpus="",
    family="",
    bpm=60 * BEATS_PER_S,
    meter=(4, 4),
    frames=FRAMES,
    melody=notes_of(np.zeros(0), np.zeros(0), [], []),
    accompaniment=notes_of(np.zeros(0), np.zeros(0), [], []),
    chords=np.full(FRAMES, NO_CHORD),
    chords_from="none",
)


def figures(ours: Sequence[Notes], theirs: Sequence[Notes]) -> dict[str, Figure]:
    """All of them, of one system against what the human played."""
    windows = [features(notes) for notes in ours]
    return {
        "notes a second": mean_of([len(notes) / SPAN_S for notes in ours]),
        "used pitch classes": mean_of([used_classes(notes) for notes in ours]),
        "qualified notes": mean_of([qualified(notes) for notes in ours]),
        "overlap area": texture.overlap_share(windows, [features(n) for n in theirs]),
    }


def ceiling(theirs: Sequence[Notes]) -> float:
    """The overlap area of one half of the human continuations with the other.

    Both halves hold pieces of all kinds: every other piece is in the first.
    """
    windows = [features(notes) for notes in theirs]
    one, other = (np.concatenate(half) for half in (windows[::2], windows[1::2]))
    return texture.overlap(one, other)
