"""The report of a measurement: printed as tables, written as JSON.

A report holds the machine, the versions, the other load and the settings, so that no
figure is quoted without them. `figures` are for programs, by name; `tables`, `pictures`
and `notes` are for people.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TypeAlias

import msgspec
from rich.console import Console

from ripieno.bench.machine import Load, machine, versions
from ripieno.bench.spread import Spread
from ripieno.clock import date_utc
from ripieno.errors import FileError
from ripieno.settings.output import plain

Figure: TypeAlias = float | bool | str | Spread | None
"""None means that it could not be measured here."""


class Table(msgspec.Struct, frozen=True):
    """A table for people; every row has one cell a column."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


class Picture(msgspec.Struct, frozen=True):
    """A drawing in lines of text."""

    title: str
    lines: tuple[str, ...]


class Report(msgspec.Struct, frozen=True):
    """The result of one measurement.

    Attributes:
        name: of the measurement.
        when: date and time, UTC.
        machine, versions: what it ran on.
        load: how busy the machine was meanwhile; see `ripieno.bench.machine.Load`.
        settings: what was asked for.
        tables, pictures, notes: for people.
        figures: for programs.
    """

    name: str
    when: str
    machine: dict[str, str]
    versions: dict[str, str]
    load: dict[str, float]
    settings: dict[str, str | float | bool | list[str] | None]
    tables: tuple[Table, ...]
    figures: dict[str, Figure]
    pictures: tuple[Picture, ...] = ()
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
        console.print(f"ripieno bench {self.name}, {self.when}")
        for about in (self.machine, self.versions, self.load):
            told = "; ".join(f"{name} {value}" for name, value in about.items())
            console.print(plain(told), markup=False)
        for table in self.tables:
            for line in _lines(table):
                console.print(plain(line), markup=False)
        for picture in self.pictures:
            console.print(plain(picture.title), markup=False)
            for line in picture.lines:
                console.print(plain(line), markup=False)
        for note in self.notes:
            console.print(plain(note), markup=False)


def read(path: Path) -> Report:
    """Read a report that `Report.write_json` wrote.

    Raises:
        FileError: it cannot be read, or is no report.
    """
    try:
        return msgspec.json.decode(path.read_bytes(), type=Report)
    except OSError as error:
        raise FileError(f"Cannot read {path}: {error.strerror}.") from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise FileError(f"{path} is no report of `ripieno bench`: {error}.") from error


class Begun:
    """A report whose measurement is running; `begin` makes it."""

    def __init__(
        self, name: str, settings: Mapping[str, str | float | bool | list[str] | None]
    ) -> None:
        self._name, self._settings = name, dict(settings)
        self._when, self._load = date_utc(), Load()

    def end(
        self,
        tables: Sequence[Table],
        figures: Mapping[str, Figure],
        *,
        pictures: Sequence[Picture] = (),
        notes: Sequence[str] = (),
    ) -> Report:
        """Return the report; call it when the measured processes have ended."""
        return Report(
            self._name, self._when, machine(), versions(), self._load.beside(),
            self._settings, tuple(tables), dict(figures), tuple(pictures), tuple(notes),
        )  # fmt: skip


def begin(
    name: str, settings: Mapping[str, str | float | bool | list[str] | None]
) -> Begun:
    """Begin a report, just before the first measurement.

    Args:
        name: of the measurement.
        settings: the measurement's settings, by name.
    """
    return Begun(name, settings)


def _lines(table: Table) -> list[str]:
    """Return the lines of a table; the first column is aligned left."""
    rows = (table.columns, *table.rows)
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [table.title]
    for row in rows:
        first, *rest = zip(row, widths, strict=True)
        cells = [first[0].ljust(first[1]), *(cell.rjust(width) for cell, width in rest)]
        lines.append("  ".join(cells).rstrip())
    return lines
