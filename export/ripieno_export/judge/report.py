"""What was found: JSON for machines, Markdown for people, sheet by sheet.

A table has a row for every system and a column for every figure; above the systems
stand what must and what should be reached. A mark says which of the two a figure did:
``**`` good, ``*`` must, ``✗`` neither.
"""

import json
import math
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Final

from ripieno_export.judge.figure import Figure
from ripieno_export.judge.metrics import Sheet
from ripieno_export.judge.targets import TARGETS, Target, target_of

HUMAN: Final = "human"
MARKS: Final = {"good": " **", "must": " *", "missed": " ✗", "-": ""}
LEGEND: Final = (
    "Means over songs ± standard errors. ** good, * what must be, ✗ below; unmarked: "
    "no target, or the human's own."
)


def as_json(sheets: Iterable[Sheet]) -> list[dict[str, Any]]:
    """Sheets as JSON values; what is not a number is null."""
    return [
        {
            "system": sheet.system,
            "corpus": sheet.corpus,
            "condition": sheet.condition,
            "figures": {
                name: {
                    "mean": _finite(figure.mean),
                    "error": _finite(figure.error),
                    "songs": figure.songs,
                }
                for name, figure in sheet.figures.items()
            },
        }
        for sheet in sheets
    ]


def _finite(value: float) -> float | None:
    return round(value, 6) if math.isfinite(value) else None


def write_json(sheets: Iterable[Sheet], path: Path) -> None:
    """Write sheets as JSON."""
    text = json.dumps(as_json(sheets), indent=2, ensure_ascii=False)
    path.write_text(text + "\n", encoding="utf-8")


def as_markdown(sheets: Sequence[Sheet]) -> str:
    """A table for each corpus and condition, in the order of the sheets."""
    groups = dict.fromkeys((sheet.corpus, sheet.condition) for sheet in sheets)
    tables = [
        _table([s for s in sheets if (s.corpus, s.condition) == group])
        for group in groups
    ]
    return "\n".join([LEGEND, "", *tables])


def _table(sheets: Sequence[Sheet]) -> str:
    corpus, condition = sheets[0].corpus, sheets[0].condition
    names = list(dict.fromkeys(name for sheet in sheets for name in sheet.figures))
    targets = [target_of(name, corpus, condition) for name in names]
    human = next((sheet for sheet in sheets if sheet.system == HUMAN), None)
    songs = max(f.songs for sheet in sheets for f in sheet.figures.values())
    lines = [
        f"### {corpus}{', ' * bool(condition)}{condition} ({songs} songs)",
        "",
        _row(["system", *names]),
        _row(["---"] * (len(names) + 1)),
        _row(["*must*", *(_bound(t, t.must if t else 0.0) for t in targets)]),
        _row(["*good*", *(_bound(t, t.good if t else 0.0) for t in targets)]),
    ]
    for sheet in sheets:
        cells = [
            _cell(sheet, name, target, human)
            for name, target in zip(names, targets, strict=True)
        ]
        lines.append(_row([sheet.system, *cells]))
    return "\n".join([*lines, ""])


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _bound(target: Target | None, bound: float) -> str:
    return target.stated(bound) if target else ""


def _cell(sheet: Sheet, name: str, target: Target | None, human: Sheet | None) -> str:
    figure = sheet.figures.get(name)
    if figure is None:
        return ""
    if target is None or sheet.system == HUMAN:
        return shown(figure)
    theirs = human.figures.get(name) if human else None
    return shown(figure) + MARKS[target.reached(figure, theirs)]


def shown(figure: Figure) -> str:
    """A figure in a table: ``0.717 ± 0.012``."""
    if math.isnan(figure.mean):
        return "–"
    digits = 3 if abs(figure.mean) < 10 else 1
    text = f"{figure.mean:.{digits}f}"
    if not math.isfinite(figure.error) or figure.error == 0:
        return text
    return f"{text} ± {figure.error:.{digits}f}"


def missed(sheet: Sheet, human: Sheet | None = None) -> list[str]:
    """The targets that a sheet misses, a sentence each."""
    found = []
    for name in dict.fromkeys(target.figure for target in TARGETS):
        target = target_of(name, sheet.corpus, sheet.condition)
        figure = sheet.figures.get(name)
        if target is None or figure is None:
            continue
        theirs = human.figures.get(name) if human else None
        if target.reached(figure, theirs) == "missed":
            must = target.stated(target.must)
            where = f"{sheet.system} on {sheet.corpus}"
            found.append(f"{where}: {name} is {shown(figure)}, must be {must}.")
    return found
