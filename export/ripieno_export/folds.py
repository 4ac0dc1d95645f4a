"""K trainings of one recipe on K splits: how much a figure depends on the split.

Every tune is held out in exactly one fold, all of its pieces and views together. The
fold depends on its name alone. As in any split, a tune that shares a quarter of its
music with what a fold trains on is trained on there (`ripieno_export.split`). Each fold
is a run of its own and resumes as any run does.
"""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np

from ripieno.errors import FileError, SettingsError
from ripieno_export import event_task, preset, split, train
from ripieno_export.display import say
from ripieno_export.event_task import FAMILIES, EventTask
from ripieno_export.making import Order
from ripieno_export.packed import Packed
from ripieno_export.preset import Preset

FIGURES: Final = "folds.json"


@dataclass(frozen=True, slots=True)
class Spread:
    """A figure over folds.

    Attributes:
        nats: held-out nats per event of each fold.
        mean: of them.
        deviation: their standard deviation, of K − 1 degrees of freedom.
    """

    nats: tuple[float, ...]
    mean: float
    deviation: float


def folds(packed: Packed, count: int) -> Iterator[Packed]:
    """The same music, split in so many ways.

    Raises:
        SettingsError: fewer than two folds.
        FileError: the corpus does not know its families, or a fold holds out nothing.
    """
    if count < 2:
        raise SettingsError(f"--folds is {count}; it must be at least 2.")
    if not packed.has_families:
        raise FileError(
            "This corpus was packed by an earlier release, which kept no families of "
            "tunes; pack it again with `ripieno-export corpus`."
        )
    fold = split.fold_of(packed.family, count)
    for number in range(count):
        held_out = split.settled(packed.piece, packed.family, fold == number)
        if not held_out.any() or held_out.all():
            raise FileError(
                f"Fold {number + 1} of {count} has no tune of its own on both sides; "
                "take fewer folds, or more music."
            )
        yield replace(packed, held_out=held_out)


def train_folds(order: Order, count: int) -> Spread:
    """Train a recipe's folds.

    Raises:
        SettingsError: the recipe is of no event model, or the folds are too few.
        FileError: the music does not suffice.
    """
    recipe = preset.load(order.name).with_(steps=order.steps)
    if recipe.family not in FAMILIES:
        raise SettingsError(
            f"{order.name} is of the family {recipe.family!r}; folds are for event "
            f"models: {', '.join(FAMILIES)}."
        )
    packed = event_task.packed(order.data, order.run)
    return run(recipe, packed, count, order.run, order.minutes)


def run(
    recipe: Preset, packed: Packed, count: int, place: Path, minutes: float | None
) -> Spread:
    """Train every fold, and say how far their figures lie apart.

    Args:
        recipe: of an event model.
        packed: the music; the split that it has is not used.
        count: of folds.
        place: of the runs: ``fold-1``, ``fold-2`` and so on, and of `FIGURES`.
        minutes: each fold stops after this long.
    """
    found = []
    for number, music in enumerate(folds(packed, count), 1):
        say(f"fold {number} of {count}: {int(music.held_out.sum())} pieces held out")
        task = EventTask(recipe, music)
        done = train.train(task, recipe, place / f"fold-{number}", minutes=minutes)
        found.append(done.best)
    spread = Spread(
        tuple(round(nats, 4) for nats in found),
        round(float(np.mean(found)), 4),
        round(float(np.std(found, ddof=1)), 4),
    )
    (place / FIGURES).write_text(json.dumps(asdict(spread), indent=2) + "\n", "utf-8")
    say(
        f"held out, {count} folds: {spread.mean:.4f} ± {spread.deviation:.4f} nats per "
        f"event ({', '.join(f'{nats:.4f}' for nats in spread.nats)})"
    )
    return spread
