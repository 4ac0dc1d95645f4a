"""Reads the names and the memory of a daemon's processes (`/proc`, Linux only)."""

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
        name: of the process.
        first: at the beginning.
        second, last: the medians of the second and of the last quarter of the time.
    """

    name: str
    first: float
    second: float
    last: float

    @property
    def percent(self) -> float:
        """The growth from the second quarter to the last."""
        return 100.0 * (self.last / self.second - 1.0) if self.second else 0.0


class Family:
    """A daemon's processes over a run, each known by the name that it shows.

    A process that has just begun shows no name yet, and is called "starting". One that
    replaces a dead one gets another name, so that their memory is counted apart.
    Thread: one.
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
        """Return the processes that run now: pid → name; empty without `/proc`."""
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
    """Return what is added to the name of a process that is not the first one."""
    if not times:
        return ""
    return ", started again" if times == 1 else f", started again {times} times"


def _shown(pid: int) -> str:
    """Return the name that a process of ours shows (`ripieno.ipc.naming`), else ""."""
    name = _read(pid, "comm").strip()
    return name.removeprefix(PREFIX) if name.startswith(PREFIX) else ""


def _children(pid: int) -> list[int]:
    return [int(word) for word in _read(pid, f"task/{pid}/children").split()]


def _is_ours(pid: int) -> bool:
    """Return whether a process is ours: not Python's own child, and not ended."""
    command = _read(pid, "cmdline")
    return bool(command) and TRACKER not in command


def _read(pid: int, what: str) -> str:
    """Return a file of a process; empty where the process has ended."""
    try:
        return (PROC / str(pid) / what).read_text(errors="replace")
    except OSError:
        return ""


def memory_mib(pid: int) -> float:
    """Return the resident memory of a process, in MiB; 0 where it is unknown."""
    lines = _read(pid, "status").splitlines()
    kib = [line.split()[1] for line in lines if line.startswith("VmRSS:")]
    return int(kib[0]) / 1024 if kib else 0.0


def growth(name: str, samples: list[float]) -> Growth:
    """Return the growth of one process; its memory is sampled at even times."""
    if not samples:
        return Growth(name, 0.0, 0.0, 0.0)
    quarter = max(1, len(samples) // 4)
    second = samples[quarter : 2 * quarter] or samples
    medians = (statistics.median_low(part) for part in (second, samples[-quarter:]))
    return Growth(name, samples[0], *medians)
