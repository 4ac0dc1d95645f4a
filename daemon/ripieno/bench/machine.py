"""Describes the machine of a measurement.

What a system does not tell is left out, never guessed.
"""

import os
import platform
from importlib import metadata
from pathlib import Path
from typing import Final, NamedTuple

from ripieno import __version__
from ripieno.errors import PortError
from ripieno.inference import tuning
from ripieno.ports.jack_server import Sentinel

MEMORY_INFO: Final = Path("/proc/meminfo")
GOVERNOR: Final = Path("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor")
PACKAGES: Final = (
    "numpy", "python-rtmidi", "JACK-Client", "onnxruntime", "onnxruntime-gpu", "torch",
)  # fmt: skip


def machine() -> dict[str, str]:
    """Return the processor, cores, memory and system."""
    place = tuning.here("")
    found = {
        "processor": place.processor,
        "cores": str(place.cores),
        "memory": _first_line(MEMORY_INFO).removeprefix("MemTotal:").strip(),
        "system": platform.platform(),
        "governor": _first_line(GOVERNOR),
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
    if (jack := maybe_jack()) is not None:
        frames = f"{jack.period_frames} frames at {jack.rate_hz} Hz"
        found["JACK period"] = f"{frames} ({jack.period_ms:.2f} ms)"
    return found


def run_queue(when: str) -> dict[str, float]:
    """Return the length of the run queue, averaged over a minute; none on Windows."""
    if not hasattr(os, "getloadavg"):
        return {}
    return {f"load {when}": round(os.getloadavg()[0], 2)}


def _first_line(path: Path) -> str:
    """Return the first line of a file; empty where it cannot be read."""
    try:
        return path.read_text(encoding="utf-8").partition("\n")[0]
    except OSError:
        return ""


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
