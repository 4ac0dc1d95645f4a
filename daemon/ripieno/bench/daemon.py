"""A daemon to be measured: `ripieno play` as a separate program, with its own ports.

Its port names differ from the default ones, so it does not disturb a running daemon.
Its journal says what it did.
"""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import msgspec

from ripieno.clock import NS_PER_MS, NS_PER_S, Clock, SystemClock
from ripieno.errors import PortError, RipienoError, last_words
from ripieno.processes.remote import change
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


class Daemon:
    """`ripieno play`, from the start to the end of a `with`. Thread: one.

    Attributes:
        settings: the settings that it was started with.
        journal, log: the files with its journal and its output.
    """

    def __init__(self, settings: Settings, seed: int, folder: Path) -> None:
        """Prepare; `with` starts it.

        Args:
            settings: with the backend already chosen.
            seed: the random seed.
            folder: an empty folder for the journal and the output.
        """
        self.journal, self.log = folder / "journal.jsonl", folder / "daemon.log"
        self.settings = msgspec.structs.replace(settings, journal=str(self.journal))
        self._seed = seed
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        clock = SystemClock()
        flags = written(self.settings, self._seed)
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "ripieno", "play", *flags],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        try:
            self._wait_for_ports(clock)
        except BaseException:
            self.end()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.end()

    @property
    def model(self) -> str:
        """The model that it said it plays with."""
        said = [line for line in self._lines() if line.startswith(MODEL)]
        return said[0].removeprefix(MODEL).partition(" (")[0] if said else ""

    @property
    def starts(self) -> int:
        """How often it opened its ports; more than once if its player died."""
        return sum(line.startswith(OPEN) for line in self._lines())

    @property
    def pid(self) -> int:
        """The pid of its supervisor."""
        assert self._process is not None
        return self._process.pid

    def check(self) -> None:
        """Check that it still runs.

        Raises:
            RipienoError: it has ended; the sentence is from its output.
        """
        if self._process is not None and self._process.poll() is not None:
            raise last_words(self._said(), self._process.returncode)

    def change(self, words: Sequence[str]) -> bool:
        """Change its parameters; return False where that failed.

        A daemon that is ending cannot be found, or its file cannot, or only another
        daemon can. These errors differ, and none of them is a fault.
        """
        try:
            change(words, self.settings.name_in)
        except RipienoError:
            return False
        return True

    def end(self) -> None:
        """Let it release every note and end; safe to call twice."""
        if self._process is None:
            return
        if self._process.poll() is None:
            self._process.terminate()
        try:
            self._process.wait(ENDING_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _wait_for_ports(self, clock: Clock) -> None:
        until_ns = clock.now_ns() + LOADING_NS
        while not self.starts:
            self.check()
            if clock.now_ns() > until_ns:
                raise PortError(
                    f"The daemon opened no ports within {LOADING_NS // NS_PER_S} s; "
                    "try `ripieno doctor`."
                )
            clock.wait_until(clock.now_ns() + LOOK_NS)

    def _lines(self) -> list[str]:
        return self._said().splitlines()

    def _said(self) -> str:
        return self.log.read_text(encoding="utf-8", errors="replace")
