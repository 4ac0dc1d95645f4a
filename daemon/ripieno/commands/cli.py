"""The command line: which commands and flags there are.

Each command is a module of this package with the command's name and a function
`run(arguments) -> int`, which returns the exit code. The module is imported when its
command is chosen, so that `ripieno --help` answers at once.
"""

import argparse
import io
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from pkgutil import resolve_name
from typing import Final, NoReturn

from ripieno import __version__
from ripieno.commands.bench import add_bench
from ripieno.errors import RipienoError, SettingsError, shortened
from ripieno.settings.flags import add_live, add_playing
from ripieno.settings.output import say, until_the_reader_goes

EXAMPLES: Final = """\
examples:
  ripieno                          open Ripieno In and Ripieno Out, and answer
  ripieno play --role continue --scale "D dorian" --low 48
  ripieno demo                     hear it without any MIDI set-up
  ripieno render tune.mid -o duet.mid
  ripieno similar tune.mid ~/music    which files are like this one, and where
  ripieno set lead=0.5 chord-lock="C F G7"      while it plays
  ripieno doctor                   what is there, what is missing
  ripieno bench latency            how fast it answers on this machine
"""


class _Parser(argparse.ArgumentParser):
    """Argparse, with its errors as our one sentence."""

    def error(self, message: str) -> NoReturn:
        raise SettingsError(f"{message}; see {self.prog} --help.")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command that the arguments name.

    Returns:
        The exit code: 0, or that of the error (see `ripieno.errors`).
    """
    return exit_code_of(lambda: _run(argv))


def exit_code_of(command: Callable[[], int]) -> int:
    """Run a command; print an error as one sentence.

    Returns:
        The command's exit code, the error's, or 130 after Ctrl-C.
    """

    def run() -> int:
        if isinstance(sys.stdout, io.TextIOWrapper):
            # A terminal, or a pipe on Windows, that has no "→" or "é" shows a "?".
            sys.stdout.reconfigure(errors="replace")
        try:
            return command()
        except RipienoError as error:
            say(f"ripieno: {shortened(str(error))}", is_error=True)
            return error.exit_code

    try:
        return until_the_reader_goes(run)
    except KeyboardInterrupt:
        return 130


def _run(argv: Sequence[str] | None) -> int:
    arguments = _parser().parse_args(argv)
    run: Callable[[argparse.Namespace], int] = resolve_name(arguments.run)
    return run(arguments)


def _parser() -> _Parser:
    parser = _Parser(
        prog="ripieno",
        description="A MIDI accompanist that listens, thinks and plays along, in time.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"ripieno {__version__}")
    add_playing(parser)
    add_live(parser)
    parser.set_defaults(run="ripieno.commands.play:run")
    commands = parser.add_subparsers(metavar="COMMAND")

    def add(run: str, about: str) -> _Parser:
        name = run.removesuffix(":run").rpartition(".")[2]
        each = commands.add_parser(name, help=about)
        each.set_defaults(run=run)
        return each

    play = add("ripieno.commands.play:run", "play along, live (the default)")
    add_playing(play, again=True)
    add_live(play, again=True)
    add("ripieno.commands.ports:run", "list the MIDI ports there are").add_argument(
        "--backend", help="auto, jack, rtmidi-jack, alsa, coremidi or windows"
    )
    render = add("ripieno.commands.render:run", "play along with a file, offline")
    render.add_argument("input", type=Path, metavar="IN.mid")
    render.add_argument("-o", "--output", type=Path, required=True, metavar="OUT.mid")
    render.add_argument(
        "--tail", type=float, default=30.0, help="seconds to play on after the end"
    )
    add_playing(render, again=True)
    replay = add("ripieno.commands.replay:run", "play a journal again, bit for bit")
    replay.add_argument("journal", type=Path)
    _add_similar(add("ripieno.commands.similar:run", "rank MIDI files by likeness"))
    change = add("ripieno.commands.set:run", "look at, or change, what plays now")
    change.add_argument(
        "words", nargs="*", metavar="NAME=VALUE", help="as lead=0.5, keys.busy=8"
    )
    seat = add("ripieno.commands.seat:run", "add or remove a seat while it plays")
    seat.add_argument(
        "verb", nargs="?", choices=("add", "remove", "list"), default="list"
    )
    seat.add_argument(
        "words", nargs="*", metavar="WORD", help="such as solo role=answer channel=4"
    )
    port = "whose input port this is, where several play"
    for each in (change, seat):
        each.add_argument("--in", dest="name_in", default=argparse.SUPPRESS, help=port)
    add("ripieno.commands.models:run", "list the models there are")
    add("ripieno.commands.doctor:run", "what is there, what is missing").add_argument(
        "--tune", action="store_true", help="find each model's threads on this machine"
    )
    add_bench(add("ripieno.commands.bench:run", "measure this machine and this daemon"))
    _add_demo(add("ripieno.commands.demo:run", "hear a duet, without any MIDI set-up"))
    return parser


def _add_demo(parser: _Parser) -> None:
    real = parser.add_mutually_exclusive_group()
    for system in ("jack", "alsa"):
        real.add_argument(
            f"--{system}",
            dest="through",
            action="store_const",
            const=system,
            help=f"through real {system.upper()} ports",
        )
    parser.add_argument("--phrases", type=int, default=4, help="1 to 4 of the melody's")
    parser.add_argument(
        "-o", "--output", type=Path, default=Path("duet"), help="without an ending"
    )
    add_playing(parser, again=True)


def _add_similar(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("query", type=Path, metavar="IN.mid")
    parser.add_argument("library", type=Path, metavar="LIBRARY")
    parser.add_argument("--top", type=int, default=10, help="how many to show")
    parser.add_argument("--json", action="store_true", help="for programs")
    parser.add_argument("--model", default="phrase-encoder", help="a name or a folder")
    parser.add_argument(
        "--provider",
        choices=("auto", "cpu", "cuda"),
        default="auto",
        help="what runs it",
    )
