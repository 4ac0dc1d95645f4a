"""Which models there are to make, and how: one entry a name.

Each is trained, or trained on, in its run's folder, and published from there.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ripieno.errors import SettingsError
from ripieno_export import display, event_task, preset, publish, train
from ripieno_export.checkpoint import BEST
from ripieno_export.duet import course
from ripieno_export.duet import publish as duets
from ripieno_export.harmonizer import chorales
from ripieno_export.harmonizer import publish as chorale
from ripieno_export.harmonizer import recipe as recipes
from ripieno_export.harmonizer import train as chorale_training


@dataclass(frozen=True, slots=True)
class Order:
    """What is asked for.

    Attributes:
        name: of the model.
        data: the folder of sources.
        run: where checkpoints are.
        models: where model folders go.
        steps, minutes: instead of the recipe's; for event models.
    """

    name: str
    data: Path
    run: Path
    models: Path
    steps: int | None = None
    minutes: float | None = None


@dataclass(frozen=True, slots=True)
class Maker:
    """How one model is trained and published."""

    train: Callable[[Order], None]
    publish: Callable[[Order], Path]


def _train_events(order: Order) -> None:
    recipe = preset.load(order.name).with_(steps=order.steps)
    corpus = event_task.packed(order.data, order.run)
    task = event_task.EventTask(recipe, corpus)
    train.train(task, recipe, order.run, minutes=order.minutes)


def _publish_events(order: Order) -> Path:
    packed = event_task.packed(order.data, order.run)
    return publish.publish(order.run / BEST, packed, order.models)


def _train_duet(order: Order) -> None:
    course.teach(order.data, order.run)


def _publish_duet(order: Order) -> Path:
    return duets.publish_duet(course.lessons(order.data), order.run, order.models)


def _count_nothing(order: Order) -> None:
    """Tables are counted when they are published."""


def _publish_tables(order: Order) -> Path:
    return duets.publish_tables(course.lessons(order.data), order.models)


def _train_chorales(order: Order) -> None:
    chorale_training.train(recipes.load(order.name), order.data, order.run)


def _publish_chorales(order: Order) -> Path:
    pieces = chorales.read(order.data)
    return chorale.publish(order.run / BEST, pieces, order.models)


MAKERS: Final = {
    "event-gru": Maker(_train_events, _publish_events),
    "duet-gru": Maker(_train_duet, _publish_duet),
    "chord-hmm": Maker(_count_nothing, _publish_tables),
    "chorale-gru": Maker(_train_chorales, _publish_chorales),
}


def maker_of(name: str) -> Maker:
    """How to make a model.

    Raises:
        SettingsError: there is no such model; the message lists those that there are.
    """
    if name not in MAKERS:
        names = ", ".join(sorted(MAKERS))
        raise SettingsError(f"There is no preset {name!r} (there is: {names}).")
    return MAKERS[name]


def make(order: Order, *, trains: bool = True, publishes: bool = True) -> None:
    """Train, publish, or both."""
    maker = maker_of(order.name)
    if trains:
        maker.train(order)
    if publishes:
        display.say(f"{order.name} is in {maker.publish(order)}.")
