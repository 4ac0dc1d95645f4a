"""Times a step of our Transformer beside its limit and beside the usual ways to run it.

    python benchmarks/steps.py --graphs FOLDER -o steps.json          (three minutes)
    python benchmarks/steps.py --graphs FOLDER --sizes 85M --rounds 6

The networks have random weights and 1, 5 and 20 million parameters. They are of the
published network's class, and exported as it is. The cache is nearly full, and a step
feeds one event. Blocks of these alternate in one run:

* the daemon's session and line in float32, 8 bits and float16, with one thread and with
  two, spinning or not;
* the same network as it is usually exported and called, and in torch eager
  (`ordinary.py`);
* a measurement of the memory bandwidth.

All include the same sampling.

Of each it prints the median of its blocks' medians, the p99 over all its steps, and the
median of its best block, which a busy machine disturbs least. The limit is the bytes of
weights and filled cache divided by the bandwidth of the same run: median by median,
best by best. A model that fits into the processor's cache can be faster than that.
"""

import argparse
import os

# numpy and torch are to use one thread, as the others do; numpy asks when it is loaded.
for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "1"

import sys  # noqa: E402
from dataclasses import dataclass, field  # noqa: E402
from pathlib import Path  # noqa: E402
from typing import Any  # noqa: E402

import made  # noqa: E402
import numpy as np  # noqa: E402
import onnx  # noqa: E402
import ordinary  # noqa: E402
import torch  # noqa: E402
from onnx import numpy_helper  # noqa: E402
from rich.console import Console  # noqa: E402

from ripieno.bench.model import Memory, cache_bytes  # noqa: E402
from ripieno.bench.report import Begun, Table, spread  # noqa: E402
from ripieno.clock import NS_PER_MS, SystemClock  # noqa: E402
from ripieno.inference.controls import Controls  # noqa: E402
from ripieno.inference.lines import WindowLine  # noqa: E402
from ripieno.inference.session import Loaded  # noqa: E402
from ripieno.inference.tuning import Threads  # noqa: E402
from ripieno.layouts.vocabulary import SIZES, Event  # noqa: E402
from ripieno_export import checkpoint  # noqa: E402

BLOCK_STEPS = {"1M": 48, "5M": 32, "20M": 12, "85M": 6}
FILL = 0.9
"""How full the cache is when a block begins."""
CLOCK = SystemClock()


def events(count: int) -> list[Event]:
    """Return random events, always the same."""
    rng = np.random.default_rng(7)
    return [Event(*(int(rng.integers(n)) for n in SIZES)) for _ in range(count)]


class Ours:
    """A line, as the daemon uses it."""

    def __init__(self, folder: Path, threads: Threads, fill: int) -> None:
        self.session = Loaded(folder, "cpu", threads)
        self.session.warm_up()
        line = self.session.line()
        assert isinstance(line, WindowLine)
        self._line, self._fill = line, fill
        for event in events(fill):
            line.step(event, Controls())

    def begin(self) -> None:
        """Go back to the state at the beginning of a block."""
        self._line.rewind(self._fill)

    def rest(self) -> None:
        """Do what the daemon does between two events."""
        while self._line.idle():
            pass

    def step(self, event: Event, controls: Controls) -> Any:
        return self._line.step(event, controls)


class Other:
    """The naive step, or torch's."""

    def __init__(self, line: Any, fill: int) -> None:
        self._line, self._fill = line, fill

    def begin(self) -> None:
        self._line.fill(self._fill)

    def rest(self) -> None:
        """Do nothing: there is no work between two events."""

    def step(self, event: Event, controls: Controls) -> Any:
        return self._line.step(event, controls)


@dataclass
class Row:
    """One way to take a step, and its times."""

    size: str
    how: str
    runs: Any
    moved_bytes: int
    blocks_ms: list[list[float]] = field(default_factory=list)

    def block(self, heard: list[Event], controls: Controls) -> None:
        self.runs.begin()
        self.runs.step(heard[0], controls)  # its weights are near again
        taken = []
        for event in heard[1:]:
            self.runs.rest()
            before_ns = CLOCK.now_ns()
            self.runs.step(event, controls)
            taken.append((CLOCK.now_ns() - before_ns) / NS_PER_MS)
        self.blocks_ms.append(taken)

    @property
    def p50_ms(self) -> float:
        return float(np.median([np.median(block) for block in self.blocks_ms]))

    @property
    def best_ms(self) -> float:
        return float(min(np.median(block) for block in self.blocks_ms))

    @property
    def all_ms(self) -> list[float]:
        return [value for block in self.blocks_ms for value in block]


def weights_bytes(graph: Path) -> int:
    """Return the bytes of the constants that a step reads, without look-up tables."""
    model = onnx.load(graph)
    looked_up = {n.input[0] for n in model.graph.node if n.op_type == "Gather"}
    return sum(
        numpy_helper.to_array(tensor).nbytes
        for tensor in model.graph.initializer
        if tensor.name not in looked_up
    )


