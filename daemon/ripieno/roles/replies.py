"""A reply of the machine's: one that is decided on, and one that is only foreseen."""

from dataclasses import dataclass, field

from ripieno.protocol import Ask, Plan, PlannedNote
from ripieno.settings.params import Params


@dataclass(slots=True)
class Reply:
    """A reply that was asked for, and what came of it.

    Attributes:
        ask: what was asked for last.
        over_ns: when it was decided on; None for one that continues another.
        ready: whether its first section was there by then.
        by_model: whether the thinker made it, not the fallback.
        sections: how many sections came.
        started: whether a note of it was sent.
        complete: whether all sections came.
    """

    ask: Ask
    over_ns: int | None = None
    ready: bool = False
    by_model: bool = True
    sections: int = 0
    started: bool = False
    complete: bool = False

    def takes(self, plan: Plan) -> bool:
        """Take a section; return False if it is not the next one of this reply."""
        if not self.by_model:
            return False
        if (plan.revision, plan.section) != (self.ask.revision, self.sections):
            return False
        self.sections += 1
        self.complete = plan.complete
        return True


@dataclass(slots=True)
class Guess:
    """The reply that follows if the human plays nothing more. None of it sounds.

    Attributes:
        reply: what was asked for.
        at_ns: when its first note is to sound.
        over_ns: when it is decided on.
        params: the parameters with which it was asked for.
        notes: of the sections that came.
    """

    reply: Reply
    at_ns: int
    over_ns: int
    params: Params
    notes: list[PlannedNote] = field(default_factory=list)
