"""The command line: parses, hands over, and turns errors into one sentence and a code.

Nothing heavy is imported before a command needs it: `ripieno --help` answers at once.
"""

import argparse
import io
import secrets
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NoReturn

from ripieno import __version__
from ripieno.errors import RipienoError, SettingsError

if TYPE_CHECKING:
    from ripieno.config import Settings

EXAMPLES: Final = """\
examples:
  ripieno                          open Ripieno In and Ripieno Out, and answer
  ripieno play --role continue --scale "D dorian" --low 48
  ripieno demo                     hear it without any MIDI set-up
  ripieno render tune.mid -o duet.mid
  ripieno doctor                   what is there, what is missing
"""

_PLAY_FLAGS: Final[dict[str, tuple[type, str]]] = {
    "role": (str, "answer: reply when a phrase is over; continue: take over"),
    "temperature": (float, "1: as the model learned; lower safer, higher wilder"),
    "top_p": (float, "consider only the likeliest choices of this share"),
    "scale": (str, "auto, off, or a name such as 'D dorian'"),
    "low": (int, "the lowest pitch it plays"),
    "high": (int, "the highest pitch it plays"),
    "polyphony": (int, "how many of its notes may sound at once"),
    "density": (float, "at most so many of its notes a second"),
    "channel": (int, "the MIDI channel it plays on"),
    "seed": (int, "what chance starts from; fresh and written down if not given"),
    "patience": (float, "scales the silence that ends a phrase"),
    "tightness": (float, "how strongly its onsets are drawn to the grid you play on"),
}