def rows_of(size: str, context: int, graphs: Path) -> list[Row]:
    """Return every way to take a step, loaded."""
    fill = int(context * FILL)
    wanted = made.preset(size, context)
    model = made.network(wanted)
    found = []
    for bits, name in ((32, "float32"), (8, "8 bits"), (16, "float16")):
        folder = made.folder(size, context, bits, graphs)
        hows = [Threads()]
        if bits != 16:
            hows += [Threads(2), Threads(2, spinning=True)]
        for threads in hows:
            runs = Ours(folder, threads, fill)
            moved = weights_bytes(folder / "model.onnx")
            moved += cache_bytes(runs.session.manifest, fill)
            found.append(Row(size, f"ours, {name}, {threads}", runs, moved))
        if bits != 16:
            runs = Catching(folder, Threads(), context)
            found.append(
                Row(size, f"ours, {name}, while the next window is filled", runs, moved)
            )
    weights, graph = graphs / f"{wanted.name}.pt", graphs / f"{wanted.name}-plain.onnx"
    if not graph.is_file():
        payload = {"preset": wanted.as_dict(), "model": model.state_dict()}
        checkpoint.save(weights, payload)
        ordinary.export(weights, graph)
        weights.unlink()
    moved = found[0].moved_bytes
    naive = Other(ordinary.NaiveLine(graph), fill)
    found.append(Row(size, "naive ONNX Runtime, float32", naive, moved))
    eager = Other(ordinary.Eager(model, context), fill)
    found.append(Row(size, "torch eager, float32", eager, moved))
    return found


class Catching(Ours):
    """A line whose steps also fill the next window, two events at a time."""

    def __init__(self, folder: Path, threads: Threads, context: int) -> None:
        super().__init__(folder, threads, context // 2)
        self._half = context // 2

    def begin(self) -> None:
        """Go back to the state in which the next window is empty and must be filled."""
        self._line.rewind(self._half)
        for event in events(self._half // 2 + 1):
            self._line.step(event, Controls())

    def rest(self) -> None:
        """Do nothing: there is no time between two events."""


def measure(rows: list[Row], rounds: int, memory: Memory, steps: int) -> None:
    """Measure all rows in alternating blocks."""
    heard, controls = events(steps + 1), Controls(top_p=(0.95,) * 4)
    for number in range(rounds):
        for row in rows if number % 2 else reversed(rows):
            row.block(heard, controls)
        memory.read()


def cells(row: Row, first: Row, memory: Memory) -> tuple[str, ...]:
    found, limit = spread(row.all_ms), memory.limit_ms(row.moved_bytes)
    least = row.moved_bytes / max(memory.gb_per_s) / 1e6
    return (
        row.size,
        row.how,
        f"{row.p50_ms:.3f}",
        f"{found.p99:.3f}",
        f"{row.best_ms:.3f}",
        f"{row.moved_bytes / 1e6:.1f}",
        f"{limit:.3f}",
        f"{row.p50_ms / limit:.2f}",
        f"{row.best_ms / least:.2f}",
        f"{row.p50_ms / first.p50_ms:.2f}",
        f"{row.best_ms / first.best_ms:.2f}",
    )


def flags() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--graphs", type=Path, required=True, help="kept here")
    parser.add_argument("--sizes", default="1M,5M,20M", help="also 85M")
    parser.add_argument("--context", type=int, default=512, help="512 or 1024")
    parser.add_argument("--rounds", type=int, default=20, help="blocks of each")
    parser.add_argument("-o", "--output", type=Path, metavar="FILE.json")
    return parser.parse_args()


def main() -> int:
    asked, say = flags(), Console(stderr=True, highlight=False)
    torch.set_num_threads(1)
    sizes = asked.sizes.split(",")
    for size in sizes:  # exported before the measuring begins
        for bits in (32, 8, 16):
            made.folder(size, asked.context, bits, asked.graphs)
    settings = {
        "sizes": sizes,
        "context": asked.context,
        "rounds": asked.rounds,
        "fill": FILL,
        "threads": "1 unless said",
        "sampling": "included everywhere",
    }
    report, figures, shown, speeds = Begun("steps", settings), {}, [], []
    for size in sizes:
        say.print(f"{size} parameters …")
        rows, memory = rows_of(size, asked.context, asked.graphs), Memory()
        measure(rows, asked.rounds, memory, BLOCK_STEPS[size])
        shown += [cells(row, rows[0], memory) for row in rows]
        for row in rows:
            figures[f"{size}, {row.how}, ms"] = spread(row.all_ms)
            figures[f"{size}, {row.how}, median of blocks, ms"] = row.p50_ms
            figures[f"{size}, {row.how}, best block, ms"] = row.best_ms
            limit_ms = memory.limit_ms(row.moved_bytes)
            figures[f"{size}, {row.how}, over limit"] = row.p50_ms / limit_ms
            figures[f"{size}, {row.how}, over ours"] = row.p50_ms / rows[0].p50_ms
        figures[f"{size}, bandwidth, GB/s"] = memory.typical_gb_per_s
        speeds.append(f"{memory.typical_gb_per_s:.1f} ({size})")
    columns = (
        "size",
        "how",
        "p50, ms",
        "p99",
        "best",
        "MB moved",
        "limit, ms",
        "over limit",
        "best",
        "over ours",
        "best",
    )
    title = f"One step; one thread reads, in GB/s, {', '.join(speeds)}"
    done = report.end([Table(title, columns, tuple(shown))], figures)
    if asked.output is not None:
        done.write_json(asked.output)
    done.print(Console(highlight=False, soft_wrap=True))
    return 0


if __name__ == "__main__":
    sys.exit(main())
