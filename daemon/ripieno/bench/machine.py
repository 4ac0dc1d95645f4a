"""Describes the machine of a measurement, and its other load.

What a system does not tell is left out, never guessed.
"""

import os
import platform
import shutil
import subprocess
import sys
from importlib import metadata
from pathlib import Path
from typing import Final, NamedTuple

from ripieno import __version__
from ripieno.clock import NS_PER_S, Clock, SystemClock
from ripieno.errors import PortError
from ripieno.ports.jack_server import Sentinel

CPU_INFO: Final = Path("/proc/cpuinfo")
MEMORY_INFO: Final = Path("/proc/meminfo")
CPU_TIMES: Final = Path("/proc/stat")
GOVERNOR: Final = Path("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor")
PACKAGES: Final = (
    "numpy", "python-rtmidi", "JACK-Client", "onnxruntime", "onnxruntime-gpu", "torch",
)  # fmt: skip
STEAL: Final = 7
"""The index of the stolen time in a line of /proc/stat, from "user"."""
IDLE: Final = (3, 4)
"""The indexes of idle time and of waiting for a disk."""


def machine() -> dict[str, str]:
    """Return the processor, cores, memory and system."""
    found = {
        "processor": _line(CPU_INFO, "model name") or platform.processor(),
        "cores": str(os.cpu_count() or 0),
        "memory": _line(MEMORY_INFO, "MemTotal"),
        "system": _system(),
        "kernel": platform.release(),
        "governor": _text(GOVERNOR),
    }
    return {name: value for name, value in found.items() if value}


def versions() -> dict[str, str]:
    """Return the versions of Ripieno, Python, the installed packages and JACK."""
    found = {"ripieno": __version__, "python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return found | _jack()


class Load:
    """The load of the machine from now on. Thread: one."""

    def __init__(self, clock: Clock | None = None) -> None:
        self._clock = clock or SystemClock()
        self._start_ns, self._average = self._clock.now_ns(), _average()
        self._all_s, self._stolen_s = _cpu_s()
        self._own_s = _own_s()

    def beside(self) -> dict[str, float]:
        """Return the load: run queue before and after, and the time of other programs.

        Our own time is that of this process and of its children that have ended. So
        call it when all children have ended.
        """
        took_s = (self._clock.now_ns() - self._start_ns) / NS_PER_S
        found = {"seconds": round(took_s, 1)}
        for name, average in (("before", self._average), ("after", _average())):
            if average is not None:
                found[f"load {name}"] = round(average, 2)
        all_s, stolen_s = _cpu_s()
        if all_s and took_s > 0:
            own_s = _own_s() - self._own_s
            others_s = max(0.0, all_s - self._all_s - own_s)
            found["cores of ours"] = round(own_s / took_s, 3)
            found["cores of others"] = round(others_s / took_s, 3)
            found["cores stolen"] = round((stolen_s - self._stolen_s) / took_s, 3)
        return found


def _average() -> float | None:
    return os.getloadavg()[0] if hasattr(os, "getloadavg") else None


def _own_s() -> float:
    return sum(os.times()[:4])


def _cpu_s() -> tuple[float, float]:
    """Return the seconds of work and of stolen time, over all cores."""
    if sys.platform != "linux":
        return 0.0, 0.0
    try:
        line = CPU_TIMES.read_text(encoding="ascii").splitlines()[0]
    except OSError:
        return 0.0, 0.0
    ticks = [int(word) for word in line.split()[1 : STEAL + 2]]
    busy = sum(n for place, n in enumerate(ticks) if place not in (*IDLE, STEAL))
    stolen = ticks[STEAL] if len(ticks) > STEAL else 0
    per_s = os.sysconf("SC_CLK_TCK")
    return busy / per_s, stolen / per_s


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8").strip()
    except OSError:
        return ""


def _line(path: Path, name: str) -> str:
    """Return the value of the first ``name : value`` in a file."""
    for line in _text(path).splitlines():
        head, colon, value = line.partition(":")
        if colon and head.strip() == name:
            return value.strip()
    return ""


def _system() -> str:
    if sys.platform != "linux":
        return platform.platform()
    try:
        return platform.freedesktop_os_release().get("PRETTY_NAME", "Linux")
    except OSError:
        return "Linux"


class Jack(NamedTuple):
    """A JACK server that answers."""

    period_frames: int
    rate_hz: int

    @property
    def period_ms(self) -> float:
        """The length of a period."""
        return 1000.0 * self.period_frames / self.rate_hz


def maybe_jack() -> Jack | None:
    """Return the JACK server, or None if none answers. Cost: a client, 20 ms."""
    try:
        watch = Sentinel("Ripieno Bench look")
    except PortError:
        return None
    found = Jack(watch.period_frames, watch.rate_hz)
    watch.close()
    return found


def _jack() -> dict[str, str]:
    jack = maybe_jack()
    if jack is None:
        return {}
    said = f"{jack.period_frames} frames at {jack.rate_hz} Hz ({jack.period_ms:.2f} ms)"
    return {"JACK period": said, **_jackd()}


def _jackd() -> dict[str, str]:
    program = shutil.which("jackd")
    if program is None:
        return {}
    done = subprocess.run(
        [program, "--version"], capture_output=True, text=True, check=False
    )
    said = [line for line in done.stdout.splitlines() if "version" in line]
    return {"jackd": said[0].split("version")[1].split()[0]} if said else {}
