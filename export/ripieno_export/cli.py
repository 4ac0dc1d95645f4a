"""`ripieno-export`: from a folder of music to a model folder.

    ripieno-export make event-gru --data DIR          all of it
    ripieno-export train event-gru --data DIR         train, or go on training
    ripieno-export evaluate event-gru --data DIR      held-out figures, as JSON
    ripieno-export publish event-gru --data DIR       export, check, judge, write

A run's folder keeps the packed corpus and the checkpoints; interrupt it when you like.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from ripieno.errors import RipienoError
from ripieno_export import evaluate, preset, publish, to_onnx, train
from ripieno_export.checkpoint import BEST
from ripieno_export.preset import Preset


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
    recipe = preset.load(options.preset).with_(steps=options.steps)
    run = options.run or Path("runs") / recipe.name
    if options.command in ("train", "make"):
        train.train(recipe, options.data, run, minutes=options.minutes)
    if options.command == "evaluate":
        _evaluate(options.data, run)
    if options.command in ("publish", "make"):
        _publish(recipe, options, run)


def _evaluate(data: Path, run: Path) -> None:
    packed = train.packed(data, run)
    figures = evaluate.evaluate(to_onnx.network_of(run / BEST), packed)
    print(json.dumps(figures, indent=2))


def _publish(recipe: Preset, options: argparse.Namespace, run: Path) -> None:
    packed = train.packed(options.data, run)
    folder = publish.publish(run / BEST, packed, options.models)
    print(f"{recipe.name} is in {folder}.")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="ripieno-export", description="Train and publish models for Ripieno."
    )
    commands = parser.add_subparsers(dest="command", required=True)
    for name, what in (
        ("make", "train and publish"),
        ("train", "train, or go on training"),
        ("evaluate", "print held-out figures"),
        ("publish", "export, check, judge, write"),
    ):
        command = commands.add_parser(name, help=what)
        command.add_argument("preset", help="a recipe: event-gru")
        command.add_argument(
            "--data", type=Path, required=True, help="the folder of sources"
        )
        command.add_argument("--run", type=Path, help="checkpoints (runs/PRESET)")
        command.add_argument(
            "--models", type=Path, default=Path("models"), help="where model folders go"
        )
        command.add_argument("--steps", type=int, help="instead of the recipe's")
        command.add_argument(
            "--minutes", type=float, help="stop training after this long"
        )
    return parser


if __name__ == "__main__":
    sys.exit(main())
