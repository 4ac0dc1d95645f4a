"""Which models there are to make, and how: one entry a name.

Each is trained, or its training is continued, in its run's folder. It is published from
there.
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
from ripieno_export.harmonizer.task import VoicesTask
from ripieno_export.likeness import encoder_task
from ripieno_export.likeness import publish as encoder
from ripieno_export.loops import bars as bars_of
from ripieno_export.loops import publish as loops
from ripieno_export.loops.task import LoopTask
from ripieno_export.phrases import publish as phrases
from ripieno_export.phrases import windows
from ripieno_export.phrases.task import PhraseTask


@dataclass(frozen=True, slots=True)
class Order:
    """What is asked for.

    Attributes:
        name: of the model.
        data: the folder of sources.
        run: where checkpoints are.
        models: where model folders go.
        steps, minutes: instead of the recipe's; not for the duet.
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
    fabric = train.fabric_of(recipe)
    with fabric.rank_zero_first():  # one process packs, the others find it packed
        corpus = event_task.packed(order.data, order.run)
    task = event_task.EventTask(recipe, corpus)
    train.train(task, recipe, order.run, minutes=order.minutes, fabric=fabric)


def _publish_events(order: Order) -> Path:
    packed = event_task.packed(order.data, order.run)
    folder = publish.publish(order.run / BEST, packed, order.models)
    publish.count_copies(folder, packed)
    return folder


def _train_duet(order: Order) -> None:
    course.teach(order.data, order.run)


def _publish_duet(order: Order) -> Path:
    return duets.publish_duet(course.lessons(order.data), order.run, order.models)


def _count_nothing(order: Order) -> None:
    """Tables are counted when they are published."""


def _publish_tables(order: Order) -> Path:
    return duets.publish_tables(course.lessons(order.data), order.models)


def _train_chorales(order: Order) -> None:
    recipe = preset.load(order.name).with_(steps=order.steps)
    task = VoicesTask(recipe, chorales.read(order.data))
    train.train(task, recipe, order.run, minutes=order.minutes)


def _publish_chorales(order: Order) -> Path:
    pieces = chorales.read(order.data)
    return chorale.publish(order.run / BEST, pieces, order.models)


def _train_encoder(order: Order) -> None:
    recipe = preset.load(order.name).with_(steps=order.steps)
    task = encoder_task.EncoderTask(
        recipe, encoder_task.music_of(order.data, order.run)
    )
    train.train(task, recipe, order.run, minutes=order.minutes)


def _publish_encoder(order: Order) -> Path:
    music = encoder_task.music_of(order.data, order.run)
    return encoder.publish(order.run / BEST, music, order.data, order.models)


def _train_loop(order: Order) -> None:
    recipe = preset.load(order.name).with_(steps=order.steps)
    task = LoopTask(recipe, *bars_of.parts(order.data, "train", "valid"))
    train.train(task, recipe, order.run, minutes=order.minutes)


def _publish_loop(order: Order) -> Path:
    return loops.publish(order.run / BEST, order.data, order.models)


def _train_phrases(order: Order) -> None:
    recipe = preset.load(order.name).with_(steps=order.steps)
    task = PhraseTask(recipe, windows.of_run(order.data, order.run))
    train.train(task, recipe, order.run, minutes=order.minutes)


def _publish_phrases(order: Order) -> Path:
    cut = windows.of_run(order.data, order.run)
    return phrases.publish(order.run / BEST, cut, order.models)


EVENTS: Final = ("gru", "lstm", "rnn", "transformer")
LARGER: Final = ("20m", "85m")
"""Transformers for a GPU; nobody has trained them yet."""

MAKERS: Final = {
    **{f"event-{family}": Maker(_train_events, _publish_events) for family in EVENTS},
    **{
        f"event-transformer-{size}": Maker(_train_events, _publish_events)
        for size in LARGER
    },
    "duet-gru": Maker(_train_duet, _publish_duet),
    "chord-hmm": Maker(_count_nothing, _publish_tables),
    "chorale-gru": Maker(_train_chorales, _publish_chorales),
    "phrase-encoder": Maker(_train_encoder, _publish_encoder),
    "loop-gan": Maker(_train_loop, _publish_loop),
    "phrase-vae": Maker(_train_phrases, _publish_phrases),
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
    """Train, publish, or both.

    Raises:
        SettingsError: there is no such model, or several processes would publish it.
    """
    maker = maker_of(order.name)
    if publishes and train.world() > 1:
        raise SettingsError(
            f"{train.world()} processes cannot publish one folder; "
            "`train` with torchrun, then `publish` without."
        )
    if trains:
        maker.train(order)
    if publishes:
        display.say(f"{order.name} is in {maker.publish(order)}.")
