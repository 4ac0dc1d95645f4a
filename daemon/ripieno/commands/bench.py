"""`ripieno bench`: the measurements, and their part of the command line.

A measurement is imported when it is chosen: `ripieno bench --help` loads none of them.
"""

import argparse
from pathlib import Path
from pkgutil import resolve_name
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol, cast

from ripieno.processes.interrupts import raise_interrupts

if TYPE_CHECKING:
    from rich.console import Console

    from ripieno.bench.report import Report


class Measurement(Protocol):
    """A module that measures something; `ripieno.bench` says how to write one."""

    def add(self, parser: argparse.ArgumentParser) -> None:
        """Add the flags of the measurement."""
        ...

    def run(self, arguments: argparse.Namespace, say: "Console") -> "Report":
        """Measure."""
        ...


class _Entry(NamedTuple):
    about: str
    module: str


MEASUREMENTS: Final = {
    "latency": _Entry(
        "from a key to its answer, through real ports", "ripieno.bench.latency"
    ),
    "jitter": _Entry(
        "what was due against what arrived, under load", "ripieno.bench.jitter"
    ),
    "model": _Entry(
        "a step and a plan, against this machine's limit", "ripieno.bench.model"
    ),
}


def add_bench(parser: argparse.ArgumentParser) -> None:
    """Add the measurements as subcommands; the chosen one adds its own flags."""
    chosen = parser.add_subparsers(
        metavar="WHAT", required=True, parser_class=_filled(type(parser))
    )
    for name, entry in MEASUREMENTS.items():
        each = chosen.add_parser(name, help=entry.about, description=entry.about)
        each.set_defaults(what=name)
        add_output(each)


def add_output(parser: argparse.ArgumentParser) -> None:
    """Add the flag that names the file for the report."""
    parser.add_argument(
        "-o", "--output", type=Path, metavar="FILE.json", help="write it as JSON"
    )


def run(arguments: argparse.Namespace) -> int:
    """Run the chosen measurement.

    Raises:
        RipienoError: it cannot be run, or its report cannot be written.
    """
    return measure(_loaded(arguments.what), arguments)


def measure(measurement: Measurement, arguments: argparse.Namespace) -> int:
    """Run a measurement, write its report where a file is named, and print it.

    Returns:
        The exit code.

    Raises:
        RipienoError: it cannot be run, or its report cannot be written.
    """
    from rich.console import Console

    raise_interrupts()
    if arguments.output is not None:
        _check_target(arguments.output)
    report = measurement.run(arguments, Console(stderr=True, highlight=False))
    if arguments.output is not None:
        report.write_json(arguments.output)
    report.print(Console(highlight=False, soft_wrap=True))
    return 0


def _loaded(name: str) -> Measurement:
    return cast("Measurement", resolve_name(MEASUREMENTS[name].module))


def _check_target(path: Path) -> None:
    """Refuse a file that cannot be written before half an hour of measuring."""
    from ripieno.files.midi import check_target

    check_target(path)


def _filled(kind: type[argparse.ArgumentParser]) -> type[argparse.ArgumentParser]:
    """Return a parser that asks its measurement for flags when it is first used."""

    class Filled(kind):  # type: ignore[misc, valid-type]
        is_filled = False

        def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:  # noqa: ANN401
            if not self.is_filled:
                self.is_filled = True
                _loaded(self.get_default("what")).add(self)
            return super().parse_known_args(args, namespace)

    return Filled
