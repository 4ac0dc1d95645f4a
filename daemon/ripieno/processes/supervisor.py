"""Starts the player and the thinker, watches them, and restarts them.

::

    thinker warm ─▶ player opens its ports ─▶ watch ─▶ stop flag ─▶ released, closed
                                               │ ▲
        died, hung, or its server went away    ▼ │  started again, connections put back

The ledger of sounding notes and the player's parameters are in the shared block. So
when a player is killed, the next one releases its notes and plays by its parameters.
The supervisor writes the journal to its file, because the playing process must not wait
for a disk. It ends with one sentence when nothing can be done.
"""

import os
import signal
from collections.abc import Callable
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Final

import msgspec

from ripieno.clock import NS_PER_MS, NS_PER_S, Clock
from ripieno.errors import FileError, ModelError, PortError, RipienoError
from ripieno.files.journal import JournalFile, Lost, encode
from ripieno.ipc import notes, presence
from ripieno.ipc.block import LOADING_NS, Block
from ripieno.ipc.waking import new_bells
from ripieno.ports.server import Server
from ripieno.processes import patchbay_process
from ripieno.processes.child import Child, start_process, start_thinker
from ripieno.processes.player_process import Orders
from ripieno.processes.standby import Standby
from ripieno.protocol import Ready
from ripieno.settings.config import Settings

TURN_NS: Final = 10 * NS_PER_MS
LOOK_NS: Final = 200 * NS_PER_MS
OPENING_NS: Final = 20 * NS_PER_S
"""A player tries to open its ports for 3 s, a bridge for 5; libjack may hang."""
HUNG_PLAYER_NS: Final = 700 * NS_PER_MS
"""Its heartbeat comes every 20 ms; a machine stalls for 10 ms, a busy one for 100."""
HUNG_THINKER_NS: Final = 10 * NS_PER_S
"""Its heartbeat comes between sections; the slowest one takes about 1 s."""
HUNG_PATCHBAY_NS: Final = 5 * NS_PER_S
"""Its heartbeat comes five times a second; libjack may wait for ever."""
SETTLED_NS: Final = 2 * NS_PER_S
"""How long a player has run before another process may load beside it."""
STANDBY_NS: Final = 5 * NS_PER_S
"""The least time between two starts of the standby process."""
MOST_STARTS: Final = 5
"""After five starts in twenty seconds a further one would not help."""


