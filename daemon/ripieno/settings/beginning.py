"""How a performance begins: the value that every shell gives to the engine."""

import msgspec

from ripieno.music.timeline import Timeline
from ripieno.settings.ensemble import Ensemble, SeatSettings
from ripieno.settings.params import Params


class Beginning(msgspec.Struct, frozen=True):
    """Everything that an engine needs before it can start.

    Attributes:
        params: how to play, for all seats.
        seats: the seats; none for those of the role.
        start_ns: now; bar 1 begins here until a MIDI clock says otherwise.
        seed: the random seed where `params` has none.
        epoch: how many players came before this one in the performance. It keeps the
            revision numbers of their plans apart.
        timeline: the timeline of the player before this one; None for a new one.
        meter: the metre that the player before this one heard; empty for none.
        controls: parameter → number of the MIDI controller that changes it.
        programs: seat → the roles that MIDI programs 1, 2, … on its channel select.
        reach_ns: how long before its time a planned note is handed to the port.
        answer_ns: how long after a key an answer that takes thought is due.
        sets_up: whether seats send their program and volume. A file that is rendered
            has them at the start of its tracks.
    """

    params: Params = Params()
    seats: tuple[SeatSettings, ...] = ()
    start_ns: int = 0
    seed: int = 0
    epoch: int = 0
    timeline: Timeline | None = None
    meter: str = ""
    controls: dict[str, int] = {}
    programs: dict[str, tuple[str, ...]] = {}
    reach_ns: int = 0
    answer_ns: int = 0
    sets_up: bool = False

    @property
    def ensemble(self) -> Ensemble:
        """The parameters of all seats."""
        return Ensemble(self.params, self.seats)
