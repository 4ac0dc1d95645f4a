"""The states of a role of turns, what changes them, and the values that they have."""

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import NoneType
from typing import Final

from ripieno.protocol import Ask, Plan
from ripieno.settings.params import Params


class State(enum.Enum):
    """What a role of turns is waiting for."""

    LISTENING = "a moment at which the phrase may be over"
    GUESSED = "the end of the phrase; a speculative reply is asked for"
    AWAITED = "the first section of the reply"
    COMING = "the next section of the reply"
    WHOLE = "the end of the reply; all its sections came"
    FALLBACK = "the end of the reply; the fallback made it"


class Cause(enum.Enum):
    """What changes the state."""

    PAUSE = "no key is held, so the phrase may be over"
    HUMAN = "a key, a pedal or a parameter was changed"
    SECTION = "a section came, and more will come"
    LAST_SECTION = "the last section came, or no more will come"
    TIME = "what was waited for is due"
    PLAYED = "all notes of a closing reply were sent"
    CUT = "the reply was stopped: a key went down, all-notes-off, panic"


TRANSITIONS: Final[Mapping[tuple[State, Cause], State]] = {
    (State.LISTENING, Cause.PAUSE): State.GUESSED,
    (State.GUESSED, Cause.HUMAN): State.LISTENING,
    (State.GUESSED, Cause.SECTION): State.GUESSED,  # none of it sounds yet
    (State.GUESSED, Cause.LAST_SECTION): State.GUESSED,
    (State.GUESSED, Cause.TIME): State.AWAITED,
    (State.AWAITED, Cause.SECTION): State.COMING,
    (State.AWAITED, Cause.LAST_SECTION): State.WHOLE,
    (State.AWAITED, Cause.TIME): State.FALLBACK,
    (State.AWAITED, Cause.CUT): State.LISTENING,
    (State.COMING, Cause.SECTION): State.COMING,
    (State.COMING, Cause.LAST_SECTION): State.WHOLE,
    (State.COMING, Cause.TIME): State.AWAITED,  # `continue` has no music left
    (State.COMING, Cause.CUT): State.LISTENING,
    (State.WHOLE, Cause.TIME): State.COMING,  # `continue` asks for more
    (State.WHOLE, Cause.PLAYED): State.LISTENING,
    (State.WHOLE, Cause.CUT): State.LISTENING,
    (State.FALLBACK, Cause.TIME): State.AWAITED,  # `continue` asks anew
    (State.FALLBACK, Cause.PLAYED): State.LISTENING,
    (State.FALLBACK, Cause.CUT): State.LISTENING,
}
"""State and cause → next state. A cause without a row changes nothing."""


@dataclass(slots=True)
class Guess:
    """The reply that follows if the human plays nothing more: the value of `GUESSED`.

    Attributes:
        ask: what was asked for.
        at_ns: when its first note is to sound.
        over_ns: when it is decided on.
        params: the parameters with which it was asked for.
        plans: the sections that came.
    """

    ask: Ask
    at_ns: int
    over_ns: int
    params: Params
    plans: list[Plan] = field(default_factory=list)

    @property
    def sections(self) -> int:
        """How many sections came."""
        return len(self.plans)


@dataclass(slots=True)
class Reply:
    """A reply that was decided on: the value of every state that has no other.

    Attributes:
        ask: what was asked for last.
        over_ns: when it was decided on; None for one that continues another.
        ready: whether its first section was there by then.
        started: whether a note of it, or of the one that it continues, was sent.
        sections: how many sections came.
    """

    ask: Ask
    over_ns: int | None = None
    ready: bool = False
    started: bool = False
    sections: int = 0


VALUES: Final = {State.LISTENING: NoneType, State.GUESSED: Guess}
"""The type of the value of these states; that of the others is `Reply`."""
