"""`ripieno bench model`: times a step and a whole answer of each model.

Every installed model is measured on every provider that works here: with one thread,
with two, and with two that spin. First come the time to load, the first step and the
first answer (cold); then steps and answers, in alternating blocks, so that other load
slows all of them alike. Between the blocks the memory bandwidth of the machine is
measured: a step of batch 1 uses every weight once, so it cannot be faster than reading
its bytes from memory. A model that fits into a cache may be.

It runs the daemon's own code, and plays nothing.
"""

import argparse
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
from rich.console import Console

from ripieno.bench.answers import answer_of, what_is_asked
from ripieno.bench.bounds import within
from ripieno.bench.report import Begun, Figure, Report, Table, spread
from ripieno.bench.tune import FILLED, fill
from ripieno.clock import NS_PER_MS, NS_PER_S, SystemClock
from ripieno.errors import SettingsError
from ripieno.inference import manifest as manifests
from ripieno.inference.controls import Controls
from ripieno.inference.interfaces import INTERFACES
from ripieno.inference.lines import POSITION
from ripieno.inference.outputs import naming
from ripieno.inference.session import Loaded, choose_provider
from ripieno.inference.tuning import Threads
from ripieno.layouts.vocabulary import Event
from ripieno.settings.output import plain

WAYS: Final[tuple[tuple[str, Threads], ...]] = (
    ("cpu", Threads()), ("cpu", Threads(2)), ("cpu", Threads(2, spinning=True)),
    ("cuda", Threads()),
)  # fmt: skip
"""Providers and threads; on a GPU the number of CPU threads does not matter."""
EVENT: Final = Event(0, 0, 60, 16)
ROUNDS: Final = 10
READ_BYTES: Final = 256 << 20
"""Far larger than any present cache."""
SHARE_OF_STEPS: Final = 0.4
"""The share of steps in a block's time; the rest is for answers."""
COLUMNS: Final = (
    "model", "how", "load", "first step", "step p50", "p95", "p99", "MB", "limit",
    "over limit", "first answer", "answer p50", "p99", "an answer is",
)  # fmt: skip


def add(parser: argparse.ArgumentParser) -> None:
    """Add the flags of this measurement."""
    models, seconds = "a name or a folder; again for more", "for each model"
    parser.add_argument("--model", action="append", default=[], help=models)
    parser.add_argument("--seconds", type=float, default=6.0, help=seconds)


def run(arguments: argparse.Namespace, say: Console) -> Report:
    """Measure.

    Raises:
        RipienoError: a flag is out of its bounds, or a model cannot be loaded.
    """
    within("seconds", arguments.seconds, 0.1, 3600)
    folders = [manifests.find(name) for name in arguments.model]
    folders = folders or list(manifests.installed())
    names = [folder.name for folder in folders]
    begun = Begun("model", {"models": names, "seconds": arguments.seconds})
    memory, rows, why = Memory(), list[Row](), why_not_cuda()
    for folder in folders:
        manifest = manifests.load(folder)
        if not INTERFACES[manifest.interface].graphs:
            continue
        say.print(plain(f"{manifest.name} …"), markup=False)
        with naming(manifest.name):
            ways = [Row(folder, *way) for way in WAYS if not why or way[0] != "cuda"]
            measure(ways, int(arguments.seconds * NS_PER_S), memory)
        rows += ways
    if not rows:
        raise SettingsError(
            f"{', '.join(names) or 'No model'} has no steps to measure; "
            "`ripieno models` lists what is there."
        )
    title = (
        "Milliseconds. One thread reads "
        f"{memory.typical_gb_per_s:.1f} GB/s here; a step's bytes are those of its "
        "graph's file and of its caches, three quarters full; of a table that is "
        "looked up a step reads one row, but it is counted whole."
    )
    cells = [row.cells(memory) for row in rows]
    figures: dict[str, Figure] = {"bandwidth, GB/s": memory.typical_gb_per_s}
    for row in rows:
        figures |= row.figures(memory)
    for name in dict.fromkeys(row.model for row in rows) if why else ():
        shown = (name, "CUDA", f"not measured: {why}")
        cells.append((*shown, *("",) * (len(COLUMNS) - len(shown))))
        figures[f"{name}, CUDA"] = None
    return begun.end([Table(title, COLUMNS, tuple(cells))], figures)


def why_not_cuda() -> str:
    """Return why CUDA does not work here; empty where it does."""
    choice = choose_provider("auto")
    is_there = choice.provider == "CUDAExecutionProvider"
    return "" if is_there else choice.why.removeprefix("CPU, because ")


