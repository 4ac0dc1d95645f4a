"""The memory of a daemon's processes, where the system tells (`/proc`)."""

import statistics
from collections import Counter
from pathlib import Path
from typing import Final, NamedTuple

from ripieno.ipc.naming import PREFIX

PROC: Final = Path("/proc")
STARTING: Final = "starting"
TRACKER: Final = "resource_tracker"
"""Python's own child, which looks after the shared memory."""


class Growth(NamedTuple):
    """The memory of one process over a run, in MiB.

    Attributes:
        name: which.
        first, second, last: as it was at first; the median of the second quarter of
            the time, and of the last.
    """

    name: str
    first: float
    second: float
    last: float

    @property
    def percent(self) -> float:
        """From the second quarter to the last."""
        return 100.0 * (self.last / self.second - 1.0) if self.second else 0.0


class Family:
    """A daemon's processes over a run, each known by the name that it shows.

    A process that has just begun shows no name yet and is called "starting" so long.
    One that takes the place of a dead one gets a name of its own, so that its memory is
    not taken for the dead one's, grown. Thread: one.
    """

    def __init__(self, pid: int) -> None:
        """Look at nothing yet.

        Args:
            pid: of the supervisor.
        """
        self._pid = pid
        self._names: dict[tuple[int, str], str] = {}
        self._count: Counter[str] = Counter()

    def look(self) -> dict[int, str]:
        """Those that run now, by what each of them is; empty where nothing is told."""
        if not (PROC / str(self._pid)).is_dir():
            return {}
        found = {self._pid: "supervisor"}
        for child in filter(_is_ours, _children(self._pid)):
            found[child] = self._name(child)
            for port in filter(_is_ours, _children(child)):
                found[port] = f"{_shown(port)} port of {found[child]}".strip()
        return found

    def _name(self, pid: int) -> str:
        kind = _shown(pid)
        if not kind:
            return STARTING
        if (pid, kind) not in self._names:
            self._count[kind] += 1
            self._names[pid, kind] = kind + _again(self._count[kind] - 1)
        return self._names[pid, kind]


def _again(times: int) -> str:
    """How a name says that it is not the first of its kind."""
    if not times:
        return ""
    return ", started again" if times == 1 else f", started again {times} times"


def _shown(pid: int) -> str:
    """What a process of ours calls itself (`ripieno.ipc.naming`); else nothing."""
    name = _read(pid, "comm").strip()
    return name.removeprefix(PREFIX) if name.startswith(PREFIX) else ""


def _children(pid: int) -> list[int]:
    return [int(word) for word in _read(pid, f"task/{pid}/children").split()]


def _is_ours(pid: int) -> bool:
    """Not Python's own child, and not one that has just gone."""
    command = _read(pid, "cmdline")
    return bool(command) and TRACKER not in command


def _read(pid: int, what: str) -> str:
    """What is told of a process; nothing of one that has gone."""
    try:
        return (PROC / str(pid) / what).read_text(errors="replace")
    except OSError:
        return ""


def memory_mib(pid: int) -> float:
    """What a process holds of the machine's memory; 0 where that is not told."""
    lines = _read(pid, "status").splitlines()
    kib = [line.split()[1] for line in lines if line.startswith("VmRSS:")]
    return int(kib[0]) / 1024 if kib else 0.0


def growth(name: str, samples: list[float]) -> Growth:
    """What became of one process' memory, sampled evenly."""
    if not samples:
        return Growth(name, 0.0, 0.0, 0.0)
    quarter = max(1, len(samples) // 4)
    second = samples[quarter : 2 * quarter] or samples
    medians = (statistics.median_low(part) for part in (second, samples[-quarter:]))
    return Growth(name, samples[0], *medians)
