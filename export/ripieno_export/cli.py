"""`ripieno-export`: from a folder of music to a model folder.

    ripieno-export make event-gru --data DIR          all of it
    ripieno-export train event-gru --data DIR         train, or go on training
    ripieno-export evaluate event-gru --data DIR      held-out figures and pictures
    ripieno-export publish event-gru --data DIR       export, check, judge, write
    ripieno-export evaluate --role accompany --pieces FOLDER
                                                      judge how a role is played
    ripieno-export frames JSB_Chorales.mat            the literature's likelihoods
    ripieno-export corpus FOLDER -o OUT               any music, packed for --data
    ripieno-export finetune --from event-gru MY_MIDIS -o models/MINE
    ripieno-export quantize event-gru --bits 8 --data DIR
    ripieno-export originality event-gru --data DIR   does it copy what it learned?

A run's folder keeps the packed corpus and the checkpoints; interrupt it when you like.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from ripieno.errors import RipienoError, SettingsError
from ripieno_export import (
    corpus_command,
    finetune_command,
    folds,
    originality_command,
    quantize,
)
from ripieno_export.evaluation import command as evaluating
from ripieno_export.frames import command as frames
from ripieno_export.judge import command as judging
from ripieno_export.making import MAKERS, Order, make

MORE: Final = {
    "corpus": corpus_command,
    "finetune": finetune_command,
    "originality": originality_command,
    "quantize": quantize,
}
"""Commands that stand alone: each module has its flags and its run."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; the exit code."""
    options = _parser().parse_args(arguments)
    try:
        _run(options)
    except RipienoError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print(
            "Interrupted; the same command goes on from the last checkpoint.",
            file=sys.stderr,
        )
        return 130
    return 0


def _run(options: argparse.Namespace) -> None:
    if options.command == "frames":
        frames.run(frames.wish_of(options), _say)
        return
    if options.command == "evaluate" and options.role:
        judging.evaluate(judging.wish_of(options), _say)
        return
    if options.command in MORE:
        MORE[options.command].run(options)
        return
    if options.preset is None or options.data is None:
        raise SettingsError("Name a recipe and its --data, or a --role to judge.")
    run = options.run or Path("runs") / options.preset
    if options.command == "evaluate":
        evaluating.run(evaluating.wish_of(options, run), _say)
        return
    order = Order(
        options.preset,
        options.data,
        run,
        options.models,
        steps=options.steps,
        minutes=options.minutes,
    )
    if getattr(options, "folds", None) is not None:
        folds.train_folds(order, options.folds)
        return
    make(
        order,
        trains=options.command in ("train", "make"),
        publishes=options.command in ("publish", "make"),
    )


def _say(sentence: str) -> None:
    print(sentence, flush=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="ripieno-export", description="Train and publish models for Ripieno."
    )
    commands = parser.add_subparsers(dest="command", required=True)
    for name, what in (
        ("make", "train and publish"),
        ("train", "train, or go on training"),
        ("evaluate", "measure how good a model is"),
        ("publish", "export, check, judge, write"),
    ):
        command = commands.add_parser(name, help=what)
        is_free = name == "evaluate"
        command.add_argument(
            "preset", nargs="?" if is_free else None, help=", ".join(MAKERS)
        )
        command.add_argument(
            "--data", type=Path, required=not is_free, help="the folder of sources"
        )
        command.add_argument("--run", type=Path, help="checkpoints (runs/PRESET)")
        command.add_argument(
            "--models", type=Path, default=Path("models"), help="where model folders go"
        )
        command.add_argument("--steps", type=int, help="instead of the recipe's")
        command.add_argument(
            "--minutes", type=float, help="stop training after this long"
        )
        if name == "train":
            folds.add_flags(command)
        if is_free:
            judging.add_flags(command)
            evaluating.add_flags(command)
    frames.add_command(commands)
    for name, module in MORE.items():
        module.add_flags(commands.add_parser(name, help=module.WHAT))
    return parser


if __name__ == "__main__":
    sys.exit(main())
