"""Plays every role in turn, for minutes or for hours: ``python -m benchmarks.soak``.

It starts a daemon with a journal. A scripted musician plays at the daemon's real ports,
and changes every parameter that can be changed while it plays. With the role the model
changes. Then it counts late notes, hanging notes, lost messages, the growth of memory,
and processes that died.
"""

import argparse
import contextlib
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from benchmarks import soak_script
from benchmarks.effective import sounding
from benchmarks.measure import main
from benchmarks.processes import Family, memory_mib
from benchmarks.soak_script import Stint
from benchmarks.soak_sums import Sums, Watch

from ripieno.bench.bounds import within
from ripieno.bench.daemon import NAME_IN, NAME_OUT, Daemon, running
from ripieno.bench.guest import Guest, guest_of
from ripieno.bench.report import Begun, Report
from ripieno.clock import NS_PER_MS, NS_PER_S, Clock, SystemClock
from ripieno.errors import RipienoError
from ripieno.ports.backends import choose_backend
from ripieno.processes.remote import change, status_of
from ripieno.settings.config import Settings
from ripieno.settings.params import Params
from ripieno.settings.roles import ROLES
from ripieno.settings.status import Status

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress, TaskID

STINTS: Final = 36
"""The least number. After a quarter of the time every role has played, and every model
is loaded; from then on memory must not grow."""
SHORTEST_S: Final = 4.0
LONGEST_S: Final = 45.0
BREATH_NS: Final = 300 * NS_PER_MS
"""The time between two stints: the planned notes of the last one have left by then."""
SILENCE_NS: Final = NS_PER_S
SAMPLES: Final = 180
"""The number of samples of memory: every ten seconds of half an hour."""
ENDING_NS: Final = NS_PER_S


def add(parser: argparse.ArgumentParser) -> None:
    """Add the flags of this measurement."""
    length = parser.add_mutually_exclusive_group()
    length.add_argument("--minutes", type=float, default=30.0, help="0.4 or more")
    length.add_argument("--hours", type=float, help="the same in hours")
    parser.add_argument("--model", default="", help="for the roles that it plays")
    parser.add_argument("--provider", default="auto", help="auto, cpu or cuda")
    parser.add_argument("--backend", default="auto", help="which MIDI system")
    parser.add_argument("--seed", type=int, default=1, help="what chance starts from")
    parser.add_argument("--journal", type=Path, help="keep the journal there")


def run(arguments: argparse.Namespace, say: "Console") -> Report:
    """Measure.

    Raises:
        RipienoError: a value is out of its bounds, or the daemon ended by itself.
    """
    hours = arguments.hours
    minutes = arguments.minutes if hours is None else 60.0 * hours
    within("minutes", minutes, 0.4, 60 * 24 * 7)
    backend, why = choose_backend(arguments.backend)
    begun = Begun(
        "soak",
        {
            "backend": backend, "minutes": minutes, "model": arguments.model,
            "seed": arguments.seed,
        },
    )  # fmt: skip
    say.print(f"MIDI: {backend} ({why}). {minutes:g} minutes; Ctrl-C ends it sooner.")
    settings = Settings(
        model=arguments.model, provider=arguments.provider, backend=backend,
        name_in=NAME_IN, name_out=NAME_OUT,
        play=Params(thru=True, channel=2, listen=0),
    )  # fmt: skip
    watch, notes = Watch(), list[str]()
    with _told(say), tempfile.TemporaryDirectory(prefix="ripieno-bench-") as folder:
        with (
            running(settings, arguments.seed, Path(folder)) as daemon,
            guest_of(settings) as guest,
        ):
            length_ns = int(minutes * 60 * NS_PER_S)
            soaking = _Soaking(daemon, guest, watch, arguments.seed)
            if not soaking.play(length_ns, say):
                notes.append("Stopped by Ctrl-C: what was measured by then.")
            daemon.end()
            with contextlib.suppress(KeyboardInterrupt):  # too late to stop anything
                guest.listen(SystemClock().now_ns() + ENDING_NS)
        sums = Sums(daemon.journal, daemon.log, guest.heard, watch)
        if arguments.journal is not None:
            arguments.journal.write_bytes(daemon.journal.read_bytes())
    return begun.end(sums.tables(), sums.figures(), notes=notes)


