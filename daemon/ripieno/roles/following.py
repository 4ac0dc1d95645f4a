"""What the roles have in common that play what the conductor decides."""

from ripieno.protocol import Played, ToPlayer
from ripieno.roles.performer import Performer
from ripieno.settings.status import Turn


class Following(Performer):
    """A role that acts only on cues and sections. Subclasses say what they play."""

    acts = False

    @property
    def turn(self) -> Turn:
        """The conductor knows it."""
        return "idle"

    def on_key(self, event: Played) -> None:
        """Do nothing: the conductor hears the human."""

    def on_plan(self, at_ns: int, message: ToPlayer) -> bool:
        """Take nothing: the conductor asks the thinker."""
        del at_ns, message
        return False

    def on_thinker_ready(self) -> None:
        """Do nothing, likewise."""

    def on_rest(self, at_ns: int) -> None:
        """Stop playing."""
        self.clear_plans(at_ns)

    def on_stop(self, at_ns: int) -> None:
        """Stop playing."""
        self.clear_plans(at_ns)

    def advance(self, now_ns: int) -> None:
        """Do nothing: cues come when they are due."""

    def next_ns(self) -> int | None:
        """Return None, likewise."""
        return None
