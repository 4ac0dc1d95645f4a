"""`ripieno demo`: a scripted musician plays to the real daemon, in real time.

Embedded (the default) it needs nothing but this package: the same player, engine and
thinker process as `ripieno play`, with an in-process port instead of a system's one.
Over JACK or ALSA it starts `ripieno play` as a program of its own and plays to it
through its ports, as a DAW would. Either way the duet is written as MIDI and as sound.
"""

import contextlib
import multiprocessing
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final, Protocol

import msgspec
from rich.console import Console
from rich.live import Live

from ripieno import thinker
from ripieno.audio import voice
from ripieno.audio.render import render_wav
from ripieno.clock import NS_PER_MS, NS_PER_S, Clock, SystemClock
from ripieno.config import Settings
from ripieno.errors import (
    FileError,
    ModelError,
    PortError,
    RipienoError,
    SettingsError,
)
from ripieno.ipc import notes
from ripieno.ipc.block import Block
from ripieno.midi.client_port import ClientPort
from ripieno.midi.files import Track, check_target, write_performance
from ripieno.midi.memory import MemoryPort
from ripieno.music import messages
from ripieno.music.plan import Ready
from ripieno.performer import Performer
from ripieno.player import Player, begin
from ripieno.runtime import live_line
from ripieno.status import Status

TURN_NS: Final = 500_000
SHOW_NS: Final = 100 * NS_PER_MS
LOADING_NS: Final = 60 * NS_PER_S
SILENT_NS: Final = 700 * NS_PER_MS
"""Nothing sounds and nothing came for so long: the machine has finished."""
HUMAN, MACHINE = "Human", "Ripieno"


class Stage(Protocol):
    """Where the two meet: a daemon, seen from its ports."""

    def send(self, data: bytes) -> None:
        """To the daemon."""
        ...

    def turn(self) -> list[bytes]:
        """Let it work, if it works here; what came from it."""
        ...

    def wake_ns(self, now_ns: int) -> int:
        """When to turn again."""
        ...

    def status(self) -> Status | None:
        """How it goes, where that can be known."""
        ...


class Take:
    """What was played by whom, with times from the beginning."""

    def __init__(self, start_ns: int) -> None:
        self._start_ns = start_ns
        self._sounding: set[bytes] = set()
        self._last_ns = 0
        self.parts: dict[str, list[tuple[int, bytes]]] = {HUMAN: [], MACHINE: []}

    def add(self, who: str, at_ns: int, data: bytes) -> None:
        """One message."""
        if not messages.is_channel_message(data):
            return
        self.parts[who].append((at_ns - self._start_ns, data))
        if who == MACHINE:
            self._last_ns = at_ns
            change = self._sounding.add if messages.is_note_on(data) else None
            (change or self._sounding.discard)(data[1:2])

    def machine_plays(self, now_ns: int) -> bool:
        """Whether the machine sounds, or did a moment ago."""
        lately = bool(self._last_ns) and now_ns - self._last_ns < SILENT_NS
        return bool(self._sounding) or lately

    def notes(self, who: str) -> int:
        """How many notes one of them has begun."""
        return sum(messages.is_note_on(data) for _, data in self.parts[who])


def demo(
    settings: Settings, *, through: str | None, seed: int, phrases: int, out: Path
) -> None:
    """Play a duet, show it, write it, sum it up.

    Args:
        settings: model, provider and how to play.
        through: ``jack`` or ``alsa`` for real ports; None for the embedded demo.
        seed: what chance starts from.
        phrases: how many of the melody's four phrases to play.
        out: where to write, without an ending: ``.mid`` and ``.wav`` are added.

    Raises:
        RipienoError: the daemon cannot start, or a file cannot be written.
    """
    midi_path, wav_path = out.with_suffix(".mid"), out.with_suffix(".wav")
    check_target(midi_path)
    check_target(wav_path)
    console = Console(highlight=False, soft_wrap=True)
    console.print(f"A scripted musician plays the Ode to Joy to Ripieno. Seed: {seed}.")
    if through is None:
        stage = _embedded(settings, seed, console)
    else:
        there = msgspec.structs.replace(settings, backend=through)
        stage = _through_ports(there, seed, console)
    with stage as on_stage:
        take, status = _perform(on_stage, phrases, console)
    _write(take, midi_path)
    sounded_by = render_wav(
        midi_path,
        wav_path,
        [(voice.HUMAN, take.parts[HUMAN]), (voice.MACHINE, take.parts[MACHINE])],
    )
    _sum_up(take, status, console)
    console.print(f"Written: {midi_path}, and {wav_path} ({sounded_by}).")


