"""T2: a few excerpts through real ports, and once more in simulated time.

Two lanes, each with a JACK server, a daemon and a human of its own, play side by side.
The response times that they measure are the trace of everything simulated; with it, the
very same excerpts must come out alike in simulated time.
"""

from collections.abc import Sequence
from concurrent.futures import Executor, Future
from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np

from ripieno_export.judge import conditions, live, metrics, server
from ripieno_export.judge.answer import Answer
from ripieno_export.judge.baselines import human
from ripieno_export.judge.conditions import PRODUCT, Condition
from ripieno_export.judge.invariants import Finding
from ripieno_export.judge.live import LiveTake, Session
from ripieno_export.judge.pieces import Floats
from ripieno_export.judge.results import Agreement, Results, Task, sheet_of, spread
from ripieno_export.judge.simulated import Trace, first_beats

LANES: Final = 2
LIVE: Final = "T2, live"
FAST_BPM: Final = 160.0
COMPARED: Final = (
    "NIC", "LG", "PC2", "beat JSD", "notes ratio", "notes/bar", "chord beats",
    "classes/chord", "silence", "groove", "ISR",
)  # fmt: skip
"""Figures in which live and simulated takes of the same excerpts must agree."""


def play(task: Task, results: Results, pool: Executor) -> None:
    """Play the tier; a sentence in the notes where it cannot be played.

    Raises:
        RipienoError: JACK or the daemon ended.
    """
    why = server.why_not_live() if task.is_live else "Live takes were left out."
    if why is not None:
        results.notes.append(why)
        return
    sessions = _sessions(task)
    takes = _played(sessions, task.folder, pool)
    results.trace = live.joined([take.trace for take in takes])
    late = np.concatenate([_late(take) for take in takes])
    arrived = np.concatenate([take.arrived_late_ms for take in takes])
    results.late_ms = {"sent − due": late, "arrived − due": arrived}
    pieces = [replace(s.piece, corpus="excerpts") for s in sessions]
    ours = sheet_of(PRODUCT, LIVE, pieces, [take.answer for take in takes])
    theirs = metrics.judge(pieces, [human(p) for p in pieces], condition=LIVE)
    again = [
        _simulated_session(session, results.trace, task.model, pool)
        for session in sessions
    ]
    simulated = sheet_of(
        f"{PRODUCT}, simulated", LIVE, pieces, [job.result()[0][0] for job in again]
    )
    results.sheets += [theirs, ours, simulated]
    results.agreements = [
        Agreement(name, ours.figures[name], simulated.figures[name])
        for name in COMPARED
        if ours.figures[name].songs > 1
    ]
    results.findings += _of_live(takes)


def _of_live(takes: Sequence[LiveTake]) -> list[Finding]:
    """What must hold of every live take."""
    same = all(take.replayed for take in takes)
    stuck = sum(take.answer.take.stuck_notes for take in takes)
    whole = all(len(take.arrived_late_ms) for take in takes)
    notes = sum(len(take.arrived_late_ms) for take in takes)
    return [
        Finding(
            "a live journal, played again, comes out bit for bit",
            same,
            f"{len(takes)} journals",
        ),
        Finding("no note hangs when the song is over", not stuck, f"{stuck} stuck"),
        Finding("every note that is sent arrives, in order", whole, f"{notes} notes"),
    ]


def _late(take: LiveTake) -> Floats:
    timing = take.answer.take.timing
    return np.zeros(0) if timing is None else timing.late_ms


def _sessions(task: Task) -> list[Session]:
    chosen = spread(task.pieces, task.size.excerpts)
    cut = [first_beats(p, p.bpm * task.size.live_s / 60) for p in chosen]
    fast = first_beats(chosen[0], FAST_BPM * task.size.live_s / 60)
    return [Session(piece, task.human, task.model) for piece in cut] + [
        Session(fast, replace(task.human, bpm=FAST_BPM), task.model)
    ]


def _played(
    sessions: Sequence[Session], folder: Path, pool: Executor
) -> list[LiveTake]:
    lanes = min(LANES, len(sessions))
    jobs = [
        pool.submit(live.play_lane, sessions[lane::lanes], lane, folder)
        for lane in range(lanes)
    ]
    done = [job.result() for job in jobs]
    return [done[n % lanes][n // lanes] for n in range(len(sessions))]


def _simulated_session(
    session: Session, trace: Trace, model: str, pool: Executor
) -> "Future[list[list[Answer]]]":
    condition = Condition(PRODUCT, LIVE, trace)
    return pool.submit(
        conditions.play_all, [session.piece], [condition], session.human, model
    )
