"""A performance in simulated time with a player, a thinker and a journal."""

from tests.command import S

from ripieno import protocol
from ripieno.clock import NS_PER_MS, SimulatedClock
from ripieno.files.journal import JournalFile
from ripieno.inference.manifest import for_role
from ripieno.inference.tables import maybe_tables
from ripieno.ipc import notes
from ripieno.ipc.ring import Ring
from ripieno.minds.minds import Minds
from ripieno.music import messages
from ripieno.play import ledger
from ripieno.ports.memory import MemoryPort
from ripieno.processes.loading import wake
from ripieno.processes.player import Player, Start, begin
from ripieno.processes.thinker import Thinker
from ripieno.protocol import EVERYONE, Reply
from ripieno.settings.config import Settings
from ripieno.settings.ensemble import Change, minds_of
from ripieno.settings.params import Params
from ripieno.settings.roles import ROLES

RING_BYTES = 1 << 18


class Performance:
    """A player and a thinker in one process, in simulated time, with a journal."""

    def __init__(
        self, path, params=None, *, seats=(), thinks_every_ms=1, told_bytes=RING_BYTES
    ):
        self.clock = SimulatedClock(7 * S)
        self.port = MemoryPort(self.clock)
        self.settings = Settings(play=params or Params(), seats=seats)
        sizes = (RING_BYTES, told_bytes, RING_BYTES)
        self._rings = [Ring(memoryview(bytearray(size))) for size in sizes]
        self._file, self._every_ms = JournalFile(path), thinks_every_ms
        self._memory = memoryview(bytearray(ledger.SIZE))
        self._epoch = 0
        self.new_thinker()
        self.new_player()

    def new_thinker(self):
        """The model, fresh; a player that is there hears of it through the ring."""
        to_player, to_thinker, _ = self._rings
        self._minds = Minds(lambda role: wake(for_role(role), "cpu"))
        self.ready, *others = [
            self._minds.load(role) for role in minds_of(self.settings.ensemble)
        ]
        for each in others:
            to_player.write(protocol.encode(Reply(EVERYONE, each)))
        if self.settings.seats:
            self._minds.load_all(role.models for role in ROLES.values())
        to_thinker.skip()
        self._thinker = Thinker(self._minds, to_thinker, to_player)

    def new_player(self):
        """A player; whatever one before it left sounding is released."""
        to_player, to_thinker, log = self._rings
        engine = begin(
            self.settings, self.clock,
            Start(1, maybe_tables(), self._epoch, self._memory), log, self.port,
        )  # fmt: skip
        self._epoch += 1
        self.player = Player(
            self.port, engine, self.clock, inbox=to_player, outbox=to_thinker, log=log
        )
        self.player.meet(self.ready)
        self.player.release()

    def play(self, *pitches, silence_s=4.0):
        """Five notes a second, then a silence."""
        for pitch in pitches:
            self.port.feed(messages.note_on(0, pitch, 70))
            self.run(0.15)
            self.port.feed(messages.note_off(0, pitch))
            self.run(0.05)
        self.run(silence_s)

    def change(self, **change):
        """Change parameters and seats as `ripieno set` and `ripieno seat` do."""
        self.player.change(notes.encode_change(Change(**change)))

    def run(self, for_s):
        """Let time pass, a millisecond at a time."""
        for _ in range(int(for_s * 1000)):
            self.clock.wait_until(self.clock.now_ns() + NS_PER_MS)
            self.player.turn()
            if self.clock.now_ns() // NS_PER_MS % self._every_ms == 0:
                for letter in self._thinker.hear():
                    self._minds.receive(letter)
                self._thinker.answer()
            self._log()

    def end(self):
        """Release everything and end the journal."""
        self.player.release()
        self._log()
        self._file.close()

    def _log(self):
        assert self._file.write(self._rings[2].read()) is None