@dataclass(slots=True)
class Memory:
    """The memory bandwidth of one thread, measured by a maximum over many numbers.

    numpy computes a maximum with vector instructions in one thread; a dot product might
    use more threads.
    """

    read_bytes: int = READ_BYTES
    gb_per_s: list[float] = field(default_factory=list)
    _held: npt.NDArray[np.float32] | None = None

    def read(self) -> None:
        """Measure once; call it between the blocks of the measurements."""
        if self._held is None:
            self._held = np.ones(self.read_bytes // 4, np.float32)
        clock = SystemClock()
        before_ns = clock.now_ns()
        self._held.max()
        took_ns = max(1, clock.now_ns() - before_ns)
        self.gb_per_s.append(self._held.nbytes / took_ns)

    @property
    def typical_gb_per_s(self) -> float:
        """The median so far."""
        return float(np.median(self.gb_per_s))

    def limit_ms(self, moved_bytes: float) -> float:
        """Return the time to read so many bytes, by the median bandwidth."""
        return moved_bytes / self.typical_gb_per_s / 1e6


def cache_bytes(manifest: manifests.Manifest, rows: int) -> int:
    """Return the bytes that a step reads of caches with so many filled rows.

    A state without positions counts twice: it is read and written.
    """
    tensors = {tensor.name: tensor for tensor in manifest.inputs}
    total = 0
    for into, _ in manifest.state:
        tensor = tensors[into]
        whole = int(np.prod(tensor.shape)) * np.dtype(tensor.dtype).itemsize
        total += whole * rows // tensor.shape[-2] if POSITION in tensors else 2 * whole
    return total


class Row:
    """One model, run in one way.

    Attributes:
        model: its name.
        how: it is run, for people.
    """

    def __init__(self, folder: Path, provider: str, threads: Threads) -> None:
        """Load it, and take the first step and the first answer.

        Args:
            folder: the model's.
            provider: see `choose_provider`.
            threads: on the CPU.
        """
        before_ns = SystemClock().now_ns()
        loaded = Loaded(folder, provider, threads)
        self._load_ms = (SystemClock().now_ns() - before_ns) / NS_PER_MS
        manifest = loaded.manifest
        self.model = manifest.name
        self.how = "CUDA" if provider == "cuda" else str(threads)
        self._answers = what_is_asked(manifest.interface)
        rows = int(FILLED * manifest.context_events)
        self._moved_bytes = (folder / manifests.GRAPH).stat().st_size
        self._moved_bytes += cache_bytes(manifest, rows)
        self._steps, self._answer = Steps(loaded), answer_of(loaded)
        self._cold_step_ms = timed(self._steps)
        self._cold_answer_ms = timed(self._answer)
        self._steps.fill()
        self._step_ms: list[float] = []
        self._answer_ms: list[float] = []

    def block(self, for_ns: int) -> None:
        """Take steps, then answers: at least one of each."""
        clock = SystemClock()
        for work, taken, share in (
            (self._steps, self._step_ms, SHARE_OF_STEPS),
            (self._answer, self._answer_ms, 1 - SHARE_OF_STEPS),
        ):
            until_ns = clock.now_ns() + int(for_ns * share)
            work()  # what ran before it has emptied the caches
            while True:
                self._steps.rest()
                taken.append(timed(work))
                if clock.now_ns() >= until_ns:
                    break

    def cells(self, memory: Memory) -> tuple[str, ...]:
        """For people, under `COLUMNS`."""
        step, answer = spread(self._step_ms), spread(self._answer_ms)
        limit_ms = memory.limit_ms(self._moved_bytes)
        numbers = (self._load_ms, self._cold_step_ms, step.p50, step.p95, step.p99)
        return (
            self.model,
            self.how,
            *(f"{number:.3f}" for number in numbers),
            f"{self._moved_bytes / 1e6:.1f}",
            f"{limit_ms:.3f}",
            f"{step.p50 / limit_ms:.2f}",
            f"{self._cold_answer_ms:.1f}",
            f"{answer.p50:.2f}",
            f"{answer.p99:.2f}",
            self._answers,
        )

    def figures(self, memory: Memory) -> dict[str, Figure]:
        """For programs."""
        name, step = f"{self.model}, {self.how}", spread(self._step_ms)
        return {
            f"{name}, load, ms": self._load_ms,
            f"{name}, first step, ms": self._cold_step_ms,
            f"{name}, step, ms": step,
            f"{name}, moved, bytes": float(self._moved_bytes),
            f"{name}, over limit": step.p50 / memory.limit_ms(self._moved_bytes),
            f"{name}, first answer, ms": self._cold_answer_ms,
            f"{name}, answer, ms": spread(self._answer_ms),
        }


def timed(work: Callable[[], None]) -> float:
    """Return how long some work takes, in ms."""
    clock = SystemClock()
    before_ns = clock.now_ns()
    work()
    return (clock.now_ns() - before_ns) / NS_PER_MS


class Steps:
    """One step after another, through a line; or runs of the largest graph."""

    def __init__(self, loaded: Loaded) -> None:
        self._fill = int(FILLED * loaded.manifest.context_events)
        is_stepped = INTERFACES[loaded.manifest.interface].is_stepped
        self._line = loaded.line() if is_stepped else None
        self._graph, self._controls = loaded.graphs["model"], Controls()
        if self._line is None:
            fill(self._graph)

    def __call__(self) -> None:
        """Take one step."""
        if self._line is None:
            self._graph.run()
        else:
            self._line.step(EVENT, self._controls)

    def fill(self) -> None:
        """Hear as many events as a window holds on average."""
        for _ in range(self._fill):
            self()
        self.rest()

    def rest(self) -> None:
        """Do what the thinker does while nothing happens: see `Line.idle`."""
        while self._line is not None and self._line.idle():
            pass


def measure(rows: list[Row], for_ns: int, memory: Memory) -> None:
    """Measure all ways of one model, in turns."""
    for number in range(ROUNDS):
        for row in rows if number % 2 else reversed(rows):
            row.block(for_ns // ROUNDS // len(rows))
        memory.read()
