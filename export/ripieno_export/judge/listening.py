"""What a listener hears: `python -m ripieno_export.judge.listening`.

::

    python -m ripieno_export.judge.listening --data DIR --kind pop --pieces 8 --part dev

prints the table of `ripieno_export.judge.beside`. ``--folder FOLDER`` reads any MIDI
files with a melody instead, and uses the aims of ``--kind``. With ``--out FOLDER`` it
writes the table, every piece's figures, and piano rolls of the best, the median and the
worst piece.
"""

import argparse
import json
import os
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from ripieno.errors import FileError, SettingsError
from ripieno.settings.output import say
from ripieno.settings.params import Params
from ripieno_export.exits import exit_code_of
from ripieno_export.judge import beside, kinds
from ripieno_export.judge.folder import read_folder
from ripieno_export.judge.heard import Heard, prepared
from ripieno_export.judge.simulated import players


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; the exit code."""
    options = _parser().parse_args(arguments)
    return exit_code_of(lambda: _run(options))


def _run(options: argparse.Namespace) -> None:
    kind, part = options.kind, options.part
    if options.folder:
        part, reading = options.folder.name, read_folder(options.folder)
    else:
        reading = kinds.read(options.data, kind, part, options.pieces)
    pieces = [prepared(p) for p in reading.pieces[: options.pieces] if len(p.melody)]
    if options.bpm:
        pieces = [replace(piece, bpm=options.bpm) for piece in pieces]
    if not pieces:
        raise FileError("There is no piece with a melody.")
    own = dict(_set(text) for text in options.set)
    bands, humans = beside.played(pieces, players(options.model), **own)
    table = beside.table_of(kind, part, bands, humans)
    before = json.loads(options.before.read_text("utf-8")) if options.before else None
    rows = beside.as_rows(table, before)
    for name, *cells in rows:
        say(f"{name:28}" + "".join(f"{cell:>17}" for cell in cells))
    text = json.dumps(beside.as_json(table), indent=1, ensure_ascii=False) + "\n"
    if options.json:
        options.json.write_text(text, encoding="utf-8")
    if options.out:
        name = f"{kind.replace(' ', '-')}-{part}"
        options.out.mkdir(parents=True, exist_ok=True)
        (options.out / f"{name}.json").write_text(text, encoding="utf-8")
        page = beside.as_markdown(rows)
        (options.out / f"{name}.md").write_text(page, encoding="utf-8")
        _draw(table, bands, humans, options.out / name)


def _draw(
    table: beside.Table,
    bands: Sequence[Heard],
    humans: Sequence[Heard],
    stem: Path,
) -> None:
    from ripieno_export.judge import rolls  # matplotlib is slow to import

    for which, place in beside.chosen(table).items():
        title = f"{table.kind}, {which}: {table.pieces[place]}"
        path = stem.with_name(f"{stem.name}-{which}.png")
        rolls.draw(humans[place], bands[place], title, path)


def _set(text: str) -> tuple[str, object]:
    """A parameter and its value, of ``name=value``.

    Raises:
        SettingsError: there is no such parameter.
    """
    name, _, value = text.partition("=")
    if name not in Params.__struct_fields__:
        raise SettingsError(f"There is no parameter {name!r}.")
    try:
        return name, json.loads(value)
    except ValueError:
        return name, value


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="listening", description=__doc__)
    data = Path(os.environ.get("RIPIENO_DATA", "../shared/data"))
    add = parser.add_argument
    add("--data", type=Path, default=data, help="holds 1_pd_cc0 and so on")
    add("--folder", type=Path, help="judge MIDI files of your own instead")
    add("--kind", choices=tuple(kinds.KINDS), default="pop")
    add("--part", choices=kinds.PARTS, default=kinds.DEV)
    add("--pieces", type=int, default=8, help="how many")
    add("--bpm", type=float, help="another tempo than the pieces' own")
    add("--model", default="", help="a name or a folder")
    add("--set", action="append", default=[], metavar="NAME=VALUE")
    add("--json", type=Path, help="write every piece's figures")
    add("--before", type=Path, help="an earlier --json: show what changed")
    add("--out", type=Path, help="write the table and piano rolls into this folder")
    return parser


if __name__ == "__main__":
    sys.exit(main())
