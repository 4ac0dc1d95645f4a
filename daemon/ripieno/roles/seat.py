"""The seat of a performer: all that it can read, and all that it can do."""

from ripieno.music.meter import Meter
from ripieno.music.timeline import Timeline
from ripieno.protocol import ToThinker
from ripieno.roles.performance import Performance
from ripieno.roles.performer import Tell
from ripieno.rules.harmony import Tables
from ripieno.settings.beginning import Beginning
from ripieno.settings.params import Params, Parsed


class Seat:
    """A role's view of the performance. Thread: the engine's.

    Attributes:
        seed: what random choices start from.
        tables: what the harmony rules know; None for plain ones.
        is_resumed: whether a player before this one died in the same performance.
        replies: how many were decided on, by this performer and those before it.
        reach_ns: how long before it is due a planned note is handed to the port.
        answer_ns: how long after a key a voice that the thinker chose is due.
        history: what was really played, by both sides.
        schedule, cancel, clear_schedule: `Scheduler.add`, `cancel` and `clear`. After
            `clear_schedule` what sounds has to be released.
        release: `Performance.release`: ends notes that sound.
        add_wait: counts how long it took until there was something to reply with.
    """

    def __init__(
        self, begins: Beginning, performance: Performance, tables: Tables | None
    ) -> None:
        self._performance, self.tables = performance, tables
        seed = begins.params.seed
        self.seed = begins.seed if seed is None else seed
        self.is_resumed = bool(begins.epoch)
        self._revision = self.replies = begins.epoch << 32
        self.reach_ns, self.answer_ns = begins.reach_ns, begins.answer_ns
        self.history, self.release = performance.history, performance.release
        self.schedule = performance.scheduler.add
        self.cancel = performance.scheduler.cancel
        self.clear_schedule = performance.scheduler.clear
        self.add_wait = performance.waits.add

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

    def count(self, name: str, by: int = 1) -> None:
        """Add to one of `ripieno.roles.performance.COUNTS`."""
        self._performance.counts[name] += by

    def mark_acted(self) -> None:
        """Report a change of state that sends nothing, so that the journal has it."""
        self._performance.acted = True
