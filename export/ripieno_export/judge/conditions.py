"""T3: the conditions that the product is played under in simulated time, many songs.

Deciding on the beat: with no latency, with the thinker's measured response times, and
slower by 125 ms and by a beat. Predicting: the same thinker, but every chord promised
one or four beats before. The rules for harmony alone under both. At the tritone push
the product plays from the first note on, so that the cold start is seen as well.
"""

from collections.abc import Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field
from typing import Final

from ripieno.clock import NS_PER_MS, NS_PER_S
from ripieno_export.judge.answer import Answer
from ripieno_export.judge.human import Human
from ripieno_export.judge.pieces import TestPiece
from ripieno_export.judge.simulated import (
    AT_ONCE,
    Players,
    Product,
    Trace,
    players,
)
from ripieno_export.judge.targets import PREDICTING

ON_BEAT: Final = "deciding on the beat"
PUSH: Final = "tritone push at beat 16"
PRODUCT: Final = "Ripieno"
ENGINE: Final = "HMM"
SLOWER_MS: Final = 125
CHUNKS: Final = 3
"""Chunks a worker: the songs differ in length."""


@dataclass(frozen=True, slots=True, eq=False)
class Condition:
    """One row of a table.

    Attributes:
        system: what the table calls it.
        table: the table's condition.
        trace: how long the thinker takes.
        plus_beats: and so many of the song's beats more.
        alone: the rules for harmony without a model.
        overrides: parameters other than the product's defaults.
        latency_ms: where it stands in a plot of latencies; None to leave it out.
    """

    system: str
    table: str
    trace: Trace = AT_ONCE
    plus_beats: float = 0.0
    alone: bool = False
    overrides: Mapping[str, object] = field(default_factory=dict)
    latency_ms: float | None = None


def of_songs(trace: Trace) -> list[Condition]:
    """The conditions of whole songs, given the measured response times."""
    slower = trace.plus(SLOWER_MS * NS_PER_MS)
    took_ms = float(trace.on_beat[:, 0].mean()) / NS_PER_MS
    found = [
        Condition(PRODUCT, ON_BEAT, trace, latency_ms=took_ms),
        Condition(f"{PRODUCT}, no latency", ON_BEAT, latency_ms=0.0),
        Condition(
            f"{PRODUCT}, + {SLOWER_MS} ms",
            ON_BEAT,
            slower,
            latency_ms=took_ms + SLOWER_MS,
        ),
        Condition(f"{PRODUCT}, + 1 beat", ON_BEAT, trace, plus_beats=1.0),
        Condition(ENGINE, ON_BEAT, alone=True),
    ]
    for commit in (1, 4):
        ahead = f", {commit} beat{'s' * (commit > 1)} ahead"
        own: dict[str, object] = {"commit": commit}
        found.append(Condition(PRODUCT + ahead, PREDICTING, trace, overrides=own))
        found.append(Condition(ENGINE + ahead, PREDICTING, alone=True, overrides=own))
    return found


def of_pushes(trace: Trace) -> list[Condition]:
    """The conditions of the tritone push; it plays from the first note on."""
    at_once: dict[str, object] = {"listen": 0}
    promised: dict[str, object] = {"listen": 0, "commit": 4}
    return [
        Condition(PRODUCT, PUSH, trace, overrides=at_once),
        Condition(f"{PRODUCT}, 4 beats ahead", PUSH, trace, overrides=promised),
        Condition(ENGINE, PUSH, alone=True, overrides=at_once),
    ]


def play_all(
    pieces: Sequence[TestPiece],
    conditions: Sequence[Condition],
    human: Human,
    model: str,
) -> list[list[Answer]]:
    """Answers to every piece under every condition: a list for each condition.

    Raises:
        ModelError: the model cannot be had.
    """
    needed = {condition.alone for condition in conditions}
    loaded = {alone: players(model, alone=alone) for alone in needed}
    return [
        [_product(c, piece, human, loaded[c.alone]).answer(piece) for piece in pieces]
        for c in conditions
    ]


def _product(
    condition: Condition, piece: TestPiece, human: Human, who: Players
) -> Product:
    beats_ns = condition.plus_beats * 60 * NS_PER_S / (human.bpm or piece.bpm)
    trace = condition.trace.plus(int(beats_ns)) if beats_ns else condition.trace
    return Product(condition.system, who, trace, human, dict(condition.overrides))


def simulate(
    pieces: Sequence[TestPiece],
    conditions: Sequence[Condition],
    human: Human,
    model: str,
    pool: Executor,
    workers: int,
) -> list[list[Answer]]:
    """As `play_all`, by several processes."""
    count = min(workers * CHUNKS, len(pieces))
    jobs = [
        pool.submit(play_all, pieces[n::count], conditions, human, model)
        for n in range(count)
    ]
    done = [job.result() for job in jobs]
    return [
        [done[n % count][place][n // count] for n in range(len(pieces))]
        for place in range(len(conditions))
    ]
