"""The table of roles: what Ripieno can be asked to play.

A row names the class that plays the role, so that the command line can list the roles
without importing them. Adding a role takes a module and a row.
"""

import enum
from dataclasses import dataclass
from typing import Final

from ripieno.protocol import Ask, Decide, Groove, Sing, ToThinker


class Kind(enum.Enum):
    """When a role plays: at once, on the beat, or when a phrase is over."""

    ECHO = "at once"
    ENSEMBLE = "on the beat"
    TURN = "in turn"


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """What one track of a rendered file holds.

    Attributes:
        name: of the part; empty for the only one.
        program: of General MIDI, counted from 0: 89 is a warm pad, 32 an acoustic bass,
            0 a piano.
    """

    name: str = ""
    program: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Role:
    """A way to play along.

    Attributes:
        name: as on the command line.
        help: what it does, in a line.
        kind: when it plays.
        plays: ``module:name`` of what makes the role's
            `ripieno.roles.performer.Performer` from a `ripieno.roles.seat.Seat`.
        asks: the type of message that asks the thinker for something in this role.
        parts: one a channel, from the parameter `channel` on.
        answers: what `Status.turns` counts, for people; empty where it says nothing.
        decides_beats: whether it decides beat by beat, so that `Status.isr`, `by_model`
            and `asynchrony_p95_ms` say how well it does.
    """

    name: str
    help: str
    kind: Kind
    plays: str
    asks: type[ToThinker]
    parts: tuple[Part, ...] = (Part(),)
    answers: str = ""
    decides_beats: bool = False

    @property
    def is_on_the_beat(self) -> bool:
        """Whether it plays by a tempo, and hears whole beats, not single notes."""
        return self.kind is Kind.ENSEMBLE

    @property
    def is_a_turn(self) -> bool:
        """Whether it waits until a phrase is over."""
        return self.kind is Kind.TURN


ROLES: Final[dict[str, Role]] = {
    role.name: role
    for role in (
        Role(
            name="answer",
            help="replies when a phrase is over",
            kind=Kind.TURN,
            plays="ripieno.roles.turns:answer",
            asks=Ask,
            answers="Replies",
        ),
        Role(
            name="continue",
            help="goes on when a phrase is over, until the human plays",
            kind=Kind.TURN,
            plays="ripieno.roles.turns:go_on",
            asks=Ask,
            answers="Replies",
        ),
        Role(
            name="vary",
            help="replies with a variation of the phrase",
            kind=Kind.TURN,
            plays="ripieno.roles.turns:vary",
            asks=Ask,
            answers="Replies",
        ),
        Role(
            name="accompany",
            help="plays chords, a bass and a texture on the beat",
            kind=Kind.ENSEMBLE,
            plays="ripieno.roles.accompany:Accompany",
            asks=Decide,
            decides_beats=True,
            parts=(
                Part(name="chords", program=89),
                Part(name="bass", program=32),
                Part(name="texture", program=0),
            ),
        ),
        Role(
            name="loop",
            help="plays a pattern of a bar, over and over, on the chords",
            kind=Kind.ENSEMBLE,
            plays="ripieno.roles.loop:Loop",
            asks=Groove,
        ),
        Role(
            name="harmonize",
            help="adds voices below each note, at once",
            kind=Kind.ECHO,
            plays="ripieno.roles.harmonize:Harmonize",
            asks=Sing,
            answers="Keys",
        ),
    )
}
"""Name → row, in the order of the help."""


def asked_of(message: ToThinker) -> str | None:
    """Return the role that a message asks for, or None where it asks for nothing."""
    if isinstance(message, Ask):
        return message.role
    return next((r.name for r in ROLES.values() if r.asks is type(message)), None)
