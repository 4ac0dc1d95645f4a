"""`ripieno demo`: a scripted musician plays to the real daemon, in real time.

Embedded (the default) it needs nothing but this package: the same player, engine and
thinker process as `ripieno play`, with an in-process port instead of a system's one.
Over JACK or ALSA it starts `ripieno play` as a program of its own and plays to it
through its ports, as a DAW would. Either way the duet is written as MIDI and as sound.
"""

import sys
from pathlib import Path
from typing import Final

import msgspec
from rich.console import Console
from rich.live import Live

from ripieno.audio import voice
from ripieno.audio.render import render_wav
from ripieno.clock import NS_PER_MS, SystemClock
from ripieno.config import Settings
from ripieno.interrupts import raise_lost_interrupt
from ripieno.midi.files import Track, check_target, write_performance
from ripieno.music import messages
from ripieno.output import plain
from ripieno.params import TURNS
from ripieno.performer import Performer
from ripieno.runtime import live_line
from ripieno.stage import Stage, embedded, through_ports
from ripieno.status import Status

SHOW_NS: Final = 100 * NS_PER_MS
SILENT_NS: Final = 700 * NS_PER_MS
"""Nothing sounds and nothing came for so long: the machine has finished."""
HUMAN, MACHINE = "Human", "Ripieno"


class Take:
    """What was played by whom, with times from the beginning."""

    def __init__(self, start_ns: int) -> None:
        self._start_ns = start_ns
        self._down: dict[str, set[bytes]] = {HUMAN: set(), MACHINE: set()}
        self._last_ns = 0
        self.parts: dict[str, list[tuple[int, bytes]]] = {HUMAN: [], MACHINE: []}

    def add(self, who: str, at_ns: int, data: bytes) -> None:
        """One message; a note-off of a key that is up is left out.

        On JACK note-offs are sent again after the server has dropped a period.
        """
        if not messages.is_channel_message(data):
            return
        key, down = bytes((messages.channel_of(data), data[1])), self._down[who]
        if messages.is_note_off(data) and key not in down:
            return
        if messages.is_note_on(data):
            down.add(key)
        elif messages.is_note_off(data):
            down.discard(key)
        self.parts[who].append((at_ns - self._start_ns, data))
        if who == MACHINE:
            self._last_ns = at_ns

    def machine_plays(self, now_ns: int) -> bool:
        """Whether the machine sounds, or did a moment ago."""
        lately = bool(self._last_ns) and now_ns - self._last_ns < SILENT_NS
        return bool(self._down[MACHINE]) or lately

    def notes(self, who: str) -> int:
        """How many notes one of them has begun."""
        return sum(messages.is_note_on(data) for _, data in self.parts[who])


def targets(out: Path) -> tuple[Path, Path]:
    """Where to write MIDI and sound: ``take.1`` is a name, not an ending."""
    name = out.stem if out.suffix in (".mid", ".wav") else out.name
    return out.with_name(f"{name}.mid"), out.with_name(f"{name}.wav")


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
    midi_path, wav_path = targets(out)
    check_target(midi_path)
    check_target(wav_path)
    console = Console(highlight=False, soft_wrap=True)
    console.print(f"A scripted musician plays the Ode to Joy to Ripieno. Seed: {seed}.")
    if through is None:
        stage = embedded(settings, seed, console)
    else:
        there = msgspec.structs.replace(settings, backend=through)
        stage = through_ports(there, seed, console)
    with stage as on_stage:
        waits = settings.play.role in TURNS
        take, status = _perform(on_stage, phrases, console, waits=waits)
    _write(take, midi_path)
    sounded_by = render_wav(
        midi_path,
        wav_path,
        [(voice.HUMAN, take.parts[HUMAN]), (voice.MACHINE, take.parts[MACHINE])],
    )
    _sum_up(take, status, console)
    written = plain(f"Written: {midi_path}, and {wav_path} ({sounded_by}).")
    console.print(written, markup=False)


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
            f"{_kept(status)} Sent minus due: "
            f"p50 {status.late_p50_ms:.2f} ms, p99 {status.late_p99_ms:.2f} ms. "
            f"Provider: {status.provider}. Fallbacks: {status.fallbacks}.".lstrip()
        )


def _kept(status: Status) -> str:
    """How the role was kept, in its own terms."""
    if status.role == "accompany":
        return (
            f"Plans were ready for {status.isr:.1%} of the sixteenths; on the beats "
            f"that were struck, {status.asynchrony_p95_ms:.0f} ms apart (p95)."
        )
    if status.role == "loop":
        return ""
    kind = "Keys" if status.role == "harmonize" else "Replies"
    kept = f"{kind}: {status.turns}, on time: {status.on_time}."
    if not status.turns or status.role not in TURNS:
        return kept
    return (
        f"{kept} Ready before they were asked for: {status.ready} "
        f"({status.ready / status.turns:.0%}); wait p50 {status.wait_p50_ms:.1f} ms, "
        f"p99 {status.wait_p99_ms:.1f} ms."
    )
