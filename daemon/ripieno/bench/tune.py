"""`ripieno doctor --tune`: finds the best number of threads for each model.

Each model's largest graph runs with every candidate, in alternating blocks, so that
other load slows all of them alike. The median of the blocks' medians decides. The
default, one thread that does not spin, stays unless another candidate is clearly
faster: more threads need idle cores, which a musician's machine seldom has, and a
spinning thread takes a core from the synthesizer.

`ripieno.inference.tuning` stores the result.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

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


def tune(
    folders: Sequence[Path], provider: str = "cpu", clock: Clock | None = None
) -> Iterator[Tuned]:
    """Measure models, one after another, and store the result.

    Args:
        folders: of the models.
        provider: see `ripieno.inference.session.choose_provider`.
        clock: to measure with.

    Raises:
        ModelError: a model cannot be loaded.
        FileError: the result cannot be stored.
    """
    clock, place = clock or SystemClock(), tuning.here(runtime_version())
    for folder in folders:
        if not INTERFACES[manifests.load(folder).interface].graphs:
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
    """Return the best candidate; each must be clearly faster than those before."""
    best = 0
    for place, each_ms in enumerate(taken_ms):
        if each_ms < WORTH * taken_ms[best]:
            best = place
    return best


def in_turns(
    runs: Sequence[Callable[[], None]], clock: Clock, for_ns: int, rounds: int
) -> list[float]:
    """Return each one's time in ms: the median of its blocks' medians.

    Args:
        runs: what is measured.
        clock: to measure with.
        for_ns: about how long all of it takes.
        rounds: the number of blocks of each.
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
    """Set inputs with which a run takes as long as during a performance."""
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
    """Return the result as a sentence."""
    if found.threads == Threads():
        return f"{found.model}: {found.threads}, {found.p50_ms:.3f} ms a run."
    return (
        f"{found.model}: {found.threads}, {found.p50_ms:.3f} ms a run "
        f"({found.plain_ms:.3f} with {Threads()})."
    )
