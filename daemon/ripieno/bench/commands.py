"""The measurements that `ripieno bench` knows, and their part of the command line.

Each is imported when it is chosen: `ripieno bench --help` loads none of them.
"""

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol

if TYPE_CHECKING:
    from rich.console import Console

    from ripieno.bench.report import Report


class Measurement(Protocol):
    """A module of this package; see the package."""

    def add(self, parser: argparse.ArgumentParser) -> None:
        """Its own flags."""
        ...

    def run(self, arguments: argparse.Namespace, say: "Console") -> "Report":
        """Measure."""
        ...


class _Entry(NamedTuple):
    meaning: str
    load: Callable[[], Measurement]


def _latency() -> Measurement:
    from ripieno.bench import latency

    return latency


def _jitter() -> Measurement:
    from ripieno.bench import jitter

    return jitter


def _soak() -> Measurement:
    from ripieno.bench import soak

    return soak


def _model() -> Measurement:
    from ripieno.bench import model

    return model


def _peers() -> Measurement:
    from ripieno.bench import peers

    return peers


MEASUREMENTS: Final = {
    "latency": _Entry("from a key to its answer, through real ports", _latency),
    "jitter": _Entry("what was due against what arrived, under load", _jitter),
    "soak": _Entry("every role in turn, for as long as you like", _soak),
    "model": _Entry("a step and a plan, against this machine's limit", _model),
    "peers": _Entry("the same work through other programs", _peers),
}


def add_bench(parser: argparse.ArgumentParser) -> None:
    """The measurements as subcommands; the one that is chosen adds its own flags."""
    chosen = parser.add_subparsers(
        metavar="WHAT", required=True, parser_class=_filled(type(parser))
    )
    for name, entry in MEASUREMENTS.items():
        each = chosen.add_parser(name, help=entry.meaning, description=entry.meaning)
        each.set_defaults(what=name)
        each.add_argument(
            "-o", "--output", type=Path, metavar="FILE.json", help="write it as JSON"
        )


def measure(arguments: argparse.Namespace) -> None:
    """Run the measurement that was chosen, write it, show it.

    Raises:
        RipienoError: it cannot be run, or its report cannot be written.
    """
    from rich.console import Console

    if arguments.output is not None:
        _check_target(arguments.output)
    measurement = MEASUREMENTS[arguments.what].load()
    report = measurement.run(arguments, Console(stderr=True, highlight=False))
    if arguments.output is not None:
        report.write_json(arguments.output)
    report.print(Console(highlight=False, soft_wrap=True))


def _check_target(path: Path) -> None:
    """Half an hour's figures must not be lost to a folder that is not there."""
    from ripieno.files.midi import check_target

    check_target(path)


def _filled(kind: type[argparse.ArgumentParser]) -> type[argparse.ArgumentParser]:
    """A parser that asks its measurement for flags when it is first used."""

    class Filled(kind):  # type: ignore[misc, valid-type]
        is_filled = False

        def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:  # noqa: ANN401
            if not self.is_filled:
                self.is_filled = True
                MEASUREMENTS[self.get_default("what")].load().add(self)
            return super().parse_known_args(args, namespace)

    return Filled
