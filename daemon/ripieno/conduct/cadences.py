"""What leads to the end of a phrase: log weights for ii, V and I of a key.

The end takes the tonic; inside a period, between its two phrases, rather the dominant
(a half cadence). In the bar before the end the dominant is likelier, and before that
what prepares it. The melody decides: a weight is a few nats, and a chord that the note
on the beat contradicts is not played.
"""

from collections.abc import Callable
from typing import Final

import numpy as np
import numpy.typing as npt

from ripieno.conduct.phrases import Phrases
from ripieno.music import chords
from ripieno.music.chords import N_CHORDS, NO_CHORD, SUFFIXES
from ripieno.music.spans import Phase

Floats = npt.NDArray[np.float64]

END: Final = 6.0
"""By how many nats the tonic is likelier where a phrase certainly ends."""
DOMINANT: Final = 6.0
"""By how many the dominant is, in the half bar before a certain end."""
RESOLUTION: Final = 6.0
"""By how many the tonic is likelier in addition, after its dominant."""
PREPARATION: Final = 2.0
"""By how many ii, or IV, is likelier in the half bar before the dominant."""
EARLY: Final = 0.4
"""The share of `DOMINANT` that holds more than half a bar before the end."""
HALF_CADENCE: Final = 0.5
"""The share of `END` that the dominant has at the end of the first of two phrases."""

_MAJOR, _MINOR = SUFFIXES.index(""), SUFFIXES.index("m")
_SEVENTH, _MINOR_SEVENTH = SUFFIXES.index("7"), SUFFIXES.index("m7")
_HALF_DIMINISHED: Final = SUFFIXES.index("m7b5")


def dominants(tonic: int) -> tuple[int, int]:
    """Return the dominant of a tonic chord, and its seventh chord."""
    root = chords.root_of(tonic) + 7
    return chords.chord(root, _MAJOR), chords.chord(root, _SEVENTH)


def preparations(tonic: int) -> tuple[int, ...]:
    """Return the chords that prepare the dominant: ii and IV, or iiø and iv."""
    root = chords.root_of(tonic)
    if chords.quality_of(tonic) == _MINOR:
        return chords.chord(root + 2, _HALF_DIMINISHED), chords.chord(root + 5, _MINOR)
    ii, seventh = (chords.chord(root + 2, q) for q in (_MINOR, _MINOR_SEVENTH))
    return ii, seventh, chords.chord(root + 5, _MAJOR)


def weights(
    phrases: Phrases,
    phase_at: Callable[[int], Phase],
    index: int,
    tonic: int,
    before: int,
    every: int | None = None,
) -> Floats:
    """Return the log weights of the chords of a felt beat, [N_CHORDS].

    Args:
        phrases: those that were heard.
        phase_at: where a felt beat lies.
        index: the beat.
        tonic: the tonic chord; `NO_CHORD` where the key is unknown.
        before: the chord of the beat before.
        every: phrases have so many bars; None for as heard.
    """
    found = np.zeros(N_CHORDS)
    if tonic == NO_CHORD:
        return found
    phase = phase_at(index)
    phases = [phase_at(index + ahead) for ahead in range(phase.spans + 1)]
    if every is None:
        ends = [phrases.ending(each) for each in phases]
    else:
        ends = [float(_is_end(each, every)) for each in phases]
    dominant = list(dominants(tonic))
    middle = 1 + max(phase.spans // 2, 1)
    now, near, far = ends[0], max(ends[1:middle]), max(ends[middle:], default=0.0)
    is_half = every is None and phrases.is_half(phase)
    found[tonic] += END * now * (1.0 - HALF_CADENCE if is_half else 1.0)
    if is_half:
        found[dominant[0]] += END * now * HALF_CADENCE
    if before in dominant:
        found[tonic] += RESOLUTION * now
    found[dominant] += DOMINANT * max(near, EARLY * far, now) - DOMINANT * now
    if far > max(now, near):
        found[list(preparations(tonic))] += PREPARATION * far
    return found


def _is_end(phase: Phase, every: int) -> bool:
    """Whether it is the first or the middle beat of the last bar of a phrase."""
    return (phase.bar + 1) % every == 0 and phase.span in (0, phase.spans // 2)
