"""How many threads each model runs on, as this machine was found to like it.

`ripieno doctor --tune` measures, and keeps what it found in one file, the machine's
own; a `Session` looks into it. What was found with another processor, another ONNX
Runtime or other weights says nothing here, and is passed over.

Only values, and a file that holds them: this module measures nothing, reads no clock,
and does not know ONNX Runtime.
"""

import os
import platform
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Final, NamedTuple

import msgspec

from ripieno.errors import FileError
from ripieno.settings.paths import read_file

FILE: Final = "machine.json"
LARGEST_BYTES: Final = 1024 * 1024
MOST_THREADS: Final = 1024
"""No machine that plays has more cores."""
CPU_INFO: Final = Path("/proc/cpuinfo")


class Threads(msgspec.Struct, frozen=True):
    """How ONNX Runtime is to use the processor.

    Attributes:
        count: threads within a node. One is the default: two pay from some 5 M
            parameters up, and only on idle cores.
        spinning: whether a thread that waits burns its core.
    """

    count: Annotated[int, msgspec.Meta(ge=1, le=MOST_THREADS)] = 1
    spinning: bool = False

    def __str__(self) -> str:
        """For people."""
        plural = "s" * (self.count != 1)
        return f"{self.count} thread{plural}{', spinning' * self.spinning}"


class Place(msgspec.Struct, frozen=True):
    """Where a figure holds: another place has others."""

    processor: str
    cores: int
    runtime: str


class Tuned(msgspec.Struct, frozen=True):
    """What was found for one model.

    Attributes:
        model: its name, for people.
        sha256: of its graph, as its manifest says.
        provider: that ran it, as ONNX Runtime names it.
        threads: the best found.
        p50_ms: how long a run took with them, the median.
        plain_ms: the same with the default.
        when: the date and time, UTC.
    """

    model: str
    sha256: str
    provider: str
    threads: Threads
    p50_ms: float
    plain_ms: float
    when: str


class Machine(msgspec.Struct, frozen=True):
    """What was found, and where."""

    place: Place
    models: tuple[Tuned, ...] = ()


class Found(NamedTuple):
    """What the file says.

    Attributes:
        machine: what holds here; no models where nothing does.
        why_not: a sentence, where the file is there and says nothing for here.
    """

    machine: Machine
    why_not: str = ""


def path() -> Path:
    """Where the machine's file lies; it need not be there."""
    if sys.platform == "win32":
        root = Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData/Local")
    elif sys.platform == "darwin":
        root = Path.home() / "Library" / "Application Support"
    else:
        given = os.environ.get("XDG_STATE_HOME", "")
        is_good = Path(given).is_absolute()
        root = Path(given) if is_good else Path.home() / ".local" / "state"
    return root / "ripieno" / FILE


def here(runtime: str) -> Place:
    """This machine, with a version of ONNX Runtime."""
    return Place(_processor(), os.cpu_count() or 1, runtime)


def found(place: Place) -> Found:
    """What is known of a place; never raises."""
    nothing = Machine(place)
    try:
        machine = msgspec.json.decode(read_file(path(), LARGEST_BYTES), type=Machine)
    except FileNotFoundError:
        return Found(nothing)
    except (OSError, RuntimeError) as error:  # RuntimeError: there is no home
        return Found(nothing, f"{FILE} cannot be read ({error})")
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        return Found(nothing, f"{path()} is damaged ({error})")
    for what, then, now in zip(
        ("processor", "number of cores", "ONNX Runtime"),
        msgspec.structs.astuple(machine.place),
        msgspec.structs.astuple(place),
        strict=True,
    ):
        if then != now:
            why = f"it was found with another {what} ({then}; here it is {now})"
            return Found(nothing, why)
    return Found(machine)


def threads_for(sha256: str, provider: str, place: Place) -> Threads:
    """The best threads known for a model; the default where nothing is known."""
    for tuned in found(place).machine.models:
        if (tuned.sha256, tuned.provider) == (sha256, provider):
            return tuned.threads
    return Threads()


def keep(models: Iterable[Tuned], place: Place) -> Path:
    """Add to what is known of a place, and write it, whole or not at all.

    Raises:
        FileError: it cannot be written.
    """
    known = {(t.sha256, t.provider): t for t in (*found(place).machine.models, *models)}
    data = msgspec.json.encode(Machine(place, tuple(known.values())))
    try:
        target = path()
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=target.parent, delete=False) as file:
            file.write(msgspec.json.format(data, indent=2) + b"\n")
        Path(file.name).replace(target)
    except (OSError, RuntimeError) as error:
        raise FileError(
            f"What was found cannot be kept in {FILE} ({error}); the default, "
            f"{Threads()}, goes on."
        ) from error
    return target


def _processor() -> str:
    """What the processor calls itself."""
    try:
        lines = CPU_INFO.read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if "model name" in line]
    return names[0] if names else platform.machine()
