"""How alike the bars of a loop are, before it changes on purpose.

A MIDI clock runs while the human plays; the loop plays along. Two bars are as alike as
the onsets that they share: the same sixteenth of the bar counts as the same onset.
"""

from itertools import pairwise
from typing import Final

import numpy as np

from ripieno.settings.params import Params
from ripieno_export.judge.calls import Call
from ripieno_export.judge.replying import felt, performed
from ripieno_export.judge.simulated import Players
from ripieno_export.tokenize import Ints

SIXTEENTHS: Final = 4
"""Of a quarter note."""


def alike(call: Call, who: Players) -> float:
    """The likeness of the bars that are played to a call; NaN where no beat is known.

    Bars are counted in the song, and so are patterns; see `ripieno.roles.loop`.
    """
    notes = performed(call, "loop", who)
    if not len(call.beats):
        return np.nan
    beats = np.interp(notes["start"], call.beats, np.arange(len(call.beats)))
    steps = np.rint(beats * SIXTEENTHS * felt(call)).astype(np.int64)
    a_bar = call.metre[0] * SIXTEENTHS * 4 // call.metre[1]
    return likeness(steps, a_bar, Params().bars)


def likeness(steps: Ints, a_bar: int, pattern: int) -> float:
    """The mean likeness of neighbouring bars of one pattern; NaN for no such bars.

    Args:
        steps: onsets in sixteenths from the beginning of the song. The last bar is left
            out: the song may stop within it.
        a_bar: sixteenths in a bar.
        pattern: how many bars there are in a pattern.
    """
    bars = steps // a_bar
    played = [
        frozenset((steps[bars == number] % a_bar).tolist())
        for number in range(int(bars.max()) if len(bars) else 0)
    ]
    found = [
        len(one & other) / len(one | other)
        for number, (one, other) in enumerate(pairwise(played), 1)
        if one and other and number % pattern
    ]
    return float(np.mean(found)) if found else np.nan
