"""A reply, and the guess at one that may follow: how much of it there is."""

from dataclasses import dataclass, field

from ripieno.protocol import Ask, Plan, PlannedNote
from ripieno.settings.params import Params


@dataclass(slots=True)
class Reply:
    """The machine's turn: asked for, begun, or under way.

    Attributes:
        ask: what was asked for last.
        over_ns: when it was decided on; None for one that goes on with another.
        ready: whether its first section was there by then.
        by_model: whether it is the thinker's; the fallback's if not.
        sections: how many came.
        started: whether a note of it was sent.
        complete: whether all of it is there.
    """

    ask: Ask
    over_ns: int | None = None
    ready: bool = False
    by_model: bool = True
    sections: int = 0
    started: bool = False
    complete: bool = False

    def takes(self, plan: Plan) -> bool:
        """Whether a section is the next one of the plan that is wanted; it counts."""
        if not self.by_model:
            return False
        if (plan.revision, plan.section) != (self.ask.revision, self.sections):
            return False
        self.sections += 1
        self.complete = plan.complete
        return True


@dataclass(slots=True)
class Guess:
    """The reply that follows if the human plays nothing more.

    Attributes:
        reply: as far as it is there; its notes wait in `notes`.
        at_ns: when its first note should sound.
        over_ns: when it is decided on.
        params: by which it was foreseen.
    """

    reply: Reply
    at_ns: int
    over_ns: int
    params: Params
    notes: list[PlannedNote] = field(default_factory=list)
