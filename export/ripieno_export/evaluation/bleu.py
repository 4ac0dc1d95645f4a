"""BLEU-n of continuations: how many of their runs the human played as well.

All continuations of a system count as one text (corpus BLEU), each against the one
reference that it has; a run counts at most as often as it is in the reference, the
precisions of runs of 1 to n words are averaged geometrically, and shorter texts are
punished. No smoothing. Words are pitches in the order of their onsets, or pitches with
the time since the onset before.

Source: Papineni et al. 2002. The human's continuation is one of many good ones, so even
another human would score low. Compare a score with those of the baselines.
"""

from collections import Counter
from collections.abc import Hashable, Sequence
from functools import partial
from typing import Final

import numpy as np

from ripieno.layouts.vocabulary import delta_of
from ripieno_export.judge.figure import Figure, pooled
from ripieno_export.tokenize import Floats, Ints, Notes

LONGEST: Final = 4
COARSE: Final = 12
"""The number of time bins of the vocabulary in one class: a factor of two in time."""
CHORD_S: Final = 0.05
"""Onsets this near to a chord's first belong to it, as in `ripieno.rules.fallback`."""

Words = Sequence[Hashable]


def pitches(notes: Notes) -> Words:
    """Pitches by onset, of one chord the lowest first."""
    return tuple(notes["pitch"][_order(notes)[0]].tolist())


def moves(notes: Notes) -> Words:
    """The same, each with the class of the time since the chord before."""
    order, start_s = _order(notes)
    gaps = np.diff(start_s, prepend=start_s[:1]).tolist()
    said = notes["pitch"][order].tolist()
    return tuple(
        (pitch, -(-delta_of(gap) // COARSE))
        for pitch, gap in zip(said, gaps, strict=True)
    )


def _order(notes: Notes) -> tuple[Ints, Floats]:
    """Where each note stands, and when its chord begins.

    Hands scatter a chord's onsets, so its notes are ordered by pitch.
    """
    by_onset = np.argsort(notes["start"], kind="stable")
    start_s = notes["start"][by_onset].astype(np.float64)
    for place in range(1, len(start_s)):
        if start_s[place] - start_s[place - 1] < CHORD_S:
            start_s[place] = start_s[place - 1]
    order = np.lexsort((notes["pitch"][by_onset], start_s))
    return by_onset[order], start_s[order]


def counts(ours: Words, theirs: Words) -> Floats:
    """What BLEU is made of: for each n matches and runs, then both lengths."""
    found: list[int] = []
    for n in range(1, LONGEST + 1):
        mine, wanted = _runs(ours, n), _runs(theirs, n)
        found += [(mine & wanted).total(), mine.total()]
    return np.array([*found, len(ours), len(theirs)], np.float64)


def _runs(words: Words, n: int) -> Counter[Words]:
    return Counter(tuple(words[i : i + n]) for i in range(len(words) - n + 1))


def score(sums: Floats, n: int) -> float:
    """BLEU-n of summed `counts`."""
    matches, runs = sums[0 : 2 * n : 2], sums[1 : 2 * n : 2]
    ours, theirs = sums[-2:]
    if not matches.all():
        return 0.0
    brevity = min(0.0, 1.0 - theirs / ours)
    return float(np.exp(brevity + np.log(matches / runs).mean()))


def bleu(ours: Sequence[Words], theirs: Sequence[Words]) -> dict[int, Figure]:
    """BLEU-1 to BLEU-4 of texts against their references, with jackknife errors."""
    pairs = zip(ours, theirs, strict=True)
    table = np.array([counts(mine, wanted) for mine, wanted in pairs])
    table = table.reshape(-1, 2 * LONGEST + 2)
    return {n: pooled(table, partial(score, n=n)) for n in range(1, LONGEST + 1)}