def _perform(
    stage: Stage, phrases: int, console: Console
) -> tuple[Take, Status | None]:
    clock = SystemClock()
    start_ns = clock.now_ns()
    performer = Performer(phrases, start_ns)
    take = Take(start_ns)
    show_ns, status = 0, None
    with Live(console=console, auto_refresh=False, transient=True) as live:
        while not performer.is_done:
            now_ns = clock.now_ns()
            plays = take.machine_plays(now_ns)
            for data in performer.advance(now_ns, machine_plays=plays):
                stage.send(data)
                take.add(HUMAN, now_ns, data)
            for data in stage.turn():
                take.add(MACHINE, now_ns, data)
            if now_ns >= show_ns:
                show_ns, status = now_ns + SHOW_NS, stage.status()
                if sys.stdout.isatty() and status is not None:
                    live.update(live_line(status), refresh=True)
            clock.wait_until(stage.wake_ns(now_ns))
    return take, stage.status()


def _write(take: Take, path: Path) -> None:
    write_performance(
        path,
        [
            Track(HUMAN, tuple(take.parts[HUMAN]), program=0, channel=0),
            Track(MACHINE, tuple(take.parts[MACHINE]), program=0, channel=0),
        ],
    )


def _sum_up(take: Take, status: Status | None, console: Console) -> None:
    ons, offs = take.notes(MACHINE), len(take.parts[MACHINE]) - take.notes(MACHINE)
    console.print(
        f"You heard {take.notes(HUMAN)} notes of the musician's and {ons} of "
        f"Ripieno's; {ons} ons, {offs} offs."
    )
    if status is not None:
        console.print(
            f"Replies: {status.turns}, on time: {status.on_time}. Sent minus due: "
            f"p50 {status.late_p50_ms:.2f} ms, p99 {status.late_p99_ms:.2f} ms. "
            f"Provider: {status.provider}. Fallbacks: {status.fallbacks}."
        )


# ── embedded ─────────────────────────────────────────────────────────────────────


class _Embedded:
    """The daemon's player in this process, with an in-process port."""

    def __init__(
        self, settings: Settings, seed: int, block: Block, clock: Clock
    ) -> None:
        self._port = MemoryPort()
        self._journal = block.ring("journal")
        engine = begin(settings.play, clock, seed=seed, epoch=0, log=self._journal)
        self._player = Player(
            self._port,
            engine,
            clock,
            inbox=block.ring("to_player"),
            outbox=block.ring("to_thinker"),
            log=self._journal,
        )

    def send(self, data: bytes) -> None:
        self._port.feed(data)

    def turn(self) -> list[bytes]:
        self._player.turn()
        return self._port.taken()

    def wake_ns(self, now_ns: int) -> int:
        return self._player.wake_ns(now_ns)

    def status(self) -> Status:
        return self._player.status()

    def take_journal(self) -> list[bytes]:
        return self._journal.read()


