"""`ripieno play` as a separate program, with its own ports.

A measured one has other port names than the default ones, so it does not disturb a
running daemon. Its journal says what it did.
"""

import contextlib
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec

from ripieno.clock import NS_PER_MS, NS_PER_S, SystemClock
from ripieno.errors import PortError, last_words
from ripieno.settings.config import Settings
from ripieno.settings.flags import written

NAME_IN: Final = "Ripieno Bench In"
NAME_OUT: Final = "Ripieno Bench Out"
LOADING_NS: Final = 120 * NS_PER_S
LOOK_NS: Final = 20 * NS_PER_MS
ENDING_S: Final = 10.0
OPEN: Final = "Ports: "
"""The line that the daemon prints when its ports are open begins so."""
MODEL: Final = "Model: "


@dataclass(frozen=True, slots=True)
class Daemon:
    """A daemon that runs; `running` starts it. Thread: one.

    Attributes:
        process: its supervisor.
        journal, log: the files with its journal and its output.
    """

    process: subprocess.Popen[bytes]
    journal: Path
    log: Path

    @property
    def said(self) -> list[str]:
        """The lines that it has printed."""
        return self.log.read_text(encoding="utf-8", errors="replace").splitlines()

    @property
    def model(self) -> str:
        """The model that it said it plays with."""
        said = [line for line in self.said if line.startswith(MODEL)]
        return said[0].removeprefix(MODEL).partition(" (")[0] if said else ""

    def check(self) -> None:
        """Check that it still runs.

        Raises:
            RipienoError: it has ended; the sentence is from its output.
        """
        if self.process.poll() is not None:
            raise last_words("\n".join(self.said), self.process.returncode)

    def end(self) -> None:
        """Let it release every note and end; safe to call twice."""
        self.process.terminate()
        try:
            self.process.wait(ENDING_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


@contextlib.contextmanager
def running(settings: Settings, seed: int, folder: Path) -> Iterator[Daemon]:
    """Yield a daemon whose ports are open; end it afterwards.

    Args:
        settings: with the backend already chosen.
        seed: the random seed.
        folder: for its output, and for its journal if the settings name no file.

    Raises:
        RipienoError: it has ended, or has opened no ports within two minutes.
    """
    journal, log = Path(settings.journal or folder / "journal.jsonl"), folder / "log"
    flags = written(msgspec.structs.replace(settings, journal=str(journal)), seed)
    command = [sys.executable, "-m", "ripieno", "play", *flags]
    with log.open("wb") as said:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=said, stderr=subprocess.STDOUT
        )
    daemon = Daemon(process, journal, log)
    clock = SystemClock()
    until_ns = clock.now_ns() + LOADING_NS
    try:
        while not any(line.startswith(OPEN) for line in daemon.said):
            daemon.check()
            if clock.now_ns() > until_ns:
                raise PortError(
                    f"The daemon opened no ports within {LOADING_NS // NS_PER_S} s; "
                    "try `ripieno doctor`."
                )
            clock.wait_until(clock.now_ns() + LOOK_NS)
        yield daemon
    finally:
        daemon.end()
