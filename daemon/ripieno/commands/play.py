"""`ripieno play`: chooses the MIDI backend, runs the supervisor, shows the status.

It prints a line for the backend, the ports and the model, with the reasons; then a line
that is updated: who plays, the position, the next chords, the lateness.
"""

import argparse
import sys
from collections.abc import Collection, Iterator
from typing import Final

import msgspec
from rich.console import Console
from rich.live import Live
from rich.text import Text

from ripieno.clock import SystemClock
from ripieno.commands.arguments import settings_of
from ripieno.commands.seat import lines
from ripieno.commands.service import Service
from ripieno.ipc import notes
from ripieno.ports.backends import choose_backend
from ripieno.processes.supervisor import Supervisor
from ripieno.protocol import Ready
from ripieno.settings.ensemble import minds_of
from ripieno.settings.flags import seed_of
from ripieno.settings.output import plain
from ripieno.settings.roles import ROLES
from ripieno.settings.status import Status

MOST_CHORDS: Final = 4
"""The most chords that fit into the line."""


def run(arguments: argparse.Namespace) -> int:
    """Play along, live, until SIGINT or SIGTERM.

    Raises:
        RipienoError: it cannot start, or cannot go on.
    """
    settings = settings_of(arguments)
    seed = seed_of(settings)
    backend, why = choose_backend(settings.backend)
    settings = msgspec.structs.replace(settings, backend=backend)
    console = Console(highlight=False, soft_wrap=True)
    view = View(console, minds_of(settings.ensemble))
    for line in lines(settings.ensemble) if settings.seats else ():
        view.say(f"Seat {line}.")
    view.say(f"MIDI: {backend} ({why}). Seed: {seed}. Stop with Ctrl-C.")
    supervisor = Supervisor(
        settings, SystemClock(), seed=seed, show=view.show, say=view.say
    )
    with view.live:
        supervisor.run()
    view.say("Stopped; every note is released.")
    return 0


POSITIONS: Final = (
    "The DAW sends song positions six times too large (Ardour 7.0 to 7.3 does, 7.4 is "
    "right); Ripieno divides them by six."
)


class View:
    """What `play` prints: lines that stay, and one that is updated."""

    def __init__(self, console: Console, models: Collection[str]) -> None:
        """Print to a console; `models` are the names of those that the seats need."""
        self._console, self._needed = console, models
        self._models: dict[str, Ready] = {}  # not said yet, by such a name
        self._is_corrected = False
        self._service = Service()
        # Where nobody watches (a log file), only the lines that stay are written.
        self.live = Live(console=console, auto_refresh=False, transient=True)
        self._is_watched = sys.stdout.isatty()

    def say(self, sentence: str) -> None:
        """Print a line that stays."""
        self._console.print(plain(sentence), markup=False)

    def show(self, note: notes.Note) -> None:
        """Show a message of a child process."""
        if isinstance(note, Ready):
            self._models |= dict.fromkeys(note.roles, note)
            self._name_models()
        elif isinstance(note, notes.Opened):
            priority = "real-time" if note.fifo else "ordinary (not allowed more)"
            self.say(f"Ports: {note.name_in} → {note.name_out}; priority: {priority}.")
        elif isinstance(note, notes.Report):
            self._needed = {ROLES[seat.role].models for seat in note.status.seats}
            self._name_models()
            if note.status.positions_corrected and not self._is_corrected:
                self._is_corrected = True
                self.say(POSITIONS)
            if late := self._service.judge(note.status):
                self.say(late)
            if self._is_watched:
                self.live.update(live_line(note.status), refresh=True)

    def _name_models(self) -> None:
        """Say once which models play; those of other roles are loaded as well."""
        for name in sorted(self._needed):
            if (ready := self._models.get(name)) is None:
                continue
            for role in ready.roles:
                self._models.pop(role, None)
            if ready.is_fallback:
                self.say(f"The fallback plays {name}: {ready.why}")
            else:
                self.say(f"Model: {ready.model} on {ready.provider} ({ready.why}).")


def live_line(status: Status) -> Text:
    """Return the status in one line."""
    marks = {"idle": "·", "human": "●", "machine": "▶"}
    turn = f"{marks[status.turn]} {status.turn:<9}"
    told = [
        status.role,
        *_where(status),
        f"heard {status.heard}",
        f"played {status.sent}",
        *_how(status),
        f"late {status.late_p50_ms:.2f}/{status.late_p99_ms:.2f} ms (p50/p99)",
        status.provider.removesuffix("ExecutionProvider") or "thinker starting",
    ]
    line = Text.assemble(
        (turn, "bold cyan" if status.turn == "machine" else "bold"),
        plain("  ".join(words for words in told if words)),
    )
    if status.fallbacks:
        line.append(f"  fallback {status.fallbacks}×", "yellow")
    return line


def _where(status: Status) -> Iterator[str]:
    """Yield the position, tempo and harmony, where there are any."""
    if status.position or status.is_external:
        section = f"[{status.section}]" if status.section else ""
        yield " ".join(filter(None, (status.position, status.meter, section)))
        yield f"{status.bpm:g} bpm{' (MIDI clock)' if status.is_external else ''}"
    names = [name for _, name in status.promised]
    names += [f"{name}?" for _, name in status.tentative]
    to_come = " ".join(names[:MOST_CHORDS])
    yield f"{status.chord or '-'} → {to_come}" if to_come else status.chord


def _how(status: Status) -> Iterator[str]:
    """Yield how well it keeps up with the beats, or with the phrases."""
    role = ROLES[status.role]
    if not role.decides_beats:
        yield f"turns {status.on_time}/{status.turns} on time"
        if status.turns and role.is_a_turn:
            yield f"ready {status.ready / status.turns:.0%}"
        if status.shed:
            yield f"{status.model} (down {status.shed}×, up {status.climbed}×)"
        return
    yield f"ISR {status.isr:.0%}"
    yield f"with you to {status.asynchrony_p95_ms:.0f} ms (p95)"
