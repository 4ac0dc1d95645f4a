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
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

import numpy as np

from ripieno.clock import NS_PER_MS, NS_PER_S, Clock, SystemClock
from ripieno_export.judge import (
    adaptation,
    conditions,
    invariants,
    likelihood,
    live,
    metrics,
    rhythm,
    server,
)
from ripieno_export.judge.answer import Answer, with_status
from ripieno_export.judge.baselines import baselines
from ripieno_export.judge.conditions import ENGINE, ON_BEAT, PRODUCT, PUSH, Condition
from ripieno_export.judge.figure import Figure, agree
from ripieno_export.judge.human import Human
from ripieno_export.judge.invariants import Finding
from ripieno_export.judge.likelihood import Likelihood
from ripieno_export.judge.listening import note_in_chord
from ripieno_export.judge.live import LiveTake, Session
from ripieno_export.judge.metrics import Sheet
from ripieno_export.judge.originality import Index
from ripieno_export.judge.pieces import Floats, TestPiece, line
from ripieno_export.judge.simulated import (
    Trace,
    constant,
    first_beats,
    folder_of,
    players,
)
from ripieno_export.judge.take import Take
from ripieno_export.judge.targets import PREDICTING

WORKERS: Final = 2
LANES: Final = 2
LIVE: Final = "T2, live"
FAST_BPM: Final = 160.0
COMPARED: Final = (
    "NIC", "LG", "PC2", "beat JSD", "notes ratio", "classes/chord", "chord beats",
    "silence", "groove", "ISR",
)  # fmt: skip
"""Figures in which live and simulated takes of the same excerpts must agree."""
NO_TRACE_MS: Final = 8
"""The response time where none was measured live: an ordinary laptop's."""
PREVIOUS: Final = "previous release (none has this role)"

Say = Callable[[str], None]


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
    beats: int = 128
    push_beats: int = 48
    likely: int = 24


FULL: Final = Size()
QUICK: Final = Size(1, 12.0, 6, 6, 48, 32, 4)


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


def judge(task: Task, say: Say) -> Results:
    """Go through all tiers.

    Raises:
        RipienoError: the model, JACK or the daemon is not to be had.
    """
    results, clock = Results(), SystemClock()
    folder = folder_of(task.model)
    results.model = folder.name
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(max(WORKERS, LANES), context) as pool:
        with _timed("T2", results, clock, say):
            _live(task, results, pool)
        trace = results.trace or constant(NO_TRACE_MS * NS_PER_MS)
        with _timed("T0", results, clock, say):
            some = [first_beats(piece, 48) for piece in _spread(task.pieces, 2)]
            who = players(task.model)
            results.findings += invariants.findings(some, who, trace, task.human)
        with _timed("T1", results, clock, say):
            _likelihoods(task, folder, results, pool)
        with _timed("T3", results, clock, say):
            results.conditions = conditions.of_songs(trace)
            for number, corpus in enumerate(_corpora(task.pieces)):
                count = task.size.more if number else task.size.songs
                _simulated(task, corpus, count, trace, results, pool)
    return results


@contextmanager
def _timed(tier: str, results: Results, clock: Clock, say: Say) -> Iterator[None]:
    say(f"{tier} …")
    begin_ns = clock.now_ns()
    yield
    results.seconds[tier] = round((clock.now_ns() - begin_ns) / NS_PER_S, 1)
    say(f"{tier} took {results.seconds[tier]:g} s.")


def _corpora(pieces: Sequence[TestPiece]) -> list[list[TestPiece]]:
    names = dict.fromkeys(piece.corpus for piece in pieces)
    return [[piece for piece in pieces if piece.corpus == name] for name in names]


def _spread(pieces: Sequence[TestPiece], count: int) -> list[TestPiece]:
    """Some pieces, evenly out of every corpus in turn; always the same ones."""
    rows = [
        [corpus[n] for n in np.random.default_rng(0).permutation(len(corpus))]
        for corpus in _corpora(pieces)
    ]
    longest = max(map(len, rows), default=0)
    turns = [row[n] for n in range(longest) for row in rows if n < len(row)]
    return turns[:count]


# ── T2 ────────────────────────────────────────────────────────────────────────────


def _live(task: Task, results: Results, pool: Executor) -> None:
    why = server.why_not_live() if task.is_live else "Live takes were left out."
    if why is not None:
        ms = f"{NO_TRACE_MS} ms"
        results.notes.append(f"{why} The thinker's response time is taken as {ms}.")
        return
    sessions = _sessions(task)
    takes = _played(sessions, task.folder, pool)
    results.trace = live.joined([take.trace for take in takes])
    late = np.concatenate([_late(take) for take in takes])
    arrived = np.concatenate([take.arrived_late_ms for take in takes])
    results.late_ms = {"sent − due": late, "arrived − due": arrived}
    pieces = [replace(s.piece, corpus="excerpts") for s in sessions]
    ours = _sheet(PRODUCT, LIVE, pieces, [take.answer for take in takes])
    human = baselines(pieces)["human"]
    theirs = metrics.judge(pieces, [human(p) for p in pieces], condition=LIVE)
    again = [
        _simulated_session(session, results.trace, task.model, pool)
        for session in sessions
    ]
    simulated = _sheet(
        f"{PRODUCT}, simulated", LIVE, pieces, [job.result()[0][0] for job in again]
    )
    results.sheets += [theirs, ours, simulated]
    results.agreements = [
        Agreement(name, ours.figures[name], simulated.figures[name])
        for name in COMPARED
        if ours.figures[name].songs > 1
    ]
    same = all(take.replayed for take in takes)
    results.findings.append(
        Finding(
            "a live journal, played again, comes out bit for bit",
            same,
            f"{len(takes)} journals",
        )
    )
    stuck = sum(take.answer.take.stuck_notes for take in takes)
    results.findings.append(
        Finding("no note hangs when the song is over", not stuck, f"{stuck} stuck")
    )
    lost = sum(not len(take.arrived_late_ms) for take in takes)
    results.findings.append(
        Finding("every note sent arrives, in order", not lost, f"{len(arrived)} notes")
    )


