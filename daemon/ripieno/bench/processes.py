"""The memory of a daemon's processes, where the system tells (`/proc`)."""

from pathlib import Path
from typing import Final, NamedTuple

from ripieno.bench.spread import quantile

PROC: Final = Path("/proc")
CHILDREN: Final = ("thinker", "player", "patchbay")
"""In the order in which the supervisor starts them."""
TRACKER: Final = b"resource_tracker"
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


def family(pid: int) -> dict[int, str]:
    """A daemon's processes, with what each of them is; empty where nothing is told."""
    if not (PROC / str(pid)).is_dir():
        return {}
    children = [child for child in _children(pid) if not _is_tracker(child)]
    names = [*CHILDREN, *("started again" for _ in children)]
    found = {pid: "supervisor"} | dict(zip(sorted(children), names, strict=False))
    for child in children:
        below = [each for each in _children(child) if not _is_tracker(each)]
        found |= dict.fromkeys(below, f"{found[child]}'s ports")
    return found


def _children(pid: int) -> list[int]:
    try:
        path = PROC / str(pid) / "task" / str(pid) / "children"
        return [int(word) for word in path.read_text().split()]
    except OSError:
        return []


def _is_tracker(pid: int) -> bool:
    try:
        return TRACKER in (PROC / str(pid) / "cmdline").read_bytes()
    except OSError:
        return True


def memory_mib(pid: int) -> float:
    """What a process holds of the machine's memory; 0 where that is not told."""
    try:
        text = (PROC / str(pid) / "status").read_text()
    except OSError:
        return 0.0
    kib = [line.split()[1] for line in text.splitlines() if line.startswith("VmRSS:")]
    return int(kib[0]) / 1024 if kib else 0.0


def growth(name: str, samples: list[float]) -> Growth:
    """What became of one process' memory, sampled evenly."""
    quarter = max(1, len(samples) // 4)
    second = sorted(samples[quarter : 2 * quarter]) or sorted(samples)
    last = sorted(samples[-quarter:])
    first = samples[0] if samples else 0.0
    return Growth(name, first, quantile(second, 0.5), quantile(last, 0.5))
