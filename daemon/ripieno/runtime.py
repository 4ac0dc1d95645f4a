"""The composition root of `ripieno play`: chooses, shows, and hands over to supervisor.

Picks the clock and the MIDI backend; prints one line each on what it runs on
and why; then a live line: who is playing, how many notes, how late.
"""

import sys

import msgspec
from rich.console import Console
from rich.live import Live
from rich.text import Text

from ripieno.clock import SystemClock
from ripieno.config import Settings
from ripieno.ipc import notes
from ripieno.midi.backends import choose_backend
from ripieno.music.plan import Ready
from ripieno.status import Status
from ripieno.supervisor import Supervisor


def play(settings: Settings, *, seed: int) -> None:
    """Run the daemon until SIGINT or SIGTERM.

    Args:
        settings: which model, which ports, how to play.
        seed: what chance starts from.

    Raises:
        RipienoError: it cannot start, or cannot go on.
    """
    backend, why = choose_backend(settings.backend)
    settings = msgspec.structs.replace(settings, backend=backend)
    console = Console(highlight=False, soft_wrap=True)
    console.print(f"MIDI: {backend} ({why}). Seed: {seed}. Stop with Ctrl-C.")
    view = View(console)
    supervisor = Supervisor(
        settings, SystemClock(), seed=seed, show=view.show, say=view.say
    )
    with view.live:
        supervisor.run()
    view.say("Stopped; every note is released.")


class View:
    """What `play` shows: lines that stay, and one that is always now."""

    def __init__(self, console: Console) -> None:
        self._console = console
        # Where nobody watches (a log file), only the lines that stay are written.
        self.live = Live(console=console, auto_refresh=False, transient=True)
        self._is_watched = sys.stdout.isatty()

    def say(self, sentence: str) -> None:
        """A line that stays."""
        self._console.print(sentence)

    def show(self, note: notes.Note) -> None:
        """What a child process said."""
        if isinstance(note, Ready):
            self.say(f"Model: {note.model} on {note.provider} ({note.why}).")
        elif isinstance(note, notes.Opened):
            priority = "real-time" if note.fifo else "ordinary (not allowed more)"
            self.say(f"Ports: {note.name_in} → {note.name_out}; priority: {priority}.")
        elif isinstance(note, notes.Report) and self._is_watched:
            self.live.update(live_line(note.status), refresh=True)


def live_line(status: Status) -> Text:
    """The performance in one line."""
    marks = {"idle": "·", "human": "●", "machine": "▶"}
    turn = f"{marks[status.turn]} {status.turn:<8}"
    line = Text.assemble(
        (turn, "bold cyan" if status.turn == "machine" else "bold"),
        f"heard {status.heard}  played {status.sent}  "
        f"turns {status.on_time}/{status.turns} on time  "
        f"late {status.late_p50_ms:.2f}/{status.late_p99_ms:.2f} ms (p50/p99)  ",
        status.provider.removesuffix("ExecutionProvider") or "thinker starting",
    )
    if status.fallbacks:
        line.append(f"  fallback {status.fallbacks}×", "yellow")
    return line
