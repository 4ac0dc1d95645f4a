"""How alike the bars of a loop are, before it changes on purpose.

A MIDI clock runs while the human plays; the loop plays along. Two bars are as alike as
the onsets that they share: the same sixteenth of the bar counts as the same onset.
"""

from itertools import pairwise

import numpy as np

from ripieno.settings.params import Params
from ripieno_export.judge.calls import Call
from ripieno_export.judge.replying import felt, performed
from ripieno_export.judge.simulated import Players

SIXTEENTHS = 4


def alike(call: Call, who: Players) -> float:
    """The mean likeness of neighbouring bars of one pattern; NaN for no such bars.

    Bars are counted in the song, and so are patterns; see `ripieno.roles.loop`.
    """
    notes = performed(call, "loop", who)
    if not len(notes) or not len(call.beats):
        return np.nan
    places = np.interp(notes["start"], call.beats, np.arange(len(call.beats)))
    steps = np.rint(places * SIXTEENTHS * felt(call)).astype(np.int64)
    a_bar = call.metre[0] * SIXTEENTHS * 4 // call.metre[1]
    bars = [
        frozenset((steps[steps // a_bar == n] % a_bar).tolist())
        for n in _bars(steps, a_bar)
    ]
    pattern = Params().bars
    found = [
        len(one & other) / len(one | other)
        for number, (one, other) in enumerate(pairwise(bars), 1)
        if one and other and number % pattern
    ]
    return float(np.mean(found)) if found else np.nan


def _bars(steps: "np.ndarray[tuple[int], np.dtype[np.int64]]", a_bar: int) -> range:
    return range(int(steps.max()) // a_bar + 1)
