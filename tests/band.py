"""A player on an open port, with rings and a journal, in simulated time."""

from ripieno.clock import NS_PER_MS, NS_PER_S, SimulatedClock
from ripieno.commands.replay import replay
from ripieno.files.journal import JournalFile
from ripieno.files.recorder import Recorder
from ripieno.inference.tables import maybe_tables
from ripieno.ipc import notes
from ripieno.ipc.ring import Ring
from ripieno.music import messages
from ripieno.ports.memory import MemoryPort
from ripieno.processes.player import Player, Start, begin
from ripieno.settings.config import Settings
from ripieno.settings.ensemble import Change
from ripieno.settings.params import Params


class Band:
    """A player and a model in simulated time, as live: rings, journal, an open port."""

    def __init__(self, folder, play=None, told_bytes=1 << 20, log_bytes=1 << 20):
        self.clock = SimulatedClock(5 * NS_PER_S)
        self.port = MemoryPort(self.clock)
        self.path = folder / "journal.jsonl"
        self.file: JournalFile | None = None
        sizes = (1 << 20, told_bytes, log_bytes)
        self._rings = [Ring(memoryview(bytearray(size))) for size in sizes]
        self.log = Recorder(self._rings[2])
        settings = Settings(play=play or Params())
        engine = begin(
            settings, self.clock, Start(1, maybe_tables()), self.log, self.port
        )
        self.player = Player(
            self.port, engine, self.clock,
            inbox=self._rings[0], outbox=self._rings[1], log=self.log,
        )  # fmt: skip
        self.sent = []

    @property
    def params(self):
        return self.player.shown().ensemble.params

    def run(self, for_s):
        for _ in range(int(for_s * 1000)):
            self.clock.wait_until(self.clock.now_ns() + NS_PER_MS)
            self.player.turn()
            self.sent += self.port.taken()
            self._rings[1].read()

    def feed(self, *data):
        for each in data:
            self.port.feed(each)
        self.run(0.002)

    def play(self, *pitches):
        for pitch in pitches:
            self.feed(messages.note_on(0, pitch, 70))
            self.run(0.25)
            self.feed(messages.note_off(0, pitch))
            self.run(0.1)

    def change(self, record=None, **fields):
        """Change parameters by a record as it is, or by what it says."""
        change = notes.encode_change(Change(fields)) if record is None else record
        self.player.change(change)
        self.run(0.002)

    def keep(self):
        """Let the supervisor write the journal: what it says of it, or None."""
        if self.file is None:
            self.file = JournalFile(self.path)
        return self.file.write(self._rings[2].read())

    def replayed(self):
        self.player.release()
        self.sent += self.port.taken()
        self.keep()
        if self.log.tell_of_loss():
            self.keep()
        assert self.file is not None
        self.file.close()
        return replay(self.path)
