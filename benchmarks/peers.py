"""Runs the same work through other programs and ours: ``python -m benchmarks.peers``.

Each program is a script of `benchmarks/peer_programs/` in a process of its own, on one
thread. It reads from its standard input how often to do its work, and writes how long
each time took (see `turns.py` there). The blocks of the programs alternate, so that
other load on the machine slows all of them alike. The ratios are the result. Of a
program that is not installed, the report says what to install.

Another program may need another Python: `--python` names one. Each program is tried
with it first, then with ours.
"""

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, NamedTuple

from benchmarks.measure import main
from rich.console import Console

from ripieno.bench.bounds import within
from ripieno.bench.report import Begun, Figure, Report, Spread, Table, spread
from ripieno.errors import SettingsError
from ripieno.settings.paths import is_file


class Peer(NamedTuple):
    """A program that is measured.

    Attributes:
        script: its file's name, without the ending.
        what: what it is and does, for people.
        beside: the script of ours that it is compared with.
        is_ours: whether it runs with our Python alone.
    """

    script: str
    what: str
    beside: str
    is_ours: bool = True


HARMONIZE, STEP = "ours_harmonize", "ours_step"
PEERS: Final = (
    Peer(HARMONIZE, "ours: harmonize, a key and its voices", HARMONIZE),
    Peer("notochord_gru", "Notochord: feed + query", HARMONIZE, is_ours=False),
    Peer(STEP, "ours: event GRU, a step", STEP),
    Peer("naive_step", "the same graph, naive ONNX Runtime", STEP),
    Peer("torch_step", "the same network, torch eager", STEP),
)
PROGRAMS: Final = Path(__file__).parent / "peer_programs"
ONE_THREAD: Final = dict.fromkeys(
    ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1"
)
BLOCK: Final = 25
COLUMNS: Final = ("program", "parameters", "n", "p50", "p95", "p99", "× ours", "with")


def add(parser: argparse.ArgumentParser) -> None:
    """Add the flags of this measurement."""
    parser.add_argument(
        "--python", type=Path, help="an interpreter that has a peer installed"
    )
    parser.add_argument(
        "--rounds", type=int, default=20, help=f"blocks of {BLOCK} of each (default 20)"
    )


def run(arguments: argparse.Namespace, say: Console) -> Report:
    """Measure.

    Raises:
        SettingsError: a flag is out of its bounds, or names no file.
    """
    within("rounds", arguments.rounds, 1, 10_000)
    if arguments.python is not None and not is_file(arguments.python):
        raise SettingsError(
            f"python is {arguments.python}, which is no file; name an interpreter, "
            "such as .venv/bin/python."
        )
    begun = Begun("peers", {"rounds": arguments.rounds, "block": BLOCK})
    asked = [started(peer, PROGRAMS, arguments.python, say) for peer in PEERS]
    try:
        for number in range(arguments.rounds):
            for one in asked if number % 2 else reversed(asked):
                one.block(BLOCK)
    finally:
        for one in asked:
            one.close()
    return begun.end([shown(asked)], figures(asked))


@dataclass(slots=True)
class Asked:
    """A program that runs, or why it does not.

    Attributes:
        peer: which.
        about: what it says of itself.
        why_not: a sentence, where it is not measured.
        taken_ms: what was measured.
    """

    peer: Peer
    child: "subprocess.Popen[str] | None" = None
    about: dict[str, Any] = field(default_factory=dict)
    why_not: str = ""
    taken_ms: list[float] = field(default_factory=list)

    def block(self, count: int) -> None:
        """Let it do its work so many times."""
        if self.child is None or self.child.stdin is None:
            return
        try:
            self.child.stdin.write(f"{count}\n")
            self.child.stdin.flush()
        except OSError:
            self.close()
            self.why_not = "not measured: it died meanwhile"
            return
        told = self.heard()
        if isinstance(told, list):
            self.taken_ms += told
        else:
            self.close()
            self.why_not = "not measured: it died meanwhile"

    def heard(self) -> Any:
        """Return what it said in its next line; None where there is none."""
        assert self.child is not None
        assert self.child.stdout is not None
        return parsed(self.child.stdout.readline())

    def close(self) -> None:
        """Close its input, upon which it ends."""
        if self.child is not None:
            self.child.communicate()
            self.child = None


def parsed(line: str) -> Any:
    """Return what a program said in a line; None where it is outside the protocol."""
    try:
        said = json.loads(line)
    except ValueError:
        return None
    is_times = isinstance(said, list) and all(isinstance(t, float) for t in said)
    return said if isinstance(said, dict) or is_times else None


def started(peer: Peer, folder: Path, python: Path | None, say: Console) -> Asked:
    """Start a program with the first Python in which it is installed."""
    say.print(f"{peer.what} …")
    ours = Path(sys.executable)
    why = ""
    for interpreter in [ours] if peer.is_ours else filter(None, (python, ours)):
        child = subprocess.Popen(
            [interpreter, folder / f"{peer.script}.py"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            text=True, env=os.environ | ONE_THREAD,
        )  # fmt: skip
        asked = Asked(peer, child)
        told = asked.heard()
        if isinstance(told, dict) and "missing" not in told:
            asked.about = told
            return asked
        asked.close()
        why = told["missing"] if isinstance(told, dict) else "it did not start"
    return Asked(peer, why_not=f"not installed: {why}")


def shown(asked: Iterable[Asked]) -> Table:
    """Return the table, for people."""
    asked = list(asked)
    return Table(
        "Milliseconds, one thread each, a process each, in turns",
        COLUMNS,
        tuple(_cells(one, _ours(one, asked)) for one in asked),
    )


def figures(asked: Iterable[Asked]) -> dict[str, Figure]:
    """Return the figures, for programs."""
    asked = list(asked)
    found: dict[str, Figure] = {}
    for one in asked:
        measured, ours = spread(one.taken_ms), _ours(one, asked)
        is_measured = measured.count > 0
        found[f"{one.peer.script}, ms"] = measured if is_measured else None
        if one.peer.script != one.peer.beside:
            both = is_measured and ours.count
            found[f"{one.peer.script}, over ours"] = (
                measured.p50 / ours.p50 if both else None
            )
    return found


def _ours(one: Asked, asked: Iterable[Asked]) -> Spread:
    """Return the times of the program of ours that it is compared with."""
    return next(spread(o.taken_ms) for o in asked if o.peer.script == one.peer.beside)


def _cells(one: Asked, ours: Spread) -> tuple[str, ...]:
    found = spread(one.taken_ms)
    if not found.count:
        return (one.peer.what, *("",) * (len(COLUMNS) - 2), one.why_not)
    versions = {n: v for n, v in one.about.items() if n != "parameters"}
    ratio = f"{found.p50 / ours.p50:.1f}" if ours.count else ""
    return (
        one.peer.what,
        f"{one.about.get('parameters', 0):,}",
        f"{found.count:,}",
        *(f"{value:.3f}" for value in (found.p50, found.p95, found.p99)),
        ratio,
        " ".join(f"{name} {version}" for name, version in versions.items()),
    )


if __name__ == "__main__":
    sys.exit(main("peers", sys.modules[__name__]))