class Supervisor:
    """One live performance. Thread: the main one, which gets the signals."""

    def __init__(
        self,
        settings: Settings,
        clock: Clock,
        *,
        seed: int,
        show: Callable[[notes.Note], None],
        say: Callable[[str], None],
    ) -> None:
        """Prepare; nothing starts yet.

        Args:
            settings: with the backend already chosen.
            clock: the system's.
            seed: the random seed.
            show: called with every message of a child (reports, readiness).
            say: called with a sentence when something was lost or came back.
        """
        self._settings, self._clock, self._seed = settings, clock, seed
        self._show, self._say = show, say
        self._server = Server(settings.backend)
        self._epoch = 0
        self._stopping = False
        self._block: Block  # made by `run`
        self._bells = new_bells()
        self._thinker = Child("thinker", HUNG_THINKER_NS, self._start_thinker)
        self._player = Child("player", HUNG_PLAYER_NS, self._start_player)
        self._patchbay = Child("patchbay", HUNG_PATCHBAY_NS, self._start_patchbay)
        self._patchbay_rests_until_ns = 0
        self._failures: dict[str, notes.Failure] = {}  # by the child that said so
        self._standby: Standby | None = None
        self._standby_rests_until_ns = 0
        self._journal: JournalFile | None = None
        self._ready: list[Ready] = []
        self._is_open = False
        self._presence: Path | None = None

    def run(self) -> None:
        """Play until SIGINT or SIGTERM.

        Raises:
            ModelError: the model cannot be loaded.
            PortError: the ports cannot be opened, or the server went away for good.
            FileError: the journal cannot be written.
        """
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._on_signal)
        self._block = Block()  # a signal before would leave the memory behind
        try:
            if self._settings.journal is not None:
                self._journal = JournalFile(Path(self._settings.journal))
            self._thinker.start(self._clock.now_ns())
            self._wait_for(self._thinker, lambda: bool(self._ready))
            self._player.start(self._clock.now_ns())
            self._wait_for(self._player, lambda: self._is_open)
            self._announce()
            self._watch()
        finally:
            self._stop()

    def _announce(self) -> None:
        """Let `ripieno set` find this daemon; a failure does not stop the music."""
        name_in, name_out = self._settings.name_in, self._settings.name_out
        here = presence.Presence(os.getpid(), self._block.name, name_in, name_out)
        try:
            self._presence = presence.announce(here)
        except FileError as error:
            self._say(f"`ripieno set` will not find this one: {error}")

    def _on_signal(self, *_: object) -> None:
        self._stopping = True

    # ── children ──────────────────────────────────────────────────────────────────

    def _start_thinker(self) -> BaseProcess:
        self._block.set_word("thinker_beat_ns", self._clock.now_ns() + LOADING_NS)
        self._ready = []
        return start_thinker(self._block, self._settings, self._bells)

    def _start_player(self) -> BaseProcess:
        self._is_open = False
        self._block.set_word("player_beat_ns", self._clock.now_ns() + OPENING_NS)
        self._block.ring("to_player").skip()
        self._read()  # who was introduced there is in the notes as well
        standby, self._standby = self._standby, None
        if standby is None or not standby.is_running:
            standby = self._new_standby()
        orders = Orders(
            self._as_last_turned(), self._seed, self._epoch, tuple(self._ready)
        )
        self._epoch += 1
        self._block.set_word("player_epoch", self._epoch)
        return standby.begin(orders)

    def _new_standby(self) -> Standby:
        return Standby(self._block.name, self._settings.backend, self._bells)

    def _keep_standby(self, now_ns: int) -> None:
        """Keep a standby process, once the player has run for a while."""
        is_there = self._standby is not None and self._standby.is_running
        is_settled = not self._player.starts_lately(now_ns, SETTLED_NS)
        if not is_there and is_settled and now_ns >= self._standby_rests_until_ns:
            self._standby = self._new_standby()
            self._standby_rests_until_ns = now_ns + STANDBY_NS

    def _start_patchbay(self) -> BaseProcess:
        name_in, name_out = self._settings.name_in, self._settings.name_out
        ports = self._server.full_names((name_in, name_out))
        self._block.set_word("patchbay_beat_ns", 0)
        pairs = notes.pairs_in(self._block.pairs)
        name, run = f"{name_in} patchbay", patchbay_process.run
        return start_process("patchbay", run, self._block.name, name, ports, pairs)

    def _as_last_turned(self) -> Settings:
        """Return the settings with the last player's parameters, if there was one."""
        if (shown := notes.shown_in(self._block.shown)) is None:
            return self._settings
        return msgspec.structs.replace(
            self._settings, play=shown.ensemble.params, seats=shown.ensemble.seats
        )

    def _wait_for(self, child: Child, is_there: Callable[[], bool]) -> None:
        def is_done() -> bool:
            self._read()
            return self._stopping or is_there()

        if not child.wait_until(is_done, self._clock):
            raise self._why(child)

    def _watch(self) -> None:
        while not self._stopping:
            now_ns = self._clock.now_ns()
            self._read()
            for child in (self._thinker, self._player, self._patchbay):
                child.end_if_hung(now_ns, self._block.word(f"{child.name}_beat_ns"))
            if not self._player.is_running:
                self._player_ended(now_ns)
            else:
                if not self._thinker.is_running:
                    self._thinker_ended(now_ns)
                if self._is_open and self._server.tells_connections:
                    self._keep_patchbay(now_ns)
                self._keep_standby(now_ns)
            self._clock.wait_until(now_ns + TURN_NS)

    def _player_ended(self, now_ns: int) -> None:
        went_away = self._player.exit_code in (notes.SERVER_GONE, notes.FAILED)
        if went_away and self._server.has_gone():
            self._wait_for_server(now_ns)
            self._failures.pop("player", None)
        elif (
            self._player.starts_lately(now_ns) >= MOST_STARTS
            or "player" in self._failures
        ):
            raise self._why(self._player)
        else:
            self._say("The player died; it is started again and releases every note.")
        if not self._stopping:
            self._player.start(self._clock.now_ns())

    def _thinker_ended(self, now_ns: int) -> None:
        if self._thinker.starts_lately(now_ns) >= MOST_STARTS:
            return  # the fallback plays; in a while it is tried again
        self._say("The thinker died; the fallback plays until it is back.")
        self._failures.pop("thinker", None)
        self._thinker.start(now_ns)

    def _keep_patchbay(self, now_ns: int) -> None:
        """Restart the patchbay when it has ended, with growing pauses.

        No sounding note depends on it. It starts after the player has opened its ports,
        because clients that open at the same time can lock up a jackd2.
        """
        tries = self._patchbay.starts_lately(now_ns)
        if not self._patchbay.is_running and now_ns >= self._patchbay_rests_until_ns:
            self._patchbay.start(now_ns)
            self._patchbay_rests_until_ns = now_ns + tries * NS_PER_S

    def _wait_for_server(self, now_ns: int) -> None:
        """Wait until a server that went away is back.

        Raises:
            PortError: it did not come back in time.
        """
        wait_s = self._settings.server_wait_s
        self._say(f"The MIDI server went away; waiting up to {wait_s:g} s for it.")
        until_ns = now_ns + int(wait_s * NS_PER_S)
        while not self._stopping and self._server.has_gone():
            if self._clock.now_ns() > until_ns:
                raise PortError(
                    f"The MIDI server went away and did not come back within "
                    f"{wait_s:g} s; start it, then start Ripieno again."
                )
            self._clock.wait_until(self._clock.now_ns() + LOOK_NS)

    def _why(self, child: Child) -> RipienoError:
        if (failed := self._failures.get(child.name)) is not None:
            kind = ModelError if failed.exit_code == ModelError.exit_code else PortError
            return kind(failed.sentence)
        return PortError(
            f"The {child.name} ended again and again (exit code {child.exit_code}); "
            "`ripieno doctor` says what is there and what is missing."
        )

    # ── what they say ─────────────────────────────────────────────────────────────

    def _read(self) -> None:
        lines = self._block.ring("journal").read()
        if self._journal is not None and (sentence := self._journal.write(lines)):
            self._say(sentence)
        for child in (self._thinker, self._player):
            for record in self._block.ring(f"{child.name}_notes").read():
                note = notes.decode(record)
                if isinstance(note, Ready):
                    self._ready.append(note)
                self._is_open |= isinstance(note, notes.Opened)
                if isinstance(note, notes.Failure):
                    self._failures[child.name] = note
                self._show(note)

    def _stop(self) -> None:
        """Let the player release every note; then end all children."""
        if self._presence is not None:
            presence.withdraw(self._presence)
        self._block.set_word("stop", 1)
        if self._standby is not None:
            self._standby.end()
        until_ns = self._clock.now_ns() + NS_PER_S
        for child in (self._player, self._thinker, self._patchbay):
            while child.is_running and self._clock.now_ns() < until_ns:
                self._read()
                self._clock.wait_until(self._clock.now_ns() + TURN_NS)
            child.kill()
        self._read()
        if self._journal is not None:
            if lost := self._block.word("unlogged"):  # the player could not tell of it
                self._journal.write([encode(Lost(lost))])
            self._journal.close()
        self._block.close()
        if self._journal is not None and self._journal.lost:
            self._say(
                f"The journal lacks {self._journal.lost} entries; `ripieno replay` "
                "says which part it cannot compare."
            )
