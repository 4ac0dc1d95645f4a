"""How many threads each model runs on, as measured on this machine.

`ripieno doctor --tune` measures, and keeps the results in one file of the machine;
`ripieno.inference.session.Loaded` reads it. Results for another processor, another
ONNX Runtime or other weights are not used. Nothing is measured here.
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
"""The limit for a number of threads."""
CPU_INFO: Final = Path("/proc/cpuinfo")


class Threads(msgspec.Struct, frozen=True):
    """How ONNX Runtime uses the processor.

    Attributes:
        count: threads within a node. One is the default: two are faster from some 5 M
            parameters up, and only on idle cores.
        spinning: whether a waiting thread keeps its core busy.
    """

    count: Annotated[int, msgspec.Meta(ge=1, le=MOST_THREADS)] = 1
    spinning: bool = False

    def __str__(self) -> str:
        """Return it in words, such as ``2 threads, spinning``."""
        plural = "s" * (self.count != 1)
        return f"{self.count} thread{plural}{', spinning' * self.spinning}"


class Place(msgspec.Struct, frozen=True):
    """The machine and the ONNX Runtime for which results hold."""

    processor: str
    cores: int
    runtime: str


class Tuned(msgspec.Struct, frozen=True):
    """The result for one model.

    Attributes:
        model: its name, for people.
        sha256: of its graph, as its manifest says.
        provider: that ran it, as ONNX Runtime names it.
        threads: the best ones.
        p50_ms: the median time of a run with them.
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
    """All results of a place."""

    place: Place
    models: tuple[Tuned, ...] = ()


class Found(NamedTuple):
    """What the file holds.

    Attributes:
        machine: the results for this place; without models if there are none.
        why_not: a sentence, if there is a file that cannot be used here.
    """

    machine: Machine
    why_not: str = ""


def path() -> Path:
    """Return the path of the file, which need not exist."""
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
    """Return this machine, with a version of ONNX Runtime."""
    return Place(_processor(), os.cpu_count() or 1, runtime)


def found(place: Place) -> Found:
    """Return the results for a place; never raises."""
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
    """Return the best threads for a model; the default if it was not measured."""
    for tuned in found(place).machine.models:
        if (tuned.sha256, tuned.provider) == (sha256, provider):
            return tuned.threads
    return Threads()


def keep(models: Iterable[Tuned], place: Place) -> Path:
    """Add results for a place, and write the file, whole or not at all.

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
    try:
        lines = CPU_INFO.read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if "model name" in line]
    return names[0] if names else platform.machine()
