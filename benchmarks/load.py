"""How busy other programs keep the machine while a command runs, on Linux.

``python -m benchmarks.load ripieno bench latency``: runs the command, then prints how
many cores it took itself, how many other programs took, and how many the host of a
virtual machine has taken away.
"""

import os
import subprocess
import sys
from pathlib import Path
from typing import Final, NamedTuple

from ripieno.clock import NS_PER_S, Clock, SystemClock

CPU_TIMES: Final = Path("/proc/stat")
STEAL: Final = 7
"""The index of the stolen time in a line of /proc/stat, from "user"."""
IDLE: Final = (3, 4)
"""The indexes of idle time and of waiting for a disk."""


class Times(NamedTuple):
    """Seconds since any origin.

    Attributes:
        now_s: the time.
        own_s: the work of this process and of its children that have ended.
        busy_s, stolen_s: all work, and the stolen time, over all cores.
    """

    now_s: float
    own_s: float
    busy_s: float
    stolen_s: float


def times(clock: Clock) -> Times:
    """Return the present times."""
    line = CPU_TIMES.read_text(encoding="ascii").partition("\n")[0]
    ticks = [int(word) for word in line.split()[1 : STEAL + 2]]
    busy = sum(n for place, n in enumerate(ticks) if place not in (*IDLE, STEAL))
    own_s, per_s = sum(os.times()[:4]), os.sysconf("SC_CLK_TCK")
    now_s = clock.now_ns() / NS_PER_S
    return Times(now_s, own_s, busy / per_s, sum(ticks[STEAL:]) / per_s)


def load(before: Times, after: Times) -> dict[str, float]:
    """Return the cores that were in use between two times; none over no time."""
    took_s, own_s, busy_s, stolen_s = (
        b - a for a, b in zip(before, after, strict=True)
    )
    if took_s <= 0:
        return {}
    cores = {"ours": own_s, "others": max(0.0, busy_s - own_s), "stolen": stolen_s}
    return {f"cores, {who}": round(s / took_s, 3) for who, s in cores.items()}


def main() -> int:
    """Run the command, print the load, and return the command's exit code."""
    clock = SystemClock()
    before = times(clock)
    code = subprocess.call(sys.argv[1:])
    for name, value in load(before, times(clock)).items():
        print(f"{name}: {value}")
    return code


if __name__ == "__main__":
    sys.exit(main())
