"""How the roles of turns reply: `python -m ripieno_export.judge.replies`.

::

    python -m ripieno_export.judge.replies --data DIR --kind folk --role answer

prints a table: the machine's replies beside what the human really played next, means
over pieces with standard errors. The calls are of `ripieno_export.judge.calls`; the
figures of `ripieno_export.judge.taking_up`. ``--notes N`` also prints the first calls
and replies as lists of notes.
"""

import argparse
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from ripieno.errors import FileError
from ripieno.settings.output import say
from ripieno_export.exits import exit_code_of
from ripieno_export.judge import calls, replying
from ripieno_export.judge.aims import Aim
from ripieno_export.judge.beside import as_markdown
from ripieno_export.judge.calls import Call
from ripieno_export.judge.figure import Figure, mean_of
from ripieno_export.judge.kinds import DEV, PARTS
from ripieno_export.judge.looping import alike
from ripieno_export.judge.report import shown
from ripieno_export.judge.simulated import Players
from ripieno_export.judge.taking_up import FIGURES, Exchange
from ripieno_export.tokenize import Floats, Notes

ROLES: Final = ("answer", "continue", "vary", "loop")
MACHINE, HUMAN = "machine", "human"
LOOPS: Final = "bars alike"
"""The only figure of a loop: it has no turn."""
Values = dict[str, dict[str, Floats]]
"""Who → figure → a value a call, NaN where there is none."""

_LONG: Final = (
    Aim("last / median length", (), 2.0),
    Aim("ends on 1, 3, 5, 6", (), 0.9),
)
_TURN: Final = (
    Aim("run at most half", (), 0.9),
    Aim("notes a second", (), 0.8, 1.3),
    Aim("starts on a beat", (), 0.9),
)
AIMS: Final = {
    "answer": (Aim("shared trigrams", (), 0.35, 0.75), *_LONG, *_TURN),
    "continue": (Aim("shared trigrams", (), 0.35, 0.75), *_LONG, *_TURN),
    "vary": (Aim("shared trigrams", (), 0.3), *_TURN[1:]),
    "loop": (Aim(LOOPS, (), 0.9),),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; the exit code."""
    options = _parser().parse_args(arguments)
    return exit_code_of(lambda: _run(options))


def _run(options: argparse.Namespace) -> None:
    given = calls.read(options.data, options.kind, options.part, options.calls)
    if not given:
        raise FileError("There is no call.")
    who = replying.players(options.role, options.model)
    if options.role == "loop":
        found: Values = {MACHINE: {LOOPS: np.array([alike(c, who) for c in given])}}
    else:
        found = judged(given, replies(given, options.role, who, options.notes))
    heading = f"{options.role}, {options.kind}, {options.part}, {len(given)} calls"
    for row in as_markdown(as_rows(given, found, options.role, heading)).splitlines():
        say(row)
    if options.json:
        text = json.dumps(as_json(given, found), indent=1)
        options.json.write_text(text + "\n", encoding="utf-8")


def replies(
    given: Sequence[Call], role: str, who: Players, printed: int = 0
) -> list[Notes]:
    """What a role replies to each call; the first ones are printed."""
    found = []
    for number, call in enumerate(given, 1):
        found.append(replying.reply(call, role, who))
        say(f"{number}/{len(given)} {call.piece}", is_error=True)
        if number <= printed:
            say(f"{call.piece}, tonic {call.tonic}, minor {call.is_minor}")
            for name, notes in (("call", call.notes), ("reply", found[-1])):
                say(f"{name}: {as_text(notes)}")
    return found


def as_text(notes: Notes) -> str:
    """Notes as ``start+length pitch``, in seconds."""
    return ", ".join(
        f"{n['start']:.2f}+{n['end'] - n['start']:.2f} {n['pitch']}" for n in notes
    )


def judged(given: Sequence[Call], played: Sequence[Notes]) -> Values:
    """All figures, of the machine's replies and of the human's."""
    pairs = {
        MACHINE: [Exchange(*pair) for pair in zip(given, played, strict=True)],
        HUMAN: [Exchange(call, call.after) for call in given],
    }
    return {
        who: {
            name: np.array([figure(each) for each in exchanges])
            for name, figure in FIGURES.items()
        }
        for who, exchanges in pairs.items()
    }


def by_piece(given: Sequence[Call], values: Floats) -> Figure:
    """The mean over pieces of the means of their calls."""
    means = []
    for places in calls.places(given):
        own = values[places]
        own = own[np.isfinite(own)]
        means.append(own.mean() if len(own) else np.nan)
    return mean_of(means)


def as_rows(
    given: Sequence[Call], found: Values, role: str, heading: str
) -> list[list[str]]:
    """The table for people."""
    rows = [[heading, MACHINE, HUMAN, "aim", ""]]
    for name, values in found[MACHINE].items():
        ours = by_piece(given, values)
        theirs = (
            by_piece(given, found[HUMAN][name]) if HUMAN in found else mean_of([np.nan])
        )
        aims = [aim for aim in AIMS[role] if aim.figure == name]
        is_known = bool(aims) and bool(np.isfinite(ours.mean))
        is_met = all(aim.is_met(ours, theirs) for aim in aims)
        row = [name, shown(ours), shown(theirs), ", ".join(map(str, aims))]
        rows.append([*row, ("met" if is_met else "missed") if is_known else ""])
    return rows


def as_json(given: Sequence[Call], found: Values) -> dict[str, Any]:
    """Means, errors and the values of each call."""
    return {
        "calls": [call.piece for call in given],
        "figures": {
            who: {name: _row(given, values) for name, values in figures.items()}
            for who, figures in found.items()
        },
    }


def _row(given: Sequence[Call], values: Floats) -> dict[str, Any]:
    figure = by_piece(given, values)
    return {
        "mean": _finite(figure.mean),
        "error": _finite(figure.error),
        "pieces": figure.songs,
        "calls": [_finite(value) for value in values.tolist()],
    }


def _finite(value: float) -> float | None:
    return round(value, 4) if np.isfinite(value) else None


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="replies", description=__doc__)
    data = Path(os.environ.get("RIPIENO_DATA", "../shared/data"))
    add = parser.add_argument
    add("--data", type=Path, default=data, help="holds 1_pd_cc0 and so on")
    add("--kind", choices=tuple(calls.MATERIAL), default="folk")
    add("--part", choices=PARTS, default=DEV)
    add("--role", choices=ROLES, default="answer")
    add("--calls", type=int, default=50, help="how many")
    add("--model", default="", help="a name or a folder")
    add("--notes", type=int, default=0, help="print so many replies as lists of notes")
    add("--json", type=Path, help="write every call's figures")
    return parser


if __name__ == "__main__":
    sys.exit(main())
