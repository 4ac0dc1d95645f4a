"""The report of a measurement: printed as tables, written as JSON.

A report holds the machine, the versions, the other load and the settings, so that no
figure is quoted without them. `figures` are for programs, by name; `tables` and `notes`
are for people.
"""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final, TypeAlias

import msgspec
import numpy as np
from rich.console import Console

from ripieno.bench.machine import machine, run_queue, versions
from ripieno.clock import NS_PER_S, SystemClock, date_utc
from ripieno.errors import FileError
from ripieno.settings.output import plain

QUANTILES: Final = (0.5, 0.95, 0.99, 0.999)
HEADINGS: Final = ("n", "p50", "p95", "p99", "p99.9", "max", "sd")
"""Of a table's columns that `cells` fills."""


class Spread(msgspec.Struct, frozen=True):
    """The distribution of some values, in any unit; all 0 where there are none.

    A quantile is always one of the values: `p99` of a hundred is the second largest.

    Attributes:
        count: the number of values.
        mean, sd: the mean and the standard deviation.
        least, most: the smallest and the largest value.
    """

    count: int = 0
    mean: float = 0.0
    sd: float = 0.0
    least: float = 0.0
    p50: float = 0.0
    p95: float = 0.0
    p99: float = 0.0
    p99_9: float = 0.0
    most: float = 0.0


Figure: TypeAlias = float | bool | str | Spread | None
"""None means that it could not be measured here."""
Settings: TypeAlias = dict[str, str | float | bool | list[str] | None]


def spread(values: Iterable[float]) -> Spread:
    """Return the distribution of some values. Cost: a sort."""
    ordered = np.sort(np.fromiter(values, float))
    if not ordered.size:
        return Spread()
    quantiles = np.quantile(ordered, QUANTILES, method="lower")
    rest = (ordered.mean(), ordered.std(), ordered[0], *quantiles, ordered[-1])
    return Spread(ordered.size, *map(float, rest))


def cells(found: Spread) -> tuple[str, ...]:
    """Return a row's cells under `HEADINGS`."""
    shown = (found.p50, found.p95, found.p99, found.p99_9, found.most, found.sd)
    return f"{found.count:,}", *(f"{value:.3f}" for value in shown)


class Table(msgspec.Struct, frozen=True):
    """A table for people; every row has one cell a column."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def lines(self) -> list[str]:
        """Return the lines to print; the first column is aligned left."""
        rows = (self.columns, *self.rows)
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        lines = [self.title]
        for first, *rest in rows:
            aligned = (c.rjust(w) for c, w in zip(rest, widths[1:], strict=True))
            lines.append("  ".join((first.ljust(widths[0]), *aligned)).rstrip())
        return lines


class Report(msgspec.Struct, frozen=True):
    """The result of one measurement.

    Attributes:
        name: of the measurement.
        when: date and time, UTC.
        machine, versions: what it ran on.
        load: how long it took, in seconds, and the run queue before and after.
        settings: what was asked for.
        tables, notes: for people.
        figures: for programs.
    """

    name: str
    when: str
    machine: dict[str, str]
    versions: dict[str, str]
    load: dict[str, float]
    settings: Settings
    tables: tuple[Table, ...]
    figures: dict[str, Figure]
    notes: tuple[str, ...] = ()

    def write_json(self, path: Path) -> None:
        """Write the report as JSON.

        Raises:
            FileError: it cannot be written.
        """
        data = msgspec.json.format(msgspec.json.encode(self), indent=2)
        try:
            path.write_bytes(data + b"\n")
        except OSError as error:
            raise FileError(f"Cannot write {path}: {error.strerror}.") from error

    def print(self, console: Console) -> None:
        """Print the report."""
        lines = [
            f"ripieno bench {self.name}, {self.when}",
            *(_listed(each) for each in (self.machine, self.versions, self.load)),
        ]
        for table in self.tables:
            lines += table.lines()
        for line in (*lines, *self.notes):
            console.print(plain(line), markup=False)


class Begun:
    """A measurement that is running; make it just before the first thing is measured.

    Args:
        name: of the measurement.
        settings: the measurement's settings, by name.
    """

    def __init__(self, name: str, settings: Settings) -> None:
        self._name, self._settings = name, settings
        self._when, self._before = date_utc(), run_queue("before")
        self._start_ns = SystemClock().now_ns()

    def end(
        self,
        tables: Sequence[Table],
        figures: Mapping[str, Figure],
        notes: Sequence[str] = (),
    ) -> Report:
        """Return the report."""
        took_s = round((SystemClock().now_ns() - self._start_ns) / NS_PER_S, 1)
        load = {"seconds": took_s} | self._before | run_queue("after")
        return Report(
            self._name, self._when, machine(), versions(), load, self._settings,
            tuple(tables), dict(figures), tuple(notes),
        )  # fmt: skip

    def end_parts(
        self, parts: Mapping[str, Mapping[str, Figure]], notes: Sequence[str] = ()
    ) -> Report:
        """Return the report of the figures of several parts, with a table for each.

        The name of a part is put before those of its figures.
        """
        figures = {
            f"{part}: {name}": figure
            for part, found in parts.items()
            for name, figure in found.items()
        }
        return self.end([_table(*part) for part in parts.items()], figures, notes)


def _table(part: str, figures: Mapping[str, Figure]) -> Table:
    """Return a row for each distribution; the other figures stand in the title."""
    spreads = {n: each for n, each in figures.items() if isinstance(each, Spread)}
    others = {n: each for n, each in figures.items() if n not in spreads}
    rows = tuple((name, *cells(each)) for name, each in spreads.items())
    return Table(f"{part}: {_listed(others)}", ("", *HEADINGS), rows)


def _listed(named: Mapping[str, object]) -> str:
    shown = {n: f"{v:.4g}" if isinstance(v, float) else v for n, v in named.items()}
    return "; ".join(f"{name} {value}" for name, value in shown.items())
