"""`ripieno-export frames`: the literature's benchmark as a command.

::

    ripieno-export frames JSB_Chorales.mat                     train four, judge valid
    ripieno-export frames JSB_Chorales.mat --network lstm --minutes 3
    ripieno-export frames TEST.mat --weights RUN --part test   judge, train nothing

Trains on ``traindata``, chooses the weights on ``validdata``; what is judged is
``--part``. The table is printed as Markdown, then as JSON; a run keeps both.
"""

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import torch

from ripieno.errors import FileError
from ripieno_export import checkpoint
from ripieno_export import train as training
from ripieno_export.flags import ALL, NETWORKS
from ripieno_export.frames import rolls, score, task
from ripieno_export.frames.rolls import Rolls
from ripieno_export.frames.score import Nats
from ripieno_export.frames.table import Row, Table
from ripieno_export.preset import Preset

BEST: Final = "best.pt"


@dataclass(frozen=True, slots=True)
class Wish:
    """What was asked for.

    Attributes:
        file: the piano rolls.
        networks: which ones.
        run: where checkpoints and the table go.
        part: what is judged, ``valid`` or ``test``.
        minutes: of training, each network.
        weights: the run whose weights are judged; nothing is trained then.
    """

    file: Path
    networks: tuple[str, ...]
    run: Path
    part: str = "valid"
    minutes: float | None = None
    weights: Path | None = None


def wish_of(options: argparse.Namespace) -> Wish:
    """What the flags say."""
    name = options.file.name.partition(".")[0]
    return Wish(
        options.file,
        NETWORKS if options.network == ALL else (options.network,),
        options.run or Path("runs") / f"frames-{name.lower()}",
        options.part,
        options.minutes,
        options.weights,
    )


def run(wish: Wish, say: Callable[[str], None]) -> None:
    """Train unless there are weights, judge, and say the table.

    Raises:
        FileError: the file, a part of it, or the weights are not there.
    """
    music = rolls.read(wish.file)
    music.part(wish.part)
    if wish.weights is None:
        say(task.why(music.name))
        train(wish, music)
    judged = [judge(path, music, wish.part) for path in found(wish)]
    rows = [row for row, _ in judged]
    if len(rows) > 1:
        mixed = score.score(score.mixture([nats for _, nats in judged]))
        several = sum(row.parameters for row in rows)
        moved = max(row.moved for row in rows)
        rows.append(Row(f"mixture of the {len(rows)}", several, 0, moved, mixed))
    table = Table(music.name, wish.part, rows)
    say(f"{table.markdown()}\n\n{table.json()}")
    if wish.weights is None:
        kept = {"md": table.markdown(), "json": table.json()}
        for kind, text in kept.items():
            path = wish.run / f"{wish.part}.{kind}"
            path.write_text(text + "\n", encoding="utf-8")


def train(wish: Wish, music: Rolls) -> None:
    """Train each network, or go on training it."""
    for name in wish.networks:
        recipe = task.recipe(music.name, name)
        own = task.FrameTask(recipe, music.part("train"), music.part("valid"))
        training.train(own, recipe, wish.run / name, minutes=wish.minutes)


def found(wish: Wish) -> list[Path]:
    """The weights to judge: those that are there.

    Raises:
        FileError: there are none.
    """
    run = wish.weights or wish.run
    paths = [run / name / BEST for name in wish.networks]
    there = [path for path in paths if path.is_file()]
    if not there:
        raise FileError(
            f"{run} has no weights of {', '.join(wish.networks)}; "
            "name the --run folder of a training as --weights."
        )
    return there


def judge(path: Path, music: Rolls, part: str) -> tuple[Row, Nats]:
    """What the network of a checkpoint says of a part."""
    model = task.network_of(path)
    with torch.no_grad():
        nats = score.nats(model, music.part(part))
    parameters = sum(weight.numel() for weight in model.parameters())
    payload = checkpoint.load(path)
    moved = Preset(**payload["preset"]).options_as(task.FrameOptions).moved
    best_step = int(payload["progress"]["best_step"])
    row = Row(path.parent.name, parameters, best_step, moved, score.score(nats))
    return row, nats
