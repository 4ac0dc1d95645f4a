"""`ripieno bench model`: times a step and a whole answer of each model.

Every installed model is measured on every provider that works here: with one thread,
with two, and with two that spin. First come the time to load, the first step and the
first answer (cold); then steps and answers, in alternating blocks, so that other load
slows all of them alike. Between the blocks the memory bandwidth of the machine is
measured: a step cannot be faster than reading its bytes.

It runs the daemon's own code, and plays nothing.
"""

import argparse
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from rich.console import Console

from ripieno.bench.answers import Answer, answer_of, what_is_asked
from ripieno.bench.bounds import within
from ripieno.bench.report import Figure, Report, Table, begin
from ripieno.bench.roofline import Memory, cache_bytes, whole
from ripieno.bench.spread import spread
from ripieno.bench.tune import FILLED, fill
from ripieno.clock import NS_PER_MS, NS_PER_S, Clock, SystemClock
from ripieno.errors import SettingsError
from ripieno.inference import manifest as manifests
from ripieno.inference.controls import Controls
from ripieno.inference.interfaces import INTERFACES
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
SHARE_OF_STEPS: Final = 0.4
"""The share of steps in a block's time; the rest is for answers."""
COLUMNS: Final = (
    "model", "how", "load", "first step", "step p50", "p95", "p99", "MB", "limit",
    "over limit", "first answer", "answer p50", "p99", "an answer is",
)  # fmt: skip


def add(parser: argparse.ArgumentParser) -> None:
    """Add the flags of this measurement."""
    parser.add_argument(
        "--model",
        action="append",
        default=[],
        help="a name or a folder; again for more",
    )
    parser.add_argument(
        "--seconds", type=float, default=6.0, help="for each model (default 6)"
    )


def run(arguments: argparse.Namespace, say: Console) -> Report:
    """Measure.

    Raises:
        RipienoError: a flag is out of its bounds, or a model cannot be loaded.
    """
    within("seconds", arguments.seconds, 0.1, 3600)
    folders = [manifests.find(name) for name in arguments.model]
    folders = folders or list(manifests.installed())
    settings = {"models": [f.name for f in folders], "seconds": arguments.seconds}
    report, memory, rows = begin("model", settings), Memory(), list[Row]()
    why = why_not_cuda()
    for folder in folders:
        manifest = manifests.load(folder)
        if not INTERFACES[manifest.interface].graphs:
            continue
        say.print(plain(f"{manifest.name} …"), markup=False)
        ways = [Row(folder, *way) for way in WAYS if not why or way[0] != "cuda"]
        with naming(manifest.name):
            measure(ways, int(arguments.seconds * NS_PER_S), memory)
        rows += ways
    if not rows:
        raise SettingsError(
            f"{', '.join(f.name for f in folders) or 'No model'} has no steps to "
            "measure; `ripieno models` lists what is there."
        )
    names = dict.fromkeys(row.model for row in rows)
    missing = [(name, "CUDA", f"not measured: {why}") for name in names] if why else []
    title = (
        "Milliseconds. One thread reads "
        f"{memory.typical_gb_per_s:.1f} GB/s here; a step's bytes are those of its "
        "graph's file and of its caches, three quarters full; of a table that is "
        "looked up a step reads one row, but it is counted whole."
    )
    shown = [row.cells(memory) for row in rows]
    shown += [(*cells, *("",) * (len(COLUMNS) - len(cells))) for cells in missing]
    figures: dict[str, Figure] = {"bandwidth, GB/s": memory.typical_gb_per_s}
    for row in rows:
        figures |= row.figures(memory)
    figures |= {f"{name}, CUDA": None for name, *_ in missing}
    return report.end([Table(title, COLUMNS, tuple(shown))], figures)


def why_not_cuda() -> str:
    """Return why CUDA does not work here; empty where it does."""
    choice = choose_provider("auto")
    is_there = choice.provider == "CUDAExecutionProvider"
    return "" if is_there else choice.why.removeprefix("CPU, because ")


