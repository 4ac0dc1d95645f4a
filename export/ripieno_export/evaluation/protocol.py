"""Everything that is measured of an event model, in order.

Predictions are of fixed crops of held-out music (`dataset.held_out_batches`), the same
for every model, whether published or in training; so are the prompts of continuations.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from ripieno_export import dataset, evaluate
from ripieno_export.dataset import Packed
from ripieno_export.evaluation import (
    bleu,
    classes,
    continuations,
    likeness,
    memory,
    prompts,
    sound,
)
from ripieno_export.evaluation.continuations import HUMAN, OTHER, Continuations
from ripieno_export.evaluation.predictions import predict
from ripieno_export.evaluation.prompts import Prompt
from ripieno_export.evaluation.subject import Subject
from ripieno_export.judge.figure import Figure
from ripieno_export.tokenize import Floats, Ints

Say = Callable[[str], None]
Table = Mapping[str, Mapping[str, Figure]]
"""Figures by system, then by name."""


@dataclass(frozen=True, slots=True)
class Size:
    """How much is measured.

    Attributes:
        crops: held-out crops that are predicted.
        baseline_crops: training crops that the baselines are fitted on.
        long_events, long_crops: of the crops that memory is measured on.
        continuations: prompts that every system goes on from.
    """

    crops: int = evaluate.CROPS
    baseline_crops: int = evaluate.BASELINE_CROPS
    long_events: int = memory.LONG
    long_crops: int = memory.CROPS
    continuations: int = 64


AT_ONCE: Final = 64
"""Crops of a batch, as everywhere: they decide which crops are drawn."""
FULL: Final = Size()
QUICK: Final = Size(16, 256, 256, 8, 8)


@dataclass(frozen=True, slots=True)
class Memory:
    """What memory gives; see `ripieno_export.evaluation.memory`."""

    places: Floats
    heard: list[tuple[int, Floats]]


@dataclass(frozen=True, slots=True)
class Findings:
    """All that was found.

    Attributes:
        subject: what was judged.
        likelihood: as `evaluate.beside_baselines` has it.
        matrices: confusion matrices by head.
        memory: likelihood by place and by what was heard.
        given: the prompts.
        played: their continuations.
        tables: figures of continuations, by measure.
        ceiling: the overlap area of humans with humans.
    """

    subject: Subject
    likelihood: dict[str, Any]
    matrices: dict[str, Ints]
    memory: Memory
    given: Sequence[Prompt]
    played: Continuations
    tables: Mapping[str, Table]
    ceiling: float


def _bleu(played: Continuations) -> Table:
    """BLEU-1 to BLEU-4 in both kinds of words."""
    found: dict[str, dict[str, Figure]] = {}
    for words, of in (("pitches", bleu.pitches), ("moves", bleu.moves)):
        theirs = [of(notes) for notes in played[HUMAN]]
        for system, ours in played.items():
            scores = bleu.bleu([of(notes) for notes in ours], theirs)
            row = {f"BLEU-{n}, {words}": figure for n, figure in scores.items()}
            found.setdefault(system, {}).update(row)
    return found


def _likeness(played: Continuations) -> Table:
    """Likeness of all but the human in other pieces: that is the same music again."""
    return {
        system: likeness.figures(ours, played[HUMAN])
        for system, ours in played.items()
        if system != OTHER
    }


MEASURES: Final[Mapping[str, Callable[[Continuations], Table]]] = {
    "bleu": _bleu,
    "likeness": _likeness,
    "sound": sound.figures,
}
"""What is measured of continuations."""


def judge(subject: Subject, packed: Packed, size: Size, say: Say) -> Findings:
    """Measure all of it; some minutes.

    Args:
        subject: the model.
        packed: the corpus, with its held-out pieces.
        size: how much.
        say: told what is being done.
    """
    held_out = dataset.held_out_batches(
        packed, evaluate.EVENTS, size.crops, size=min(size.crops, AT_ONCE)
    )
    crops = sum(len(batch.real) for batch in held_out)
    say(f"{subject.name}: predicting {crops} held-out crops ...")
    predicted = predict(subject.read, held_out)
    say("fitting the baselines ...")
    likelihood = evaluate.beside_baselines(
        predicted.nats, packed, held_out, baseline_crops=size.baseline_crops
    )
    say("what memory gives ...")
    remembered = remember(subject, packed, size)
    given = prompts.draw(packed, size.continuations)
    say(f"continuing {len(given)} prompts ...")
    played = continuations.play(subject, given)
    return Findings(
        subject,
        likelihood,
        classes.confusions(predicted),
        remembered,
        given,
        played,
        {name: measure(played) for name, measure in MEASURES.items()},
        likeness.ceiling(played[HUMAN]),
    )


def remember(subject: Subject, packed: Packed, size: Size) -> Memory:
    """Likelihood by place, and by how much was heard before."""
    crops = memory.whole_crops(packed, size.long_events, size.long_crops)
    if not len(crops):
        return Memory(np.zeros((0, size.long_events)), [])
    return Memory(
        memory.by_place(subject.read, crops), memory.by_heard(subject.read, crops)
    )
