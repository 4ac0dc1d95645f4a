"""How long chords last: the share of chords that change on a felt beat.

People change chords on strong beats, and hold them otherwise. How likely a change is
depends on the metre, on the place in the bar, and on how long the chord has lasted.
This is the duration model of a semi-Markov chain over chords. It is a prior only: a
note on the beat that contradicts the chord outweighs it, and the chord changes at once.

This module does not know what is heard.
"""

from typing import Final

from ripieno.music.spans import Phase

CHANGES: Final = {
    2: ((0.68, 0.58, 0.61, 0.57), (0.22, 0.72, 0.11, 0.61)),
    3: (
        (0.65, 0.28, 0.71, 0.43, 0.16, 0.71),
        (0.05, 0.37, 0.42, 0.08, 0.19, 0.51),
        (0.16, 0.11, 0.23, 0.23, 0.06, 0.20),
    ),
    4: (
        (0.74, 0.91, 0.45, 0.73, 0.50, 0.61, 0.44, 0.68),
        (0.03, 0.39, 0.14, 0.51, 0.03, 0.24, 0.20, 0.35),
        (0.39, 0.37, 0.30, 0.57, 0.24, 0.13, 0.27, 0.28),
        (0.08, 0.26, 0.04, 0.35, 0.16, 0.26, 0.04, 0.29),
    ),
}
"""Felt beats in a bar → place in the bar → the share of chords that change there, after
they have lasted for 1, 2, … felt beats. Two bars are counted; a longer chord counts as
one that is whole bars shorter. Source: the written chords of POP909, OpenEWLD and
NeonScribe's jazz standards (training parts; each source weighs the same)."""
DOWNBEAT: Final = 0.7
"""The share that changes on a downbeat in a metre that was not counted."""
ELSEWHERE: Final = 0.12
"""The share that changes on another beat of such a metre."""


def changing(phase: Phase, lasted: int) -> float:
    """Return how likely a chord changes on a felt beat.

    Args:
        phase: where the beat lies.
        lasted: for how many felt beats the chord has sounded, from 1 on.
    """
    table = CHANGES.get(phase.spans)
    if table is None:
        return ELSEWHERE if phase.span else DOWNBEAT
    row = table[phase.span]
    over = max(lasted - len(row), 0)
    return row[lasted - 1 - -(-over // phase.spans) * phase.spans]