@contextlib.contextmanager
def _embedded(settings: Settings, seed: int, console: Console) -> Iterator[Stage]:
    block, clock = Block(), SystemClock()
    process = multiprocessing.get_context("spawn").Process(
        target=thinker.run, args=(block.name, settings.model, settings.provider)
    )
    process.start()
    try:
        ready = _wait_for_ready(block, process, clock)
        console.print(f"Model: {ready.model} on {ready.provider} ({ready.why}).")
        yield _Embedded(settings, seed, block, clock)
    finally:
        block.set_word("stop", 1)
        process.join(1.0)
        process.kill()
        process.join()
        block.close()


def _wait_for_ready(
    block: Block, process: multiprocessing.process.BaseProcess, clock: Clock
) -> Ready:
    until_ns = clock.now_ns() + LOADING_NS
    while clock.now_ns() < until_ns:
        alive = process.is_alive()
        for record in block.ring("thinker_notes").read():
            note = notes.decode(record)
            if isinstance(note, Ready):
                return note
            if isinstance(note, notes.Failure):
                raise ModelError(note.sentence)
        if not alive:
            break
        clock.wait_until(clock.now_ns() + 10 * NS_PER_MS)
    raise ModelError(
        "The thinker ended while it loaded the model; try `ripieno doctor`."
    )


# ── through real ports ───────────────────────────────────────────────────────────


class _ThroughPorts:
    """A client of the daemon's ports, as a DAW is one."""

    def __init__(self, port: ClientPort, daemon: "subprocess.Popen[str]") -> None:
        self._port, self._daemon = port, daemon

    def send(self, data: bytes) -> None:
        self._port.send(data)

    def turn(self) -> list[bytes]:
        if self._daemon.poll() is not None:
            raise _last_words(self._daemon)
        return self._port.receive()

    def wake_ns(self, now_ns: int) -> int:
        return now_ns + TURN_NS

    def status(self) -> None:
        return None


def daemon_flags(settings: Settings, seed: int) -> list[str]:
    """The flags that give `ripieno play` these settings and this seed."""
    top = {
        "backend": settings.backend, "model": settings.model,
        "provider": settings.provider, "in": settings.name_in,
        "out": settings.name_out, "server-wait": settings.server_wait_s,
    }  # fmt: skip
    play = msgspec.structs.asdict(settings.play) | {"seed": seed}
    is_thru = play.pop("thru")
    flags = [
        f"--{name.replace('_', '-')}={value}" for name, value in (top | play).items()
    ]
    return [*flags, "--thru"] if is_thru else flags


@contextlib.contextmanager
def _through_ports(settings: Settings, seed: int, console: Console) -> Iterator[Stage]:
    command = [sys.executable, "-m", "ripieno", "play", *daemon_flags(settings, seed)]
    daemon = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    try:
        port = _connect(settings, daemon)
        console.print(f"Connected to {settings.name_in} and {settings.name_out}.")
        try:
            yield _ThroughPorts(port, daemon)
        finally:
            port.close()
    finally:
        daemon.terminate()
        try:
            daemon.communicate(timeout=5.0)
        except subprocess.TimeoutExpired:
            daemon.kill()
            daemon.communicate()


def _connect(settings: Settings, daemon: "subprocess.Popen[str]") -> ClientPort:
    """Wait for the daemon's ports, and connect to them."""
    clock = SystemClock()
    until_ns = clock.now_ns() + LOADING_NS
    while daemon.poll() is None:
        try:
            return ClientPort(settings.backend, settings.name_in, settings.name_out)
        except PortError:
            if clock.now_ns() > until_ns:
                raise
        clock.wait_until(clock.now_ns() + 100 * NS_PER_MS)
    raise _last_words(daemon)


def _last_words(daemon: "subprocess.Popen[str]") -> RipienoError:
    """Why the daemon ended, in its own sentence."""
    said = daemon.communicate()[1].strip().splitlines() or [""]
    kinds = (SettingsError, FileError, ModelError)
    kind = {kind.exit_code: kind for kind in kinds}.get(daemon.returncode, PortError)
    sentence = said[-1].removeprefix("ripieno: ")
    return kind(sentence or "The daemon ended too early; try `ripieno doctor`.")
