"""T1 and T3: many songs, teacher-forced and in simulated time."""

from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np

from ripieno_export.judge import adaptation, conditions, likelihood, metrics, rhythm
from ripieno_export.judge.baselines import baselines
from ripieno_export.judge.conditions import ENGINE, ON_BEAT, PRODUCT, PUSH, Condition
from ripieno_export.judge.figure import Figure
from ripieno_export.judge.fit import note_in_chord
from ripieno_export.judge.metrics import Sheet
from ripieno_export.judge.pieces import FRAMES_PER_BEAT, Floats, TestPiece, line
from ripieno_export.judge.results import (
    WORKERS,
    Results,
    Task,
    corpora,
    sheet_of,
    spread,
)
from ripieno_export.judge.simulated import Trace, first_beats
from ripieno_export.judge.take import Take
from ripieno_export.judge.targets import PREDICTING

PREVIOUS: Final = "previous release (none has this role)"


def simulate(task: Task, trace: Trace, results: Results, pool: Executor) -> None:
    """T3: every table of every corpus.

    Raises:
        ModelError: the model cannot be had.
    """
    results.conditions = conditions.of_songs(trace)
    for number, corpus in enumerate(corpora(task.pieces)):
        count = task.size.more if number else task.size.songs
        pieces = [first_beats(p, task.size.beats) for p in spread(corpus, count)]
        _songs(task, pieces, results, pool)
        _pushed(task, pieces, trace, results, pool)


def weigh(task: Task, folder: Path, results: Results, pool: Executor) -> None:
    """T1: the likelihood of every corpus, where the model has the graphs for it.

    Raises:
        ModelError: the model cannot be loaded.
    """
    jobs = [
        pool.submit(
            likelihood.judge,
            corpus[0].corpus,
            [first_beats(p, task.size.beats) for p in spread(corpus, task.size.likely)],
            folder,
        )
        for corpus in corpora(task.pieces)
    ]
    found = [job.result() for job in jobs]
    results.likelihoods = [one for one in found if one is not None]


def _songs(
    task: Task, pieces: Sequence[TestPiece], results: Results, pool: Executor
) -> None:
    """Both tables of one corpus."""
    plain = {
        name: [system(piece) for piece in pieces]
        for name, system in baselines(pieces).items()
    }
    answers = conditions.simulate(
        pieces, results.conditions, task.human, task.model, pool, WORKERS
    )
    alone = next(a for c, a in zip(results.conditions, answers, strict=True) if c.alone)
    for table in (ON_BEAT, PREDICTING):
        for takes in plain.values():
            results.sheets.append(
                metrics.judge(pieces, takes, condition=table, trained=task.trained)
            )
        results.sheets.append(Sheet(PREVIOUS, pieces[0].corpus, table, {}))
        for condition, found in zip(results.conditions, answers, strict=True):
            if condition.table == table:
                sheet = sheet_of(condition.system, table, pieces, found, task.trained)
                results.sheets.append(_meaningful(sheet, condition))
    results.positions[pieces[0].corpus] = {
        "human": _positions(pieces, plain["human"]),
        PRODUCT: _positions(pieces, [answer.take for answer in answers[0]]),
        ENGINE: _positions(pieces, [answer.take for answer in alone]),
    }
    results.heard += [
        (piece, answer, score)
        for piece, answer in zip(pieces, answers[0], strict=True)
        for score in [_score(piece, answer.take)]
    ]


def _meaningful(sheet: Sheet, condition: Condition) -> Sheet:
    """Leaves out figures without a meaning.

    The rules for harmony have no plans that could be ready. A promise is as old as its
    horizon, by definition.
    """
    dropped: tuple[str, ...] = ("ISRw",) if condition.table == PREDICTING else ()
    dropped = ("ISR", "ISRw") if condition.alone else dropped
    kept = {n: f for n, f in sheet.figures.items() if n not in dropped}
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
    long = FRAMES_PER_BEAT * (adaptation.PUSH_BEAT + adaptation.WINDOW_BEATS)
    begun = [first_beats(piece, task.size.push_beats) for piece in pieces]
    pushed = [adaptation.pushed(piece) for piece in begun if piece.frames >= long]
    if not pushed:
        results.notes.append(f"{pieces[0].corpus} is too short for the tritone push.")
        return
    plan = conditions.of_pushes(trace)
    answers = conditions.simulate(pushed, plan, task.human, task.model, pool, WORKERS)
    chords = {
        condition.system: [answer.take.chords for answer in found]
        for condition, found in zip(plan, answers, strict=True)
    }
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
