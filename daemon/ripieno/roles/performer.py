"""What a role implements.

A role decides what to play and when. It acts only through its seat
(`ripieno.play.seat`). It knows neither clock nor port: every call that acts is given
the time.
"""

from abc import ABC, abstractmethod

from ripieno.conduct.cue import Cue, Section
from ripieno.play.scheduler import Due
from ripieno.protocol import Played, ToPlayer
from ripieno.settings.status import Status, Turn


class Performer(ABC):
    """Plays one role. It has no state of its own. Thread: the engine's.

    Attributes:
        acts: whether `advance` does anything. Some roles only follow the conductor.
    """

    acts: bool = True

    @property
    @abstractmethod
    def turn(self) -> Turn:
        """Who plays now."""

    @abstractmethod
    def on_key(self, event: Played) -> None:
        """Handle a key that went down or up. The history does not have it yet."""

    def on_pedal(self, event: Played) -> None:  # noqa: B027
        """Handle a pedal that went down or up. Most roles ignore it."""

    @abstractmethod
    def on_plan(self, at_ns: int, message: ToPlayer) -> bool:
        """Take an answer of the thinker; return False if it is no longer wanted."""

    @abstractmethod
    def on_thinker_ready(self) -> None:
        """Tell a thinker that has just started what it needs to know."""

    @abstractmethod
    def on_stop(self, at_ns: int) -> None:
        """Handle all-notes-off: the DAW stopped, or its loop began again."""

    @abstractmethod
    def clear_plans(self, at_ns: int) -> None:
        """Drop every plan: panic, a change of role, or a jump in the song."""

    @abstractmethod
    def advance(self, now_ns: int) -> None:
        """Do what is due by now: ask, decide, schedule."""

    @abstractmethod
    def next_ns(self) -> int | None:
        """Return when `advance` next has something to do, or None."""

    def on_cue(self, cue: Cue, now_ns: int) -> None:  # noqa: B027
        """Follow the conductor: a span begins, or its chord changes."""

    def on_section(  # noqa: B027
        self, cue: Cue, section: Section, now_ns: int
    ) -> None:
        """Take notes of the span of a cue. No note on the beat starts before now."""

    def on_rest(self, at_ns: int) -> None:  # noqa: B027
        """Follow the conductor: nothing is to sound."""

    def on_note_sent(self, due: Due, late_ns: int) -> None:  # noqa: B027
        """Handle a planned note-on that was just sent, `late_ns` after it was due."""

    def on_all_sent(self) -> None:  # noqa: B027
        """Handle the end of an `advance`: everything that was due has been sent."""

    def report(self, status: Status) -> Status:
        """Return the status with what only the role knows added."""
        return status
