"""`ripieno bench`: the measurements, and their part of the command line.

A measurement is imported when it is chosen: `ripieno bench --help` loads none of them.
"""

import argparse
from pathlib import Path
from pkgutil import resolve_name
from types import ModuleType
from typing import TYPE_CHECKING, Any, Final, cast

from ripieno.processes.interrupts import raise_interrupts

if TYPE_CHECKING:
    from ripieno.bench.report import Report

MEASUREMENTS: Final = {
    "latency": (
        "ripieno.bench.latency",
        "from key to answer, through real ports",
    ),
    "jitter": ("ripieno.bench.jitter", "what was due against what arrived, under load"),
    "model": ("ripieno.bench.model", "a step and a plan, against this machine's limit"),
}
"""Name → its module, and what it measures."""


def add_bench(parser: argparse.ArgumentParser) -> None:
    """Add the measurements as subcommands; the chosen one adds its own flags."""
    chosen = parser.add_subparsers(
        metavar="WHAT", required=True, parser_class=_filled(type(parser))
    )
    for name, (_, about) in MEASUREMENTS.items():
        each = chosen.add_parser(name, help=about, description=about)
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
    return measure(_module(arguments.what), arguments)


def measure(measurement: ModuleType, arguments: argparse.Namespace) -> int:
    """Run a measurement, write its report where a file is named, and print it.

    Args:
        measurement: a module as `ripieno.bench` describes it.
        arguments: its flags, and that of `add_output`.

    Raises:
        RipienoError: it cannot be run, or its report cannot be written.
    """
    from rich.console import Console

    from ripieno.files.midi import check_target

    raise_interrupts()
    if arguments.output is not None:
        check_target(arguments.output)  # before half an hour of measuring
    say = Console(stderr=True, highlight=False)
    report: Report = measurement.run(arguments, say)
    if arguments.output is not None:
        report.write_json(arguments.output)
    report.print(Console(highlight=False, soft_wrap=True))
    return 0


def _module(name: str) -> ModuleType:
    return cast("ModuleType", resolve_name(MEASUREMENTS[name][0]))


def _filled(kind: type[argparse.ArgumentParser]) -> type[argparse.ArgumentParser]:
    """Return a parser that asks its measurement for flags when it is first used."""

    class Filled(kind):  # type: ignore[misc, valid-type]
        is_filled = False

        def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:  # noqa: ANN401
            if not self.is_filled:
                self.is_filled = True
                _module(self.get_default("what")).add(self)
            return super().parse_known_args(args, namespace)

    return Filled
