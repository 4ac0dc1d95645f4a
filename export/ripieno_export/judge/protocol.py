"""The protocol, tier by tier: T0 invariants, T1 likelihood, T2 live, T3 simulated.

::

    pieces ─▶ T2: 8 + 1 excerpts through real ports ─▶ response times, live figures
          └─▶ T3: many songs in simulated time ◀──────┘      │ must agree
          └─▶ T0, T1                                         ▼
                                                     T4: `summary` writes it

All figures are of the product's default settings: it listens for eight beats before it
enters, and a figure counts only frames in which both sound. Songs are cut to their
first beats, from the bar of the melody's first note.
"""

import multiprocessing
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from typing import Final

from ripieno.clock import NS_PER_MS, NS_PER_S, Clock, SystemClock
from ripieno.inference.manifest import load
from ripieno_export.judge import excerpts, invariants, songs
from ripieno_export.judge.results import WORKERS, Results, Say, Task, spread
from ripieno_export.judge.simulated import (
    constant,
    first_beats,
    folder_of,
    players,
)

NO_TRACE_MS: Final = 8
"""The response time where none was measured live: that of two busy cores."""


def judge(task: Task, say: Say) -> Results:
    """Go through all tiers.

    Raises:
        RipienoError: the model, JACK or the daemon is not to be had.
    """
    results, clock = Results(), SystemClock()
    folder = folder_of(task.model)
    results.model = f"{folder.name} ({load(folder).sha256[:12]})"
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(max(WORKERS, excerpts.LANES), context) as pool:
        with _timed("T2", results, clock, say):
            excerpts.play(task, results, pool)
        trace = results.trace
        if trace is None:
            trace = constant(NO_TRACE_MS * NS_PER_MS)
            ms = f"{NO_TRACE_MS} ms"
            results.notes.append(f"The thinker's response time is taken as {ms}.")
        with _timed("T0", results, clock, say):
            some = [first_beats(piece, 48) for piece in spread(task.pieces, 2)]
            who = players(task.model)
            results.findings += invariants.findings(some, who, trace, task.human)
        with _timed("T1", results, clock, say):
            songs.weigh(task, folder, results, pool)
        with _timed("T3", results, clock, say):
            songs.simulate(task, trace, results, pool)
    return results


@contextmanager
def _timed(tier: str, results: Results, clock: Clock, say: Say) -> Iterator[None]:
    say(f"{tier} …")
    begin_ns = clock.now_ns()
    yield
    results.seconds[tier] = round((clock.now_ns() - begin_ns) / NS_PER_S, 1)
    say(f"{tier} took {results.seconds[tier]:g} s.")
