"""The seat of a player: all that a role can read, and all that it can do."""

from collections.abc import Callable, Iterable

from ripieno.hear.history import History
from ripieno.music.meter import Meter
from ripieno.music.timeline import Timeline
from ripieno.play.ledger import is_planned
from ripieno.protocol import PlannedNote, ToThinker
from ripieno.roles.performance import Performance
from ripieno.roles.player import Tell
from ripieno.rules.harmony import Tables
from ripieno.settings.beginning import Beginning
from ripieno.settings.params import Params, Parsed


class Seat:
    """A role's view of the performance. Thread: the engine's.

    Attributes:
        seed: what random choices start from.
        tables: what the harmony rules know; None for plain ones.
        is_resumed: whether a player before this one died in the same performance.
        replies: how many were decided on, by this player and those before it.
    """

    def __init__(
        self, begins: Beginning, performance: Performance, tables: Tables | None
    ) -> None:
        self._performance, self.tables = performance, tables
        seed = begins.params.seed
        self.seed = begins.seed if seed is None else seed
        self.is_resumed = bool(begins.epoch)
        self._revision = self.replies = begins.epoch << 32

    @property
    def params(self) -> Params:
        """The parameters as they are now."""
        return self._performance.params

    @property
    def parsed(self) -> Parsed:
        """The values of the texts among the parameters."""
        return self._performance.parsed

    @property
    def meter(self) -> Meter:
        """The meter that is played in."""
        return self._performance.parsed.meter

    @property
    def timeline(self) -> Timeline:
        """The mapping between ticks and nanoseconds as it is now."""
        return self._performance.timeline

    @property
    def is_running(self) -> bool:
        """Whether the song moves."""
        return self._performance.transport.running

    @property
    def jumps(self) -> tuple[int, int]:
        """How often the song has jumped, and the tick that it last jumped from."""
        return self._performance.transport.jumps, self._performance.transport.left_ticks

    @property
    def now_ns(self) -> int:
        """The time that the engine was last given."""
        return self._performance.now_ns

    @property
    def reach_ns(self) -> int:
        """How long before it is due a planned note is handed to the port."""
        return self._performance.reach_ns

    @property
    def answer_ns(self) -> int:
        """How long after a key a voice that the thinker chose is due."""
        return self._performance.answer_ns

    @property
    def history(self) -> History:
        """What was really played, by both sides."""
        return self._performance.history

    @property
    def holds_keys(self) -> bool:
        """Whether the human holds a key."""
        return self._performance.listener.holds_keys

    @property
    def has_scheduled(self) -> bool:
        """Whether a scheduled note has yet to begin or to end."""
        return not self._performance.scheduler.is_empty

    def next_revision(self) -> int:
        """Return a number that no plan had before, not even one of a dead player."""
        self._revision += 1
        return self._revision

    def tell(self, message: ToThinker) -> None:
        """Send a message to the thinker."""
        self._performance.out.append(Tell(message))

    def schedule(
        self,
        notes: Iterable[PlannedNote],
        *,
        at_ns: int | None = None,
        earliest_ticks: int | None = None,
    ) -> list[int]:
        """Schedule notes; return the ids of those that are not too late.

        Args:
            notes: in any order.
            at_ns: when notes that start in that very tick are due; None for the
                beginning of the tick.
            earliest_ticks: notes that start before it are dropped; None for no limit.
        """
        return self._performance.scheduler.add(notes, earliest_ticks, at_ns)

    def cancel(self, which: Callable[[int], bool]) -> None:
        """Remove scheduled notes that have not begun and whose ids match."""
        self._performance.scheduler.cancel(which)

    def clear_schedule(self) -> None:
        """Remove everything that is scheduled, note-offs too; call `release` next."""
        self._performance.scheduler.clear()

    def release(
        self,
        at_ns: int,
        which: Callable[[int], bool] = is_planned,
        due_ns: int | None = None,
    ) -> None:
        """End sounding notes; see `ripieno.roles.performance.Performance.release`."""
        self._performance.release(at_ns, which, due_ns)

    def count(self, name: str, by: int = 1) -> None:
        """Add to one of `ripieno.roles.performance.COUNTS`."""
        self._performance.counts[name] += by

    def add_wait(self, wait_ns: int) -> None:
        """Count how long it took until there was something to reply with."""
        self._performance.waits.add(wait_ns)

    def mark_acted(self) -> None:
        """Report a change of state that sends nothing, so that the journal has it."""
        self._performance.acted = True
