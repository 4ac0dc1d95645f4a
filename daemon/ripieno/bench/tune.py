"""`ripieno doctor --tune`: finds the best number of threads for each model.

Each model's largest graph runs with every candidate, in alternating blocks, so that
other load slows all of them alike. The median of the blocks' medians decides. The
default, one thread that does not spin, stays unless another candidate is clearly
faster: more threads need idle cores, which a musician's machine seldom has, and a
spinning thread takes a core from the synthesizer.

`ripieno.inference.tuning` stores the result.
"""

import os
import statistics
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final

import numpy as np

from ripieno.clock import NS_PER_MS, NS_PER_S, Clock, SystemClock, date_utc
from ripieno.inference import manifest as manifests
from ripieno.inference import tuning
from ripieno.inference.graph import Graph
from ripieno.inference.interfaces import INTERFACES
from ripieno.inference.lines import MASKS, POSITION, SAMPLED, TOTAL
from ripieno.inference.outputs import naming
from ripieno.inference.session import Loaded, runtime_version
from ripieno.inference.tuning import Threads, Tuned

WORTH: Final = 0.9
"""A candidate must take less than this share of the default's time: smaller differences
are noise (two runs of one candidate differ by up to 6 % here)."""
MODEL_NS: Final = 2 * NS_PER_S
"""How long a model is measured."""
ROUNDS: Final = 15
"""The number of blocks of each candidate."""
FILLED: Final = 0.75
"""How full a cache is on average, as its window slides by half."""


def candidates(cores: int) -> tuple[Threads, ...]:
    """Return the candidates, the default first; never all of many cores."""
    counts = sorted({2, min(4, cores // 2)} - {0, 1}) if cores > 1 else []
    more = (Threads(n, spinning) for n in counts for spinning in (False, True))
    return (Threads(), *more)


def tune(folders: Sequence[Path]) -> Iterator[Tuned]:
    """Measure the models of folders on the CPU, one after another; store each result.

    Raises:
        ModelError: a model cannot be loaded.
        FileError: the result cannot be stored.
    """
    place = tuning.here(runtime_version())
    for folder in folders:
        if not INTERFACES[manifests.load(folder).interface].graphs:
            continue
        with naming(folder.name):
            found = _tuned(folder)
        tuning.keep([found], place)
        yield found


def _tuned(folder: Path) -> Tuned:
    tried = candidates(os.cpu_count() or 1)
    loaded = [Loaded(folder, "cpu", threads) for threads in tried]
    for each in loaded:
        fill(each.graphs["model"])
        each.graphs["model"].warm_up()
    runs = [each.graphs["model"].run for each in loaded]
    taken_ms = in_turns(runs, SystemClock(), MODEL_NS, ROUNDS)
    best = choose(taken_ms)
    return Tuned(
        model=loaded[0].manifest.name,
        sha256=loaded[0].manifest.sha256,
        provider=loaded[0].provider,
        threads=tried[best],
        p50_ms=round(taken_ms[best], 4),
        plain_ms=round(taken_ms[0], 4),
        when=date_utc(),
    )


def choose(taken_ms: Sequence[float]) -> int:
    """Return the best candidate; each must be clearly faster than those before."""
    best = 0
    for place, each_ms in enumerate(taken_ms):
        if each_ms < WORTH * taken_ms[best]:
            best = place
    return best


def in_turns(
    runs: Sequence[Callable[[], None]], clock: Clock, for_ns: int, rounds: int
) -> list[float]:
    """Return each run's time in ms: the median of its blocks' medians.

    Args:
        runs: what is measured.
        clock: to measure with.
        for_ns: about how long all of it takes.
        rounds: the number of blocks of each.
    """
    block_ms = for_ns / NS_PER_MS / rounds / len(runs)
    first = [max(_median_ms(run, clock, 3), 1e-3) for run in runs]
    blocks = [
        [
            _median_ms(run, clock, max(3, int(block_ms / run_ms)))
            for run, run_ms in zip(runs, first, strict=True)
        ]
        for _ in range(rounds)
    ]
    return [statistics.median(each) for each in zip(*blocks, strict=True)]


def fill(graph: Graph) -> None:
    """Set inputs with which a run takes as long as during a performance."""
    for name, array in graph.put.items():
        if name in MASKS or array.dtype == np.bool_:
            array[...] = True
        elif name in SAMPLED[1:]:
            array[...] = 1
        elif name in (POSITION, TOTAL):
            rows = graph.put["key_0"].shape[-2]
            array[...] = int(rows * FILLED) + (name == TOTAL)


def _median_ms(run: Callable[[], None], clock: Clock, count: int) -> float:
    taken_ns = []
    for _ in range(count):
        before_ns = clock.now_ns()
        run()
        taken_ns.append(clock.now_ns() - before_ns)
    return statistics.median(taken_ns) / NS_PER_MS
