"""Compares accompaniments with those of humans, four bars at a time.

Ten features a window; their distributions over all windows are compared by overlap.
Three of them are bands that tables show by themselves: notes a bar, groove, and the
entropy of the pitch classes. Nearest to the data is best, in both directions.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np

from ripieno_export.judge.figure import Figure, mean_of
from ripieno_export.judge.pieces import FRAMES_PER_BEAT, Floats, Notes, TestPiece

WINDOW_BARS: Final = 4
FEATURES: Final = (
    "notes a bar",
    "groove",
    "pitch-class entropy",
    "pitches",
    "pitch classes",
    "range",
    "mean pitch",
    "mean interval",
    "mean onset interval",
    "mean duration",
)
"""Source: after Yang and Lerch 2020; groove and entropy after Wu and Yang 2020."""
BINS: Final = 8
"""Source: with eight, POP909's pianos overlap with one another by .83 at 12 songs, .88
at 30 and .93 at 90, which is the known ceiling; with sixteen by .79, .85 and .92."""
SPLITS: Final = 16
"""Random halves of the songs that the overlap is averaged over."""


def features(notes: Notes, piece: TestPiece) -> Floats:
    """The features of each whole window of four bars that has a note.

    Returns:
        Shape (windows, features).
    """
    size = WINDOW_BARS * piece.bar_frames
    first = piece.pickup % piece.bar_frames
    number = (notes["start"] - first) // size
    last = (piece.frames - first) // size
    rows = [
        _features(inside, first + window * size, piece.bar_frames)
        for window in range(last)
        if len(inside := notes[number == window])
    ]
    return np.array(rows, np.float64).reshape(-1, len(FEATURES))


def _features(notes: Notes, first: int, bar: int) -> list[float]:
    """One window's features, in the order of `FEATURES`."""
    pitch = notes["pitch"].astype(np.int64)
    onsets, opening = np.unique(notes["start"], return_index=True)
    classes = np.bincount(pitch % 12, minlength=12)
    tops = np.maximum.reduceat(pitch, opening)
    return [
        len(notes) / WINDOW_BARS,
        groove(onsets - first, bar),
        _bits(classes / classes.sum()),
        len(np.unique(pitch)),
        int((classes > 0).sum()),
        int(np.ptp(pitch)),
        float(pitch.mean()),
        float(np.abs(np.diff(tops)).mean()) if len(tops) > 1 else 0.0,
        float(np.diff(onsets, append=first + WINDOW_BARS * bar).mean()),
        float((notes["end"] - notes["start"]).mean()) / FRAMES_PER_BEAT,
    ]


def groove(onsets: np.ndarray[tuple[int], np.dtype[np.int32]], bar: int) -> float:
    """How alike neighbouring bars of a window are: 1 − the share of differing frames.

    Source: the grooving-pattern similarity of Wu and Yang 2020.
    """
    grid = np.zeros((WINDOW_BARS, bar), np.bool_)
    grid[onsets // bar, onsets % bar] = True
    return float(1.0 - (grid[1:] != grid[:-1]).mean())


def _bits(shares: Floats) -> float:
    found = shares[shares > 0]
    return float(-(found * np.log2(found)).sum())


def overlap(ours: Floats, theirs: Floats) -> float:
    """OA: the mean over features of the area that two histograms share, 0 to 1.

    Both are laid on the same bins, between the 1st and 99th percentile of all windows.
    """
    both = np.concatenate([ours, theirs])
    areas = []
    for column in range(both.shape[1]):
        low, high = np.quantile(both[:, column], [0.01, 0.99])
        edges = np.linspace(low, max(high, low + 1e-9), BINS + 1)
        p, q = (_shares(x[:, column], edges) for x in (ours, theirs))
        areas.append(np.minimum(p, q).sum())
    return float(np.mean(areas))


def _shares(values: Floats, edges: Floats) -> Floats:
    clipped = np.clip(values, edges[0], edges[-1])
    return np.histogram(clipped, edges)[0] / max(len(values), 1)


def overlap_share(
    ours: Sequence[Floats], theirs: Sequence[Floats], seed: int = 0
) -> Figure:
    """The overlap of takes with human pieces, as a share of humans with humans.

    The songs are halved at random: takes of one half against humans of the other,
    divided by humans of the one against humans of the other. So both sides have the
    same number of songs, none in common, and a human scores 1.

    Args:
        ours: the windows' features of each take.
        theirs: those of each song's human accompaniment.
        seed: what chance starts from.

    Returns:
        The mean over halvings. Its error is their spread: halvings of the same songs
        depend on one another, and their mean's error is not known better than that.
    """
    kept = [n for n in range(len(ours)) if len(theirs[n]) and len(ours[n])]
    if len(kept) < 4:
        return Figure(float("nan"), float("nan"), len(kept))
    shares = []
    for number in range(SPLITS):
        order = np.random.default_rng((seed, number)).permutation(kept)
        one, other = order[: len(kept) // 2], order[len(kept) // 2 :]
        real = np.concatenate([theirs[n] for n in other])
        ceiling = overlap(np.concatenate([theirs[n] for n in one]), real)
        shares.append(overlap(np.concatenate([ours[n] for n in one]), real) / ceiling)
    spread = float(np.std(shares, ddof=1))
    return Figure(float(np.mean(shares)), spread, len(kept))


def band(windows: Sequence[Floats], feature: str) -> Figure:
    """A feature's mean over songs, each song by the mean of its windows."""
    column = FEATURES.index(feature)
    return mean_of(
        [song[:, column].mean() if len(song) else np.nan for song in windows]
    )
