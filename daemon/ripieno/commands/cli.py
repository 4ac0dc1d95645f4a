"""The command line: parses, hands over, and turns errors into one sentence and a code.

Nothing heavy is imported before a command needs it: `ripieno --help` answers at once.
What the flags of playing are, and mean, is `ripieno.settings.flags`'s.
"""

import argparse
import io
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, NoReturn

from ripieno import __version__
from ripieno.bench.commands import add_bench
from ripieno.commands.arguments import settings_of
from ripieno.errors import RipienoError, SettingsError, shortened
from ripieno.processes.interrupts import raise_interrupts
from ripieno.settings.flags import add_live, add_playing, seed_of
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
    """Run a command.

    Returns:
        The exit code: 0, or that of the error (see `ripieno.errors`).
    """
    try:
        return until_the_reader_goes(lambda: _run(argv))
    except KeyboardInterrupt:
        return 130


def _run(argv: Sequence[str] | None) -> int:
    if isinstance(sys.stdout, io.TextIOWrapper):
        # A terminal, or a pipe on Windows, that has no "→" or "é" shows a "?".
        sys.stdout.reconfigure(errors="replace")
    try:
        arguments = _parser().parse_args(argv)
        run: Callable[[argparse.Namespace], int] = arguments.run
        return run(arguments)
    except RipienoError as error:
        say(f"ripieno: {shortened(str(error))}", is_error=True)
        return error.exit_code


# ── commands ──────────────────────────────────────────────────────────────────────────


def _play(arguments: argparse.Namespace) -> int:
    from ripieno.commands.play import play

    settings = settings_of(arguments)
    play(settings, seed=seed_of(settings))
    return 0


def _ports(arguments: argparse.Namespace) -> int:
    from ripieno.ports.backends import choose_backend, list_ports

    backend, why = choose_backend(arguments.backend or "auto")
    sources, destinations = list_ports(backend)
    say(f"MIDI ports on {backend} ({why}):")
    for title, names in (("to read from", sources), ("to write to", destinations)):
        say(f"  {title}:")
        for name in names or ["(none)"]:
            say(f"    {name}")
    return 0


def _render(arguments: argparse.Namespace) -> int:
    from rich.progress import Progress

    from ripieno.commands.render import render

    settings = settings_of(arguments)
    seed = seed_of(settings)
    if not 0 <= arguments.tail <= 3600:
        raise SettingsError(
            f"tail is {arguments.tail:g}; it must lie between 0 and 3600."
        )
    raise_interrupts()
    with Progress(transient=True) as progress:
        task = progress.add_task("Rendering", total=1.0)
        rendered = render(
            arguments.input,
            arguments.output,
            settings,
            seed=seed,
            tail_s=arguments.tail,
            progress=lambda done: progress.update(task, completed=done),
        )
    if rendered.repairs:
        say(f"{arguments.input}: {rendered.repairs}.")
    status = rendered.status
    say(
        f"{arguments.output}: {status.turns} replies, {status.sent} notes by "
        f"{status.model}; seed {seed}."
    )
    return 0


def _replay(arguments: argparse.Namespace) -> int:
    from ripieno.commands.replay import replay

    found = replay(arguments.journal)
    same = "all as then" if not found.differing else f"{found.differing} differ"
    say(f"{found.inputs} inputs, {found.outputs} outputs: {same}.")
    if found.why_no_plans:
        say(f"The model's plans were not made again: {found.why_no_plans}.")
    else:
        plans = found.differing_plans
        same = "all as then" if not plans else f"{plans} differ"
        say(f"{found.plans} plan sections made again: {same}.")
    if found.first:
        say(f"First difference {found.first}.")
    for gap in found.gaps:
        say(f"Not compared {gap}.")
    return 1 if found.differing or found.differing_plans or found.gaps else 0


def _similar(arguments: argparse.Namespace) -> int:
    from rich.console import Console
    from rich.progress import Progress

    from ripieno.commands.similar import as_json, lines, similar

    if arguments.top < 1:
        raise SettingsError(f"top is {arguments.top}; it must be at least 1.")
    raise_interrupts()
    console = Console(stderr=True)
    is_off = not console.is_terminal
    with Progress(console=console, transient=True, disable=is_off) as progress:
        task = progress.add_task("Comparing", total=1.0)
        found = similar(
            arguments.query,
            arguments.library,
            model=arguments.model,
            provider=arguments.provider,
            progress=lambda done: progress.update(task, completed=done),
        )
    if arguments.json:
        print(as_json(found, arguments.top))
        return 0
    for line in lines(found, arguments.top):
        say(line)
    return 0


