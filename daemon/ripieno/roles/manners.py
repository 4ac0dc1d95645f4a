"""In what manner a phrase is filled, where the musician leaves it open.

A pianist does not fill a whole song alike: every four bars POP909's change their density
about every second time. Left to itself the network stays in whatever manner it fell
into, sparse or thick, to the end. So a manner is drawn for each phrase, as often as
pianists play it; what the musician asks for is kept.
"""

import random
from typing import Final

from ripieno.music.duet import DENSITIES, STYLES, VOICES, Manner, Phase, class_of
from ripieno.params import Params

PHRASE_BARS: Final = 4

POP: Final = {
    (4, 2): 138, (6, 3): 124, (5, 2): 102, (5, 3): 93, (6, 2): 62, (7, 3): 56,
    (6, 1): 51, (4, 1): 46, (3, 2): 44, (4, 3): 43, (7, 2): 38, (3, 1): 35,
}  # fmt: skip
"""How often, per mille, pianists of POP909 play four bars so dense and so thick
(classes of `duet.DENSITIES` and `duet.VOICES`); rarer manners are left out."""
SONG: Final = {
    (8, 4): 147, (7, 4): 121, (6, 3): 98, (6, 4): 84, (5, 4): 65, (8, 3): 59,
    (7, 3): 58, (5, 3): 53, (7, 2): 41, (5, 2): 39, (4, 4): 38,
}  # fmt: skip
"""The same of the art songs of OpenScore."""


def manner_of(params: Params, phase: Phase, seed: int) -> Manner:
    """How to fill a span: as asked, else as its phrase is."""
    style = STYLES.index(params.style)
    density = class_of(params.busy, DENSITIES) if params.busy else 0
    voices = class_of(params.thick, VOICES) if params.thick else 0
    if density or voices:
        return Manner(density, voices, style)
    table = SONG if params.style == "song" else POP
    chance = random.Random(f"{seed}/{phase.bar // PHRASE_BARS}")
    (density, voices), *_ = chance.choices(list(table), list(table.values()))
    return Manner(density, voices, style)
