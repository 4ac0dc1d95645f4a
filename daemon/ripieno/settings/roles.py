"""The table of roles: what Ripieno can be asked to play.

A row names the class that plays the role, so that the command line can list the roles
without importing them. Adding a role takes a module and a row. A row may instead name
the seats that play it together, each with a role of its own.
"""

import enum
from dataclasses import dataclass
from typing import Final

from ripieno.protocol import Ask, Decide, Groove, Sing, ToThinker

CONDUCTING: Final = "accompany"
"""The name under which models say that they decide chords and textures."""
BAND_VOLUME: Final = 84
"""3 dB below what a soloist's channel begins with: a texture of several voices was 4 dB
louder than a melody, both on a piano of FluidR3."""
PAD_VOLUME: Final = 45
"""The warm pad of FluidR3 is so loud that at 100 it covers a piano melody by 9 dB."""


class Kind(enum.Enum):
    """When a role plays: at once, on the beat, or when a phrase is over."""

    ECHO = "at once"
    ENSEMBLE = "on the beat"
    TURN = "in turn"


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A seat that a role of several seats begins with.

    Attributes:
        name: of the seat.
        role: what it plays.
        formerly: its name in the parameter `parts`.
    """

    name: str
    role: str
    formerly: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Role:
    """A way to play along.

    Attributes:
        name: as on the command line.
        help: what it does, in a line.
        kind: when it plays.
        plays: ``module:name`` of what makes a `ripieno.roles.performer.Performer` from
            a `ripieno.play.seat.Seat`; empty where several seats play it.
        seats: those seats, one a channel, from the parameter `channel` on.
        model: the name under which models say that they play it; empty for its own.
        asks: the type of message that asks the thinker for something in this role.
        program: of General MIDI, counted from 0: 89 is a warm pad, 32 an acoustic bass,
            0 a piano.
        volume: of its channel, 0 … 127. General MIDI begins with 100.
        follows: whether it plays what the conductor decides.
        shapes_texture: whether the conductor writes the texture by its parameters.
        answers: what `Status.turns` counts, for people; empty where it says nothing.
        decides_beats: whether it decides beat by beat, so that `Status.isr`, `by_model`
            and `asynchrony_p95_ms` say how well it does.
    """

    name: str
    help: str
    kind: Kind
    plays: str = ""
    seats: tuple[Place, ...] = ()
    model: str = ""
    asks: type[ToThinker]
    program: int = 0
    volume: int = 100
    follows: bool = False
    shapes_texture: bool = False
    answers: str = ""
    decides_beats: bool = False

    @property
    def is_on_the_beat(self) -> bool:
        """Whether it plays by a tempo, and hears whole beats, not single notes."""
        return self.kind is Kind.ENSEMBLE

    @property
    def models(self) -> str:
        """The name under which models say that they play it."""
        return self.model or self.name

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
            model="answer",
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
            help="plays chords, a bass and a texture on the beat, in three seats",
            kind=Kind.ENSEMBLE,
            seats=(
                Place(name="pad", role="pad", formerly="chords"),
                Place(name="bass", role="bass"),
                Place(name="keys", role="keys", formerly="texture"),
            ),
            asks=Decide,
            decides_beats=True,
        ),
        Role(
            name="pad",
            help="holds the chord of the beat",
            kind=Kind.ENSEMBLE,
            plays="ripieno.roles.pad:Pad",
            model=CONDUCTING,
            asks=Decide,
            program=89,
            volume=PAD_VOLUME,
            follows=True,
            decides_beats=True,
        ),
        Role(
            name="bass",
            help="plays the bass of the chord",
            kind=Kind.ENSEMBLE,
            plays="ripieno.roles.bass:Bass",
            model=CONDUCTING,
            asks=Decide,
            program=32,
            volume=BAND_VOLUME,
            follows=True,
            decides_beats=True,
        ),
        Role(
            name="keys",
            help="plays a texture on the chord",
            kind=Kind.ENSEMBLE,
            plays="ripieno.roles.textured:keys",
            model=CONDUCTING,
            asks=Decide,
            volume=BAND_VOLUME,
            follows=True,
            shapes_texture=True,
            decides_beats=True,
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
    """Return the name of the models that a message asks, or None if it asks nothing."""
    if isinstance(message, Ask):
        return message.role
    return next((r.models for r in ROLES.values() if r.asks is type(message)), None)
