"""What is to be judged, and all that was found: values that the tiers hand on."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

import numpy as np

from ripieno_export.judge import metrics
from ripieno_export.judge.answer import Answer, with_status
from ripieno_export.judge.conditions import Condition
from ripieno_export.judge.figure import Figure, agree
from ripieno_export.judge.human import Human
from ripieno_export.judge.invariants import Finding
from ripieno_export.judge.likelihood import Likelihood
from ripieno_export.judge.metrics import Sheet
from ripieno_export.judge.originality import Index
from ripieno_export.judge.pieces import Floats, TestPiece
from ripieno_export.judge.simulated import Trace

WORKERS: Final = 2
"""Processes: as many as the machine that the protocol is budgeted for has cores."""

Say = Callable[[str], None]
"""Tells a person how far it is."""


@dataclass(frozen=True, slots=True)
class Size:
    """How much is played.

    Attributes:
        excerpts: live, besides the one at another tempo.
        live_s: how long an excerpt lasts.
        songs: of the first corpus, in simulated time.
        more: of each further corpus.
        beats: of each of them.
        push_beats: of each, for the tritone push.
        likely: songs a corpus whose likelihood is taken.
    """

    excerpts: int = 8
    live_s: float = 40.0
    songs: int = 60
    more: int = 24
    beats: int = 256
    push_beats: int = 48
    likely: int = 24


FULL: Final = Size()
QUICK: Final = Size(1, 12.0, 4, 4, 40, 32, 4)


@dataclass(frozen=True, slots=True)
class Agreement:
    """A figure of the same excerpts, live and simulated."""

    name: str
    live: Figure
    simulated: Figure

    @property
    def holds(self) -> bool:
        """Whether they lie within two standard errors of their difference."""
        return agree(self.live, self.simulated)


@dataclass(slots=True)
class Results:
    """All that was found.

    Attributes:
        model: its name and the hash of its graph.
        findings: T0.
        likelihoods: T1.
        sheets: T2 and T3, in the order in which they are shown.
        agreements: of T2 and T3.
        trace: the thinker's response times; None where no live take was played.
        late_ms: sent − due, live; arrival − due.
        conditions: of T3's songs.
        curves: recovery from the push, by corpus and system.
        positions: where in the bar notes begin, by corpus and system.
        heard: every song's answer under the first condition, with its score.
        notes: sentences about what was not done.
        seconds: how long each tier took.
    """

    model: str = ""
    findings: list[Finding] = field(default_factory=list)
    likelihoods: list[Likelihood] = field(default_factory=list)
    sheets: list[Sheet] = field(default_factory=list)
    agreements: list[Agreement] = field(default_factory=list)
    trace: Trace | None = None
    late_ms: dict[str, Floats] = field(default_factory=dict)
    conditions: list[Condition] = field(default_factory=list)
    curves: dict[str, dict[str, Floats]] = field(default_factory=dict)
    positions: dict[str, dict[str, Floats]] = field(default_factory=dict)
    heard: list[tuple[TestPiece, Answer, float]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, eq=False)
class Task:
    """What is judged, and how.

    Attributes:
        pieces: held out, of one corpus or several.
        model: a name or a folder; the first one that plays the role if empty.
        size: how much of it.
        human: who plays.
        is_live: whether T2 is played.
        trained: the training music's runs; None leaves originality out.
        folder: where journals go.
    """

    pieces: Sequence[TestPiece]
    model: str
    size: Size
    human: Human
    is_live: bool
    trained: Index | None
    folder: Path


def corpora(pieces: Sequence[TestPiece]) -> list[list[TestPiece]]:
    """The pieces of each corpus, in the order in which the corpora come."""
    names = dict.fromkeys(piece.corpus for piece in pieces)
    return [[piece for piece in pieces if piece.corpus == name] for name in names]


def spread(pieces: Sequence[TestPiece], count: int) -> list[TestPiece]:
    """Some pieces, evenly out of every corpus in turn; always the same ones."""
    rows = [
        [corpus[n] for n in np.random.default_rng(0).permutation(len(corpus))]
        for corpus in corpora(pieces)
    ]
    longest = max(map(len, rows), default=0)
    turns = [row[n] for n in range(longest) for row in rows if n < len(row)]
    return turns[:count]


def sheet_of(
    system: str,
    table: str,
    pieces: Sequence[TestPiece],
    answers: Sequence[Answer],
    trained: Index | None = None,
) -> Sheet:
    """The figures of one system's answers, with its own count of what was ready."""
    takes = [replace(answer.take, system=system) for answer in answers]
    sheet = metrics.judge(pieces, takes, condition=table, trained=trained)
    return with_status(sheet, answers)