def _late(take: LiveTake) -> Floats:
    timing = take.answer.take.timing
    return np.zeros(0) if timing is None else timing.late_ms


def _sessions(task: Task) -> list[Session]:
    chosen = _spread(task.pieces, task.size.excerpts)
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


def _sheet(
    system: str,
    table: str,
    pieces: Sequence[TestPiece],
    answers: Sequence[Answer],
    trained: Index | None = None,
) -> Sheet:
    takes = [replace(answer.take, system=system) for answer in answers]
    sheet = metrics.judge(pieces, takes, condition=table, trained=trained)
    return with_status(sheet, answers)


# ── T1, T3 ────────────────────────────────────────────────────────────────────────


def _likelihoods(task: Task, folder: Path, results: Results, pool: Executor) -> None:
    jobs = [
        pool.submit(
            likelihood.judge,
            corpus[0].corpus,
            [first_beats(p, task.size.beats) for p in _spread(corpus, task.size.likely)],
            folder,
        )
        for corpus in _corpora(task.pieces)
    ]
    found = [job.result() for job in jobs]
    results.likelihoods = [one for one in found if one is not None]


def _simulated(  # noqa: PLR0913
    task: Task,
    corpus: Sequence[TestPiece],
    count: int,
    trace: Trace,
    results: Results,
    pool: Executor,
) -> None:
    """All tables of one corpus."""
    pieces = [first_beats(p, task.size.beats) for p in _spread(corpus, count)]
    plain = {
        name: [system(piece) for piece in pieces]
        for name, system in baselines(pieces).items()
    }
    answers = conditions.simulate(
        pieces, results.conditions, task.human, task.model, pool, WORKERS
    )
    for table in (ON_BEAT, PREDICTING):
        for takes in plain.values():
            results.sheets.append(
                metrics.judge(pieces, takes, condition=table, trained=task.trained)
            )
        results.sheets.append(Sheet(PREVIOUS, corpus[0].corpus, table, {}))
        for condition, found in zip(results.conditions, answers, strict=True):
            if condition.table == table:
                sheet = _sheet(condition.system, table, pieces, found, task.trained)
                results.sheets.append(_without_isr(sheet, condition))
    results.positions[corpus[0].corpus] = {
        "human": _positions(pieces, plain["human"]),
        PRODUCT: _positions(pieces, [answer.take for answer in answers[0]]),
        ENGINE: _positions(pieces, [answer.take for answer in answers[4]]),
    }
    results.heard += [
        (piece, answer, score)
        for piece, answer in zip(pieces, answers[0], strict=True)
        for score in [_score(piece, answer.take)]
    ]
    _pushed(task, pieces, trace, results, pool)


def _without_isr(sheet: Sheet, condition: Condition) -> Sheet:
    """The harmony engine has no plans that could be ready."""
    if not condition.alone:
        return sheet
    kept = {n: f for n, f in sheet.figures.items() if not n.startswith("ISR")}
    return replace(sheet, figures=kept)


def _positions(pieces: Sequence[TestPiece], takes: Sequence[Take]) -> Floats:
    pairs = zip(pieces, takes, strict=True)
    every = [rhythm.beat_positions(take.notes, piece) for piece, take in pairs]
    return np.asarray(np.sum(every, axis=0), np.float64)


def _score(piece: TestPiece, take: Take) -> float:
    return note_in_chord(take.chords, line(piece.melody, piece.frames))


def _pushed(
    task: Task,
    pieces: Sequence[TestPiece],
    trace: Trace,
    results: Results,
    pool: Executor,
) -> None:
    """The cold start, and the push after it."""
    long = 4 * (adaptation.PUSH_BEAT + adaptation.WINDOW_BEATS)
    begun = [first_beats(piece, task.size.push_beats) for piece in pieces]
    pushed = [adaptation.pushed(piece) for piece in begun if piece.frames >= long]
    if not pushed:
        results.notes.append(f"{pieces[0].corpus} is too short for the tritone push.")
        return
    plan = conditions.of_pushes(trace)
    answers = conditions.simulate(
        pushed, plan, task.human, task.model, pool, WORKERS
    )
    chords = {c.system: [a.take.chords for a in f] for c, f in zip(plan, answers)}
    chords = {"human": [piece.chords for piece in pushed]} | chords
    results.curves[pieces[0].corpus] = {
        name: adaptation.recovery_curve(pushed, played)
        for name, played in chords.items()
    }
    for name, played in chords.items():
        windows = adaptation.windows(pushed, played)
        beats = adaptation.beats_to_recover(pushed, played)
        values = {
            "NIC beats 1–8": windows[0],
            "NIC beats 9–16": windows[1],
            "push beats": beats,
            "NIC 1–8 after": windows[2],
        }
        figures = {
            label: Figure(float(value), float("nan"), len(pushed))
            for label, value in values.items()
        }
        results.sheets.append(Sheet(name, pieces[0].corpus, PUSH, figures))