class _Parser(argparse.ArgumentParser):
    """Argparse, with its errors as our one sentence."""

    def error(self, message: str) -> NoReturn:
        raise SettingsError(f"{message}; see {self.prog} --help.")


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command.

    Returns:
        The exit code: 0, or that of the error (see `ripieno.errors`).
    """
    if isinstance(sys.stdout, io.TextIOWrapper):
        # A terminal, or a pipe on Windows, that has no "→" or "é" shows a "?".
        sys.stdout.reconfigure(errors="replace")
    try:
        arguments = _parser().parse_args(argv)
        run: Callable[[argparse.Namespace], int] = arguments.run
        return run(arguments)
    except RipienoError as error:
        print(f"ripieno: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        return 130


# ── commands ──────────────────────────────────────────────────────────────────────────


def _play(arguments: argparse.Namespace) -> int:
    from ripieno.runtime import play

    settings = _settings(arguments)
    play(settings, seed=_seed(settings))
    return 0


def _ports(arguments: argparse.Namespace) -> int:
    from ripieno.midi.backends import choose_backend
    from ripieno.midi.rtmidi_port import list_ports

    backend, why = choose_backend(arguments.backend or "auto")
    sources, destinations = list_ports(backend)
    print(f"MIDI ports on {backend} ({why}):")
    for title, names in (("to read from", sources), ("to write to", destinations)):
        print(f"  {title}:")
        for name in names or ["(none)"]:
            print(f"    {name}")
    return 0


def _render(arguments: argparse.Namespace) -> int:
    from rich.progress import Progress

    from ripieno.offline import render

    settings = _settings(arguments)
    seed = _seed(settings)
    if not 0 <= arguments.tail <= 3600:
        raise SettingsError(
            f"tail is {arguments.tail:g}; it must lie between 0 and 3600."
        )
    with Progress(transient=True) as progress:
        task = progress.add_task("Rendering", total=1.0)
        status = render(
            arguments.input,
            arguments.output,
            settings,
            seed=seed,
            tail_s=arguments.tail,
            progress=lambda done: progress.update(task, completed=done),
        )
    print(
        f"{arguments.output}: {status.turns} replies, {status.sent} notes by "
        f"{status.model}; seed {seed}."
    )
    return 0


def _replay(arguments: argparse.Namespace) -> int:
    from ripieno.offline import replay

    found = replay(arguments.journal)
    same = "all as then" if not found.differing else f"{found.differing} differ"
    print(f"{found.inputs} inputs, {found.outputs} outputs: {same}.")
    if found.why_no_plans:
        print(f"The model's plans were not made again: {found.why_no_plans}.")
    else:
        plans = found.differing_plans
        same = "all as then" if not plans else f"{plans} differ"
        print(f"{found.plans} plan sections made again: {same}.")
    if found.first:
        print(f"First difference {found.first}.")
    return 1 if found.differing or found.differing_plans else 0


def _models(arguments: argparse.Namespace) -> int:
    del arguments
    from ripieno.think import manifest

    found = manifest.installed()
    for folder in found:
        try:
            model = manifest.load(folder)
        except RipienoError as error:
            print(f"{folder.name}: {error}")
            continue
        roles = ", ".join(model.roles)
        print(
            f"{model.name}: {model.family}, {model.parameters:,} parameters, {roles}."
        )
        for name, value in model.quality.items():
            print(f"    {name} {value:g}")
        print(f"    licence {model.licence}; card: {folder / manifest.CARD}")
    if not found:
        print("No model is installed; `ripieno doctor` says where they are looked for.")
    return 0


def _doctor(arguments: argparse.Namespace) -> int:
    del arguments
    from ripieno.doctor import examine

    worst = 0
    for finding in examine():
        print(f"{finding.verdict:<4}  {finding.topic}: {finding.sentence}")
        worst |= finding.verdict == "FAIL"
    return int(worst)


def _demo(arguments: argparse.Namespace) -> int:
    from ripieno.demo import demo

    settings = _settings(arguments)
    seed = _seed(settings)
    if not 1 <= arguments.phrases <= 4:
        raise SettingsError(
            f"phrases is {arguments.phrases}; it must lie between 1 and 4."
        )
    if not arguments.output.name:
        raise SettingsError("output names no file; give one, without an ending.")
    demo(
        settings,
        through=arguments.through,
        seed=seed,
        phrases=arguments.phrases,
        out=arguments.output,
    )
    return 0


# ── flags ─────────────────────────────────────────────────────────────────────────────


def _parser() -> _Parser:
    parser = _Parser(
        prog="ripieno",
        description="A MIDI accompanist that listens, thinks and plays along, in time.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"ripieno {__version__}")
    _playing(parser)
    _live(parser)
    parser.set_defaults(run=_play)
    commands = parser.add_subparsers(metavar="COMMAND", parser_class=_Parser)

    play = commands.add_parser("play", help="play along, live (the default)")
    _playing(play, again=True)
    _live(play, again=True)
    play.set_defaults(run=_play)

    ports = commands.add_parser("ports", help="list the MIDI ports there are")
    ports.add_argument("--backend", help="auto, alsa, jack, coremidi or windows")
    ports.set_defaults(run=_ports)

    render = commands.add_parser("render", help="play along with a file, offline")
    render.add_argument("input", type=Path, metavar="IN.mid")
    render.add_argument("-o", "--output", type=Path, required=True, metavar="OUT.mid")
    render.add_argument(
        "--tail", type=float, default=30.0, help="seconds to play on after the end"
    )
    _playing(render, again=True)
    render.set_defaults(run=_render)

    replay = commands.add_parser("replay", help="play a journal again, bit for bit")
    replay.add_argument("journal", type=Path)
    replay.set_defaults(run=_replay)

    models = commands.add_parser("models", help="list the models there are")
    models.set_defaults(run=_models)

    doctor = commands.add_parser("doctor", help="what is there, what is missing")
    doctor.set_defaults(run=_doctor)

    demo = commands.add_parser("demo", help="hear a duet, without any MIDI set-up")
    real = demo.add_mutually_exclusive_group()
    for system in ("jack", "alsa"):
        real.add_argument(
            f"--{system}",
            dest="through",
            action="store_const",
            const=system,
            help=f"through real {system.upper()} ports",
        )
    demo.add_argument("--phrases", type=int, default=4, help="1 to 4 of the melody's")
    demo.add_argument(
        "-o", "--output", type=Path, default=Path("duet"), help="without an ending"
    )
    _playing(demo, again=True)
    demo.set_defaults(run=_demo)
    return parser


def _playing(parser: argparse.ArgumentParser, *, again: bool = False) -> None:
    """How to play. A subcommand's flags must not reset what came before it."""
    absent: Any = argparse.SUPPRESS if again else None
    group = parser.add_argument_group("playing")
    group.add_argument("--config", type=Path, default=absent, help="a TOML file")
    group.add_argument("--model", default=absent, help="a name, or a model's folder")
    group.add_argument("--provider", default=absent, help="auto, cpu or cuda")
    for name, (kind, meaning) in _PLAY_FLAGS.items():
        flag = f"--{name.replace('_', '-')}"
        group.add_argument(flag, dest=name, type=kind, default=absent, help=meaning)


def _live(parser: argparse.ArgumentParser, *, again: bool = False) -> None:
    """Where to play."""
    absent: Any = argparse.SUPPRESS if again else None
    group = parser.add_argument_group("ports")
    group.add_argument(
        "--backend", default=absent, help="auto, alsa, jack, coremidi or windows"
    )
    group.add_argument("--in", dest="name_in", default=absent, help="input port's name")
    group.add_argument(
        "--out", dest="name_out", default=absent, help="output port's name"
    )
    group.add_argument(
        "--thru", action="store_true", default=absent, help="pass what comes in on"
    )
    group.add_argument("--journal", default=absent, help="write a journal there")
    group.add_argument(
        "--server-wait",
        dest="server_wait_s",
        type=float,
        default=absent,
        help="seconds to wait for a MIDI server that went away",
    )


def _settings(arguments: argparse.Namespace) -> "Settings":
    """The settings that a file and the flags make."""
    from ripieno.config import load

    given = {k: v for k, v in vars(arguments).items() if v is not None}
    play = {name: given[name] for name in (*_PLAY_FLAGS, "thru") if name in given}
    names = ("model", "provider", "backend", "name_in", "name_out", "journal",
             "server_wait_s")  # fmt: skip
    top = {name: given[name] for name in names if name in given}
    return load(given.get("config"), top, play)


def _seed(settings: "Settings") -> int:
    """The seed that was asked for, or a fresh one."""
    given = settings.play.seed
    return secrets.randbits(32) if given is None else given