class _Soaking:
    """The musician, who also changes the settings. Thread: one."""

    def __init__(self, daemon: Daemon, guest: Guest, watch: Watch, seed: int) -> None:
        self._daemon, self._guest, self._watch = daemon, guest, watch
        self._seed = seed
        self._family = Family(daemon.process.pid)
        self._clock: Clock = SystemClock()
        self._sample_ns = self._every_ns = 0
        self._sounding: Counter[tuple[int, int]] = Counter()
        self._start_ns = self._end_ns = 0

    def play(self, length_ns: int, say: "Console") -> bool:
        """Play for so long; return False if Ctrl-C ended it."""
        self._start_ns = self._clock.now_ns()
        self._end_ns = self._start_ns + length_ns
        self._every_ns = max(length_ns // SAMPLES, NS_PER_S // 2)
        stint_s = min(max(length_ns / STINTS / NS_PER_S, SHORTEST_S), LONGEST_S)
        number = 0
        try:
            say.print(f"Connected; every role in turn, {stint_s:.0f} s each.")
            with _shown(say, length_ns / NS_PER_S) as (progress, task):
                while self._clock.now_ns() < self._end_ns:
                    told = soak_script.stint(number, self._seed)
                    progress.update(task, description=told.role)
                    self._stint(number, told, int(stint_s * NS_PER_S), progress, task)
                    number += 1
        except KeyboardInterrupt:
            return False
        return True

    def _stint(
        self,
        number: int,
        told: Stint,
        for_ns: int,
        progress: "Progress",
        task: "TaskID",
    ) -> None:
        guest, clock = self._guest, self._clock

        def look() -> None:
            self._look()
            done_ns = clock.now_ns() - self._start_ns
            progress.update(task, completed=done_ns / NS_PER_S)

        self._change(told.words)
        start_ns = clock.now_ns() + guest.reach_ns + BREATH_NS
        script = soak_script.played(told, start_ns, for_ns, self._seed + number)
        half = len(script) // 2
        for index, each in enumerate(script):
            if index == half:
                self._change(told.middle)
            guest.play([each])
            look()
        guest.listen(clock.now_ns() + guest.reach_ns + BREATH_NS)
        if number % 5 == 4:
            guest.listen(clock.now_ns() + SILENCE_NS)
        if (status := self._status()) is not None:
            self._watch.last.append((told.role, status))
        # A reply may still be going on: another role begins with silence.
        another = next(role for role in ROLES if role != told.role)
        self._change((f"role={another}",))
        guest.listen(clock.now_ns() + guest.reach_ns + BREATH_NS)
        now = sounding(each.data for each in guest.heard)
        self._watch.stuck[told.role] += sum((now - self._sounding).values())
        self._sounding = now

    def _look(self) -> None:
        """Check that the daemon still plays; sample its memory when it is time."""
        now_ns = self._clock.now_ns()
        if now_ns < self._sample_ns:
            return
        self._sample_ns = now_ns + self._every_ns
        self._daemon.check()
        watch = self._watch
        found = self._family.look()
        watch.names |= found
        for pid in found:
            watch.memory.setdefault(pid, []).append(memory_mib(pid))

    def _change(self, words: Sequence[str]) -> None:
        if not changed(words):
            self._guest.check()  # Ctrl-C reaches the daemon as well
            self._daemon.check()
            self._watch.refused += 1

    def _status(self) -> Status | None:
        with contextlib.suppress(RipienoError):
            return status_of(NAME_IN)
        return None


def changed(words: Sequence[str]) -> bool:
    """Change the daemon's parameters; return False where that failed.

    A daemon that is ending cannot be found, or its file cannot, or only another daemon
    can. These errors differ, and none of them is a fault.
    """
    try:
        change(words, NAME_IN)
    except RipienoError:
        return False
    return True


@contextlib.contextmanager
def _told(say: "Console") -> Iterator[None]:
    """Print a sentence if Ctrl-C ends it before it plays."""
    try:
        yield
    except KeyboardInterrupt:
        say.print("Stopped by Ctrl-C; there is no report.")
        raise


@contextlib.contextmanager
def _shown(say: "Console", total_s: float) -> Iterator[tuple["Progress", "TaskID"]]:
    """Show a line with the role that plays and the remaining time."""
    from rich.progress import Progress

    is_off = not say.is_terminal
    with Progress(console=say, transient=True, disable=is_off) as progress:
        yield progress, progress.add_task("", total=total_s)


if __name__ == "__main__":
    sys.exit(main("soak", sys.modules[__name__]))
