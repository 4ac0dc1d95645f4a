"""The daemon of the demo: in this process, or a program behind real ports.

A stage has four methods. `send` sends a message to the daemon. `turn` lets a daemon
in this process work, and returns the messages that came from it. `wake_ns` returns when
`turn` is needed next. `status` returns the status, or None where it is not known.
"""

import contextlib
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final, TypeAlias

from rich.console import Console

from ripieno.bench.daemon import Daemon, running
from ripieno.clock import NS_PER_MS, NS_PER_S, SystemClock
from ripieno.errors import ModelError
from ripieno.inference.tables import maybe_tables
from ripieno.ipc import notes
from ripieno.ipc.block import Block
from ripieno.ipc.waking import Bell, RungRing, new_bells
from ripieno.ports.client_port import ClientPort
from ripieno.ports.memory import MemoryPort
from ripieno.processes.child import Child, start_thinker
from ripieno.processes.interrupts import children_are_spared
from ripieno.processes.player import Player, Start, begin
from ripieno.protocol import Ready
from ripieno.settings.config import Settings
from ripieno.settings.output import plain
from ripieno.settings.status import Status

TURN_NS: Final = 500_000
LOADING_NS: Final = 60 * NS_PER_S


class _Nowhere:
    """A journal that keeps nothing."""

    def write(self, payload: bytes) -> bool:
        del payload
        return True


class _Embedded:
    """The daemon's player in this process, with an in-process port."""

    def __init__(self, settings: Settings, seed: int, block: Block, bell: Bell) -> None:
        clock = SystemClock()
        self._port, log = MemoryPort(clock), _Nowhere()
        start = Start(seed, maybe_tables())
        engine = begin(settings, clock, start, log, self._port)
        self._player = Player(
            self._port,
            engine,
            clock,
            inbox=block.ring("to_player"),
            outbox=RungRing(block.ring("to_thinker"), bell),
            log=log,
        )

    def send(self, data: bytes) -> None:
        self._port.feed(data)

    def turn(self) -> list[bytes]:
        self._player.turn()
        return self._port.taken()

    def wake_ns(self, now_ns: int) -> int:
        return min(self._player.wake_ns(now_ns), now_ns + TURN_NS)

    def status(self) -> Status:
        return self._player.status()


class _ThroughPorts:
    """A client of the daemon's ports, like a DAW."""

    def __init__(self, port: ClientPort, daemon: Daemon) -> None:
        self._port, self._daemon = port, daemon
        self.send = port.send

    def turn(self) -> list[bytes]:
        self._daemon.check()
        return [heard.data for heard in self._port.receive()]

    def wake_ns(self, now_ns: int) -> int:
        return now_ns + TURN_NS

    def status(self) -> None:
        return None


Stage: TypeAlias = _Embedded | _ThroughPorts
"""A daemon, as seen from its ports."""


@contextlib.contextmanager
def embedded(settings: Settings, seed: int, console: Console) -> Iterator[Stage]:
    """Yield a daemon without a MIDI system: its player here, its thinker a process.

    Raises:
        ModelError: the model cannot be loaded.
    """
    clock, bells = SystemClock(), new_bells()
    with contextlib.ExitStack() as ends:
        with children_are_spared():  # a Ctrl-C waits until all of it can be ended
            block = Block()
            ends.callback(block.close)
            thinker = Child(
                "thinker", LOADING_NS, lambda: start_thinker(block, settings, bells)
            )
            thinker.start(clock.now_ns())
            ends.callback(_end, thinker, block, clock)
        ready = _ready(thinker, block, clock)
        said = f"Model: {ready.model} on {ready.provider} ({ready.why})."
        console.print(plain(said), markup=False)
        yield _Embedded(settings, seed, block, Bell(bells.to_thinker.rings))


def _end(thinker: Child, block: Block, clock: SystemClock) -> None:
    """Let the thinker end; kill it where it does not."""
    block.set_word("stop", 1)
    until_ns = clock.now_ns() + NS_PER_S
    while thinker.is_running and clock.now_ns() < until_ns:
        clock.wait_until(clock.now_ns() + 10 * NS_PER_MS)
    thinker.kill()


def _ready(thinker: Child, block: Block, clock: SystemClock) -> Ready:
    """Wait until the thinker has loaded a model.

    Raises:
        ModelError: the model cannot be loaded.
    """
    said: list[notes.Note] = []

    def has_spoken() -> bool:
        said.extend(map(notes.decode, block.ring("thinker_notes").read()))
        return any(isinstance(note, Ready | notes.Failure) for note in said)

    if not thinker.wait_until(has_spoken, clock):
        raise ModelError(
            "The thinker ended while it loaded the model; try `ripieno doctor`."
        )
    for note in said:
        if isinstance(note, notes.Failure):
            raise ModelError(note.sentence)
    return next(note for note in said if isinstance(note, Ready))


@contextlib.contextmanager
def through_ports(settings: Settings, seed: int, console: Console) -> Iterator[Stage]:
    """Yield `ripieno play` as a separate program, connected by its ports.

    Raises:
        RipienoError: it ended; the sentence is from its output.
    """
    with (
        tempfile.TemporaryDirectory(prefix="ripieno-demo-") as folder,
        running(settings, seed, Path(folder)) as daemon,
    ):
        for line in daemon.said:
            console.print(plain(line), markup=False)
        names = settings.name_in, settings.name_out
        port = ClientPort(settings.backend, *names)
        console.print(plain("Connected to {} and {}.".format(*names)), markup=False)
        with contextlib.closing(port):
            yield _ThroughPorts(port, daemon)
