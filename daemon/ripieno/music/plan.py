"""What the player and the thinker say to each other; also what the journal holds.

To the thinker: `Played` (something really sounded or stopped), `Ask` (a plan is
wanted), `Reset` (forget all). From it: `Ready`, `Plan`. All are frozen values that
encode to one line of JSON, tagged with their type; `encode` and the decoders are exact
inverses.
"""

from typing import Final

import msgspec

from ripieno.music.timeline import Timeline
from ripieno.music.vocabulary import HUMAN

FOLLOW_HUMAN: Final = -1


class Played(msgspec.Struct, frozen=True, tag=True):
    """Something that really happened at an instant.

    Attributes:
        at_ns: when: stamped on arrival (human), or when it was sent (machine).
        source: 0 human, 1 machine.
        pitch: 0 … 127, or 128 for the sustain pedal, 129 for the soft pedal.
        velocity: 1 … 127 for down, 0 for up.
    """

    at_ns: int
    source: int
    pitch: int
    velocity: int

    @property
    def is_human_onset(self) -> bool:
        """Whether the human struck a note (not a pedal)."""
        return self.source == HUMAN and self.velocity > 0 and self.pitch < 128


class Limits(msgspec.Struct, frozen=True):
    """Hard limits on what may be planned; see `ripieno.params.Params` for meanings.

    Attributes:
        tightness: how strongly onsets are drawn to the grid, 0 … 1.
        scale: bit c set where pitch class c is allowed; `FOLLOW_HUMAN` for what the
            human plays in.
    """

    low: int = 0
    high: int = 127
    polyphony: int = 16
    density: float = 40.0
    scale: int = 0xFFF
    temperature: float = 1.0
    top_p: float = 1.0
    tightness: float = 0.0


class Ask(msgspec.Struct, frozen=True, tag=True):
    """A plan is wanted.

    Attributes:
        revision: which plan; a later Ask with the same one wants more of it.
        timeline: how ticks and nanoseconds meet.
        start_ticks: when its first note sounds; it is scheduled to the tick.
        until_ticks: how far to plan.
        closing: whether the music should come to an end there.
        pulse_ticks: the beat felt in the phrase that is answered.
        grid_ticks: the even grid that its onsets lie on; 0 where they are free.
        seed: what chance starts from.
        limits: what is allowed.
    """

    revision: int
    timeline: Timeline
    start_ticks: int
    until_ticks: int
    closing: bool
    pulse_ticks: int
    grid_ticks: int
    seed: int
    limits: Limits


class PlannedNote(msgspec.Struct, frozen=True, array_like=True):
    """A note to come: ``start_ticks <= end_ticks``, both absolute."""

    start_ticks: int
    end_ticks: int
    pitch: int
    velocity: int


class Plan(msgspec.Struct, frozen=True, tag=True):
    """A section of a plan.

    Attributes:
        revision: the Ask that it answers; any other than the current one is stale.
        section: 0, 1, … within the revision.
        notes: by start.
        until_ticks: no later section holds a note that starts before this.
        complete: whether the Ask is answered to its end.
    """

    revision: int
    section: int
    notes: tuple[PlannedNote, ...]
    until_ticks: int
    complete: bool


class Ready(msgspec.Struct, frozen=True, tag=True):
    """The thinker is warm. `why` says on what it runs and why, in one line."""

    model: str
    sha256: str
    provider: str
    why: str


class Reset(msgspec.Struct, frozen=True, tag=True):
    """Forget everything played; what follows is the whole history."""


ToThinker = Played | Ask | Reset
ToPlayer = Ready | Plan

encode = msgspec.json.Encoder().encode
decode_to_thinker = msgspec.json.Decoder(ToThinker).decode
decode_to_player = msgspec.json.Decoder(ToPlayer).decode
