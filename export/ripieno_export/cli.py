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
Nothing heavy is imported before a command needs it.
"""

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ripieno.errors import SettingsError
from ripieno.settings.output import until_the_reader_goes
from ripieno_export import flags
from ripieno_export.exits import exit_code_of

if TYPE_CHECKING:
    from ripieno_export.making import Order


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; the exit code."""
    return until_the_reader_goes(lambda: _run(arguments))


def _run(arguments: Sequence[str] | None) -> int:
    options = _parser().parse_args(arguments)
    run: Callable[[argparse.Namespace], None] = options.does
    try:
        return exit_code_of(lambda: run(options))
    except KeyboardInterrupt:
        print(
            "Interrupted; the same command goes on from the last checkpoint.",
            file=sys.stderr,
        )
        return 130


# ── commands ──────────────────────────────────────────────────────────────────────────


def _make(options: argparse.Namespace) -> None:
    from ripieno_export.making import make

    make(_order(options))


def _train(options: argparse.Namespace) -> None:
    from ripieno_export import folds
    from ripieno_export.making import make

    if options.folds is None:
        make(_order(options), publishes=False)
    else:
        folds.train_folds(_order(options), options.folds)


def _publish(options: argparse.Namespace) -> None:
    from ripieno_export.making import make

    make(_order(options), trains=False)


def _evaluate(options: argparse.Namespace) -> None:
    if options.role:
        from ripieno_export.judge import command as judging

        judging.evaluate(judging.wish_of(options), _say)
        return
    if options.preset is None or options.data is None:
        raise SettingsError("Name a recipe and its --data, or a --role to judge.")
    from ripieno_export.evaluation import command as evaluating

    evaluating.run(evaluating.wish_of(options, _run_of(options)), _say)


def _frames(options: argparse.Namespace) -> None:
    from ripieno_export.frames import command as frames

    frames.run(frames.wish_of(options), _say)


def _corpus(options: argparse.Namespace) -> None:
    from ripieno_export import corpus_command

    corpus_command.run(options)


def _finetune(options: argparse.Namespace) -> None:
    from ripieno_export import finetune_command

    finetune_command.run(options)


def _originality(options: argparse.Namespace) -> None:
    from ripieno_export import originality_command

    originality_command.run(options)


def _quantize(options: argparse.Namespace) -> None:
    from ripieno_export import quantize

    quantize.run(options)


def _order(options: argparse.Namespace) -> "Order":
    from ripieno_export.making import Order

    return Order(
        options.preset,
        options.data,
        _run_of(options),
        options.models,
        steps=options.steps,
        minutes=options.minutes,
    )


def _run_of(options: argparse.Namespace) -> Path:
    run: Path | None = options.run
    return run or Path("runs") / options.preset


def _say(sentence: str) -> None:
    print(sentence, flush=True)


# ── the parser ────────────────────────────────────────────────────────────────────────

COMMANDS: Final = (
    ("make", "train and publish", flags.add_making, _make),
    ("train", "train, or go on training", flags.add_training, _train),
    ("evaluate", "measure how good a model is", flags.add_evaluating, _evaluate),
    ("publish", "export, check, judge, write", flags.add_making, _publish),
    (
        "frames",
        "piano-roll likelihood, beside the published figures",
        flags.add_frames,
        _frames,
    ),
    ("corpus", "a folder of music, packed for training", flags.add_corpus, _corpus),
    (
        "finetune",
        "tune a published event model on a few files",
        flags.add_finetune,
        _finetune,
    ),
    (
        "originality",
        "how much a published event model copies",
        flags.add_originality,
        _originality,
    ),
    ("quantize", "a published model in fewer bits", flags.add_quantize, _quantize),
)
"""Each command's name, what it does, its flags, and who does it."""


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="ripieno-export", description="Train and publish models for Ripieno."
    )
    commands = parser.add_subparsers(dest="command", required=True)
    for name, what, add_flags, does in COMMANDS:
        command = commands.add_parser(name, help=what)
        add_flags(command)
        command.set_defaults(does=does)
    return parser


if __name__ == "__main__":
    sys.exit(main())
