"""`ripieno demo`: a scripted musician plays to the real daemon, in real time.

The embedded demo (the default) needs only this package: it runs the player, engine and
thinker process of `ripieno play` with a port in memory. Over JACK or ALSA it starts
`ripieno play` as a separate program and plays to its ports, as a DAW would. The duet is
written as MIDI and as sound.
"""

import argparse
import sys
from pathlib import Path
from typing import Final

import msgspec
from rich.console import Console
from rich.live import Live

from ripieno.bench.bounds import within
from ripieno.clock import NS_PER_MS, SystemClock
from ripieno.commands.arguments import settings_of
from ripieno.commands.demo_musician import Performer
from ripieno.commands.demo_stage import Stage, embedded, through_ports
from ripieno.commands.play import live_line
from ripieno.errors import SettingsError
from ripieno.files.midi import Track, check_target, write_performance
from ripieno.music import messages
from ripieno.processes.interrupts import raise_interrupts, raise_lost_interrupt
from ripieno.settings.flags import seed_of
from ripieno.settings.output import plain
from ripieno.settings.roles import ROLES
from ripieno.settings.status import Status
from ripieno.sound import voice
from ripieno.sound.render import render_wav

SHOW_NS: Final = 100 * NS_PER_MS
SILENT_NS: Final = 700 * NS_PER_MS
"""After so long without a sounding note or a message the machine has finished."""
HUMAN, MACHINE = "Human", "Ripieno"


def run(arguments: argparse.Namespace) -> int:
    """Play a duet, show it, write it, and print a summary.

    Raises:
        RipienoError: a setting is out of its bounds, the daemon cannot start, or a
            file cannot be written.
    """
    settings, out = settings_of(arguments), arguments.output
    within("phrases", arguments.phrases, 1, 4)
    if not out.name:
        raise SettingsError("output names no file; give one, without an ending.")
    raise_interrupts()
    seed, (midi_path, wav_path) = seed_of(settings), targets(out)
    check_target(midi_path)
    check_target(wav_path)
    console = Console(highlight=False, soft_wrap=True)
    console.print(f"A scripted musician plays the Ode to Joy to Ripieno. Seed: {seed}.")
    if backend := arguments.through:
        settings = msgspec.structs.replace(settings, backend=backend)
    with (through_ports if backend else embedded)(settings, seed, console) as on_stage:
        waits = ROLES[settings.play.role].is_a_turn
        take, status = _perform(on_stage, arguments.phrases, console, waits=waits)
    tracks = [
        Track(HUMAN, tuple(take.parts[HUMAN]), program=0),
        Track(MACHINE, tuple(take.parts[MACHINE])),
    ]
    write_performance(midi_path, tracks)
    sounded_by = render_wav(
        midi_path,
        wav_path,
        [(voice.HUMAN, take.parts[HUMAN]), (voice.MACHINE, take.parts[MACHINE])],
    )
    _sum_up(take, status, console)
    written = plain(f"Written: {midi_path}, and {wav_path} ({sounded_by}).")
    console.print(written, markup=False)
    return 0


class Take:
    """What the musician and the machine played, with times from the beginning."""

    def __init__(self, start_ns: int) -> None:
        self._start_ns = start_ns
        self._down: dict[str, set[bytes]] = {HUMAN: set(), MACHINE: set()}
        self._last_ns = start_ns - SILENT_NS
        self.parts: dict[str, list[tuple[int, bytes]]] = {HUMAN: [], MACHINE: []}

    def add(self, who: str, at_ns: int, data: bytes) -> None:
        """Add one message; a note-off of a key that is up is left out.

        On JACK note-offs are sent again after the server has dropped a period.
        """
        if not messages.is_channel_message(data):
            return
        key, down = bytes((messages.channel_of(data), data[1])), self._down[who]
        if messages.is_note_on(data):
            down.add(key)
        elif messages.is_note_off(data):
            if key not in down:
                return
            down.remove(key)
        self.parts[who].append((at_ns - self._start_ns, data))
        if who == MACHINE and data[0] < messages.CONTROL:  # a note
            self._last_ns = at_ns

    def machine_plays(self, now_ns: int) -> bool:
        """Return whether the machine sounds, or did so recently."""
        return bool(self._down[MACHINE]) or now_ns - self._last_ns < SILENT_NS

    def notes(self, who: str) -> int:
        """Return the number of notes that one of them began."""
        return sum(messages.is_note_on(data) for _, data in self.parts[who])


def targets(out: Path) -> tuple[Path, Path]:
    """Return the files for MIDI and sound; ``take.1`` is a name without an ending."""
    name = out.stem if out.suffix in (".mid", ".wav") else out.name
    return out.with_name(f"{name}.mid"), out.with_name(f"{name}.wav")


def _perform(
    stage: Stage, phrases: int, console: Console, *, waits: bool
) -> tuple[Take, Status | None]:
    clock = SystemClock()
    start_ns = clock.now_ns()
    performer = Performer(phrases, start_ns, waits=waits)
    take = Take(start_ns)
    show_ns, status = 0, None
    with Live(console=console, auto_refresh=False, transient=True) as live:
        while not performer.is_done:
            raise_lost_interrupt()
            now_ns = clock.now_ns()
            plays = take.machine_plays(now_ns)
            for data in performer.advance(now_ns, machine_plays=plays):
                stage.send(data)
                if messages.is_channel_message(data):
                    take.add(HUMAN, now_ns, data)
            for data in stage.turn():
                take.add(MACHINE, now_ns, data)
            if now_ns >= show_ns:
                show_ns, status = now_ns + SHOW_NS, stage.status()
                if sys.stdout.isatty() and status is not None:
                    live.update(live_line(status), refresh=True)
            clock.wait_until(stage.wake_ns(now_ns))
    return take, stage.status()


def _sum_up(take: Take, status: Status | None, console: Console) -> None:
    ons = take.notes(MACHINE)
    offs = sum(messages.is_note_off(data) for _, data in take.parts[MACHINE])
    console.print(
        f"You heard {take.notes(HUMAN)} notes of the musician's and {ons} of "
        f"Ripieno's; {ons} ons, {offs} offs."
    )
    if status is not None:
        console.print(
            f"{_kept(status)} Sent minus due: "
            f"p50 {status.late_p50_ms:.2f} ms, p99 {status.late_p99_ms:.2f} ms. "
            f"Provider: {status.provider}. Fallbacks: {status.fallbacks}.".lstrip()
        )


def _kept(status: Status) -> str:
    """Return how well it kept up, in the terms of its role."""
    role = ROLES[status.role]
    if role.decides_beats:
        return (
            f"Plans were ready for {status.isr:.1%} of the sixteenths; on the beats "
            f"that were struck, {status.asynchrony_p95_ms:.0f} ms apart (p95)."
        )
    if not role.answers:
        return ""
    kept = f"{role.answers}: {status.turns}, on time: {status.on_time}."
    if status.turns and role.is_a_turn:
        kept += (
            f" Ready before they were asked for: {status.ready} "
            f"({status.ready / status.turns:.0%}); wait p50 "
            f"{status.wait_p50_ms:.1f} ms, p99 {status.wait_p99_ms:.1f} ms."
        )
    return kept
