"""`ripieno doctor --tune`: how many threads each model likes on this machine.

Each model's largest graph runs with every candidate in turns, a block of each, so that
other work slows all alike; the median of the blocks' medians decides. One thread that
does not spin is the default, and stays unless another is clearly faster: more threads
want idle cores, which a musician's machine seldom has, and a spinning one takes its
core from the synthesizer.

What is found is kept by `ripieno.think.tuning`.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from ripieno.clock import NS_PER_MS, NS_PER_S, Clock, SystemClock, date_utc
from ripieno.think import manifest as manifests
from ripieno.think import tuning
from ripieno.think.graph import Graph
from ripieno.think.lines import MASKS, POSITION, SAMPLED, TOTAL
from ripieno.think.outputs import naming
from ripieno.think.session import Loaded, runtime_version
from ripieno.think.tuning import Threads, Tuned

WORTH: Final = 0.9
"""Another candidate must take less than this share of the default's time: below that it
is noise (two runs of one candidate differ by up to 6 % here)."""
MODEL_NS: Final = 2 * NS_PER_S
"""A model is measured for so long …"""
ROUNDS: Final = 15
"""… in so many blocks of each candidate."""
FILLED: Final = 0.75
"""How full a cache is: on average, of a window that slides by half."""


def candidates(cores: int) -> tuple[Threads, ...]:
    """What is tried: the default first; never all cores, where there are many."""
    counts = sorted({2, min(4, cores // 2)} - {0, 1}) if cores > 1 else []
    more = (Threads(n, spinning) for n in counts for spinning in (False, True))
    return (Threads(), *more)


def tune(
    folders: Sequence[Path], provider: str = "cpu", clock: Clock | None = None
) -> Iterator[Tuned]:
    """Measure models, one after another, and keep what was found.

    Args:
        folders: of the models.
        provider: see `ripieno.think.session.choose_provider`.
        clock: to measure with.

    Raises:
        ModelError: a model cannot be loaded.
        FileError: what was found cannot be kept.
    """
    clock, place = clock or SystemClock(), tuning.here(runtime_version())
    for folder in folders:
        if manifests.load(folder).interface == "tables":
            continue
        with naming(folder.name):
            found = _tuned(folder, provider, clock)
        tuning.keep([found], place)
        yield found


def _tuned(folder: Path, provider: str, clock: Clock) -> Tuned:
    tried = candidates(os.cpu_count() or 1)
    loaded = [Loaded(folder, provider, threads) for threads in tried]
    for each in loaded:
        fill(each.graphs["model"])
        each.graphs["model"].warm_up()
    runs = [each.graphs["model"].run for each in loaded]
    taken_ms = in_turns(runs, clock, MODEL_NS, ROUNDS)
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
    """Which candidate: each must be clearly faster than the best one before it."""
    best = 0
    for place, each_ms in enumerate(taken_ms):
        if each_ms < WORTH * taken_ms[best]:
            best = place
    return best


def in_turns(
    runs: Sequence[Callable[[], None]], clock: Clock, for_ns: int, rounds: int
) -> list[float]:
    """How long each takes, in ms: the median of its blocks' medians.

    Args:
        runs: what is measured.
        clock: to measure with.
        for_ns: for how long, about, all together.
        rounds: blocks of each.
    """
    first = [_median_ms(run, clock, 3) for run in runs]
    block_ms = for_ns / NS_PER_MS / rounds / len(runs)
    counts = [max(3, int(block_ms / max(each_ms, 1e-3))) for each_ms in first]
    blocks: npt.NDArray[Any] = np.array(
        [
            [_median_ms(run, clock, n) for run, n in zip(runs, counts, strict=True)]
            for _ in range(rounds)
        ]
    )
    return [float(value) for value in np.median(blocks, axis=0)]


def fill(graph: Graph) -> None:
    """Inputs with which a run takes as long as when music is played."""
    for name, array in graph.put.items():
        if name in MASKS or array.dtype == np.bool_:
            array[...] = True
        elif name in SAMPLED[1:]:
            array[...] = 1
        elif name in (POSITION, TOTAL):
            rows = next(a.shape[-2] for n, a in graph.put.items() if n == "key_0")
            array[...] = int(rows * FILLED) + (name == TOTAL)


def _median_ms(run: Callable[[], None], clock: Clock, count: int) -> float:
    taken = np.zeros(count)
    for place in range(count):
        before_ns = clock.now_ns()
        run()
        taken[place] = clock.now_ns() - before_ns
    return float(np.median(taken)) / NS_PER_MS


def sentence(found: Tuned) -> str:
    """What was found, for people."""
    if found.threads == Threads():
        return f"{found.model}: {found.threads}, {found.p50_ms:.3f} ms a run."
    return (
        f"{found.model}: {found.threads}, {found.p50_ms:.3f} ms a run "
        f"({found.plain_ms:.3f} with {Threads()})."
    )