@dataclass(slots=True)
class Row:
    """One model, run in one way.

    Attributes:
        folder: the model's.
        provider: as `choose_provider` takes it.
        threads: on the CPU.
        clock: to measure with.
    """

    folder: Path
    provider: str
    threads: Threads
    clock: Clock = field(default_factory=SystemClock)
    model: str = ""
    answers: str = ""
    moved_bytes: int = 0
    load_ms: float = 0.0
    cold_step_ms: float = 0.0
    cold_answer_ms: float = 0.0
    step_ms: list[float] = field(default_factory=list)
    answer_ms: list[float] = field(default_factory=list)
    steps: "Steps | None" = None
    answer: Answer = field(default=lambda: None)

    @property
    def how(self) -> str:
        """For people."""
        return "CUDA" if self.provider == "cuda" else str(self.threads)

    def load(self) -> None:
        """Load it, and take the first step and the first answer."""
        manifest = manifests.load(self.folder)
        before_ns = self.clock.now_ns()
        loaded = Loaded(self.folder, self.provider, self.threads)
        self.load_ms = (self.clock.now_ns() - before_ns) / NS_PER_MS
        self.model, self.answers = manifest.name, what_is_asked(manifest.interface)
        file = self.folder / manifests.GRAPH
        rows = int(FILLED * manifest.context_events)
        self.moved_bytes = file.stat().st_size + cache_bytes(whole(manifest), rows)
        self.steps, self.answer = Steps(loaded), answer_of(loaded)
        self.cold_step_ms = self.timed(self.steps)
        self.cold_answer_ms = self.timed(self.answer)
        self.steps.fill()

    def timed(self, work: Callable[[], None]) -> float:
        """How long it takes, in ms."""
        before_ns = self.clock.now_ns()
        work()
        return (self.clock.now_ns() - before_ns) / NS_PER_MS

    def block(self, for_ns: int) -> None:
        """Steps, then answers: at least one of each."""
        assert self.steps is not None, "it is loaded"
        for work, rest, taken, share in (
            (self.steps, self.steps.rest, self.step_ms, SHARE_OF_STEPS),
            (self.answer, nothing, self.answer_ms, 1 - SHARE_OF_STEPS),
        ):
            until_ns = self.clock.now_ns() + int(for_ns * share)
            work()  # what ran before it has emptied the caches
            while True:
                rest()
                taken.append(self.timed(work))
                if self.clock.now_ns() >= until_ns:
                    break

    def cells(self, memory: Memory) -> tuple[str, ...]:
        """For people, under `COLUMNS`."""
        step, answer = spread(self.step_ms), spread(self.answer_ms)
        limit_ms = memory.limit_ms(self.moved_bytes)
        numbers = (self.load_ms, self.cold_step_ms, step.p50, step.p95, step.p99)
        return (
            self.model,
            self.how,
            *(f"{number:.3f}" for number in numbers),
            f"{self.moved_bytes / 1e6:.1f}",
            f"{limit_ms:.3f}",
            f"{step.p50 / limit_ms:.2f}",
            f"{self.cold_answer_ms:.1f}",
            f"{answer.p50:.2f}",
            f"{answer.p99:.2f}",
            self.answers,
        )

    def figures(self, memory: Memory) -> dict[str, Figure]:
        """For programs."""
        name = f"{self.model}, {self.how}"
        step = spread(self.step_ms)
        return {
            f"{name}, load, ms": self.load_ms,
            f"{name}, first step, ms": self.cold_step_ms,
            f"{name}, step, ms": step,
            f"{name}, moved, bytes": float(self.moved_bytes),
            f"{name}, over limit": step.p50 / memory.limit_ms(self.moved_bytes),
            f"{name}, first answer, ms": self.cold_answer_ms,
            f"{name}, answer, ms": spread(self.answer_ms),
        }


def nothing() -> None:
    """Between two answers there is nothing to be done."""


class Steps:
    """One step after another, through a line of play; or runs of the largest graph."""

    def __init__(self, loaded: Loaded) -> None:
        self._fill = int(FILLED * loaded.manifest.context_events)
        is_stepped = INTERFACES[loaded.manifest.interface].is_stepped
        self._line = loaded.line() if is_stepped else None
        self._graph, self._controls = loaded.graphs["model"], Controls()
        if self._line is None:
            fill(self._graph)

    def __call__(self) -> None:
        """One step."""
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
        """What the thinker does while nothing happens: see `Line.idle`."""
        while self._line is not None and self._line.idle():
            pass


def measure(rows: list[Row], for_ns: int, memory: Memory) -> None:
    """All ways of one model, in turns."""
    for row in rows:
        row.load()
    for number in range(ROUNDS):
        for row in rows if number % 2 else reversed(rows):
            row.block(for_ns // ROUNDS // len(rows))
        memory.read()
