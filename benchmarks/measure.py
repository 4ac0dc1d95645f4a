"""The command line of a measurement that is not installed with the daemon."""

import argparse
from types import ModuleType

from ripieno.commands.bench import add_output, measure
from ripieno.commands.cli import exit_code_of


def main(name: str, measurement: ModuleType) -> int:
    """Parse the command line, measure, print the report, and return the exit code."""
    parser = argparse.ArgumentParser(
        prog=f"python -m benchmarks.{name}",
        description=measurement.__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_output(parser)
    measurement.add(parser)
    return exit_code_of(lambda: measure(measurement, parser.parse_args()))