def _set(arguments: argparse.Namespace) -> int:
    from ripieno.commands.set import set_

    for line in set_(arguments.words, arguments.name_in):
        say(line)
    return 0


def _models(arguments: argparse.Namespace) -> int:
    del arguments
    from ripieno.inference import manifest
    from ripieno.inference.interfaces import INTERFACES

    found = manifest.installed()
    for folder in found:
        try:
            model = manifest.load(folder)
        except RipienoError as error:
            say(f"{folder.name}: {error}")
            continue
        helps = "" if INTERFACES[model.interface].has_graphs else "helps to "
        roles = helps + (", ".join(model.roles) or f"{model.interface}, no role")
        say(f"{model.name}: {model.family}, {model.parameters:,} parameters, {roles}.")
        for name, value in model.quality.items():
            say(f"    {name} {value:g}")
        say(f"    licence {model.licence}; card: {folder / manifest.CARD}")
    if not found:
        say("No model is installed; `ripieno doctor` says where they are looked for.")
    return 0


def _doctor(arguments: argparse.Namespace) -> int:
    from ripieno.commands.doctor import examine

    if arguments.tune:
        return _tune()
    worst = 0
    for finding in examine():
        say(f"{finding.verdict:<4}  {finding.topic}: {finding.sentence}")
        worst |= finding.verdict == "FAIL"
    return int(worst)


def _tune() -> int:
    from ripieno.bench.tune import sentence, tune
    from ripieno.inference.manifest import installed
    from ripieno.inference.tuning import path

    say("Trying threads, two seconds a model; leave the machine alone meanwhile.")
    for found in tune(installed()):
        say(sentence(found))
    say(f"Kept in {path()}; it is used from the next start on.")
    return 0


def _bench(arguments: argparse.Namespace) -> int:
    from ripieno.bench.commands import measure

    raise_interrupts()
    measure(arguments)
    return 0


def _demo(arguments: argparse.Namespace) -> int:
    from ripieno.commands.demo import demo

    settings = settings_of(arguments)
    seed = seed_of(settings)
    if not 1 <= arguments.phrases <= 4:
        raise SettingsError(
            f"phrases is {arguments.phrases}; it must lie between 1 and 4."
        )
    if not arguments.output.name:
        raise SettingsError("output names no file; give one, without an ending.")
    raise_interrupts()
    demo(
        settings,
        through=arguments.through,
        seed=seed,
        phrases=arguments.phrases,
        out=arguments.output,
    )
    return 0


# ── the parser ────────────────────────────────────────────────────────────────────────


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
    parser.set_defaults(run=_play)
    commands = parser.add_subparsers(metavar="COMMAND", parser_class=_Parser)

    play = commands.add_parser("play", help="play along, live (the default)")
    add_playing(play, again=True)
    add_live(play, again=True)
    play.set_defaults(run=_play)

    ports = commands.add_parser("ports", help="list the MIDI ports there are")
    ports.add_argument(
        "--backend", help="auto, jack, rtmidi-jack, alsa, coremidi or windows"
    )
    ports.set_defaults(run=_ports)

    render = commands.add_parser("render", help="play along with a file, offline")
    render.add_argument("input", type=Path, metavar="IN.mid")
    render.add_argument("-o", "--output", type=Path, required=True, metavar="OUT.mid")
    render.add_argument(
        "--tail", type=float, default=30.0, help="seconds to play on after the end"
    )
    add_playing(render, again=True)
    render.set_defaults(run=_render)

    replay = commands.add_parser("replay", help="play a journal again, bit for bit")
    replay.add_argument("journal", type=Path)
    replay.set_defaults(run=_replay)

    _add_similar(commands.add_parser("similar", help="rank MIDI files by likeness"))
    _add_set(commands.add_parser("set", help="look at, or change, what plays now"))

    models = commands.add_parser("models", help="list the models there are")
    models.set_defaults(run=_models)

    doctor = commands.add_parser("doctor", help="what is there, what is missing")
    doctor.add_argument(
        "--tune", action="store_true", help="find each model's threads on this machine"
    )
    doctor.set_defaults(run=_doctor)

    bench = commands.add_parser("bench", help="measure this machine and this daemon")
    add_bench(bench)
    bench.set_defaults(run=_bench)

    _add_demo(commands.add_parser("demo", help="hear a duet, without any MIDI set-up"))
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
    parser.set_defaults(run=_demo)


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
    parser.set_defaults(run=_similar)


def _add_set(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "words", nargs="*", metavar="NAME=VALUE", help="such as lead=0.5, chart=@FILE"
    )
    parser.add_argument(
        "--in",
        dest="name_in",
        default=argparse.SUPPRESS,
        help="whose input port this is, where several play",
    )
    parser.set_defaults(run=_set)
