"""How a performance begins: the one value that every shell gives to the engine."""

import msgspec

from ripieno.music.timeline import Timeline
from ripieno.settings.params import Params


class Beginning(msgspec.Struct, frozen=True):
    """All that an engine needs to know before it hears anything.

    Attributes:
        params: how to play.
        start_ns: now; bar 1 begins there until a MIDI clock says otherwise.
        seed: what chance starts from where `params` does not say.
        epoch: how many players came before this one in the performance; it keeps the
            revisions of their plans apart.
        timeline: the time that the player before this one kept; None for a new one.
        controls: which MIDI controller turns which parameter: name → number.
        reach_ns: how long before its time a planned note is handed to the port.
        answer_ns: how long after a key an answer that takes thought is due.
    """

    params: Params = Params()
    start_ns: int = 0
    seed: int = 0
    epoch: int = 0
    timeline: Timeline | None = None
    controls: dict[str, int] = {}
    reach_ns: int = 0
    answer_ns: int = 0
