"""The generated pages of the site: parameters, roles and decisions, as Markdown.

The first two are made from the tables that the program itself reads, `KNOBS` and
`ROLES`, the third from the heads of the decision records. They are made each time the
site is built, and are not committed. This module does not know MkDocs.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from ripieno.settings.knobs import Knob
from ripieno.settings.params import KNOBS
from ripieno.settings.roles import ROLES, Role

DECISIONS: Final = Path(__file__).resolve().parent / "decisions"
HEAD: Final = re.compile(
    r"# (\d+)\. (.+)\n\nDate: (\d{4}-\d\d-\d\d)\. Status: ((?:.+\n)+)"
)
"""How a decision record begins: number, title, date and status."""

PARAMETERS: Final = """\
# Parameters

This page is generated from the table `KNOBS` in `daemon/ripieno/settings/params.py`.

Each parameter has the same name everywhere. On the command line it is a flag, with
hyphens (`--chord-lock`). In the settings file it is a key of the table `[play]`, with
underscores (`chord_lock`). `ripieno set` takes either spelling. A value outside its
bounds is refused before anything starts.

A MIDI controller with the number in the last column changes the parameter while
Ripieno plays. Its values 0 to 127 cover the whole range.
[Settings and controllers](settings.md) says how to choose other controllers.
"""

ROLES_PAGE: Final = """\
# Roles

This page is generated from the table `ROLES` in `daemon/ripieno/settings/roles.py`.
[Playing each role](playing.md) explains how to use them.
"""

DECISIONS_PAGE: Final = """\
# Decisions

Each record says what was decided, why, and what else was tried. This page is generated
from the heads of the records.
"""


def parameters(knobs: Mapping[str, Knob] = KNOBS) -> str:
    """Returns the page of all parameters, grouped by the roles that use them."""
    groups: dict[tuple[str, ...], list[Knob]] = {}
    for knob in knobs.values():
        groups.setdefault(tuple(knob.roles), []).append(knob)
    sections = [
        f"## {_heading(roles)}\n\n{_table(group)}" for roles, group in groups.items()
    ]
    return "\n".join([PARAMETERS, *sections])


def roles() -> str:
    """Returns the page of all roles."""
    header = ("role", "plays", "what it does", "channels")
    return f"{ROLES_PAGE}\n{_rows(header, [_role(role) for role in ROLES.values()])}"


def decisions() -> str:
    """Returns the page that lists all decision records.

    Raises:
        ValueError: a record does not begin as `HEAD` says.
    """
    header = ("", "decision", "date", "status")
    rows = [_decision(path) for path in sorted(DECISIONS.glob("[0-9]*.md"))]
    return f"{DECISIONS_PAGE}\n{_rows(header, rows)}"


def _decision(path: Path) -> tuple[str, ...]:
    found = HEAD.match(path.read_text(encoding="utf-8"))
    if found is None:
        raise ValueError(
            f"{path.name} must begin with '# NUMBER. TITLE', an empty line, and "
            "'Date: YEAR-MONTH-DAY. Status: …'"
        )
    number, title, date, status = found.groups()
    return number, f"[{title}]({path.name})", date, " ".join(status.split())


def _heading(roles: tuple[str, ...]) -> str:
    *most, last = [f"`{name}`" for name in roles] or ["every role"]
    return f"Used by {', '.join(most)} and {last}" if most else f"Used by {last}"


def _table(knobs: list[Knob]) -> str:
    header = ("parameter", "values", "default", "what it does", "controller")
    return _rows(header, [_knob(knob) for knob in knobs])


def _knob(knob: Knob) -> tuple[str, ...]:
    notes = [f"{knob.help}.", knob.more]
    if knob.is_shared:
        notes.append("It is the same for all seats.")
    if knob.is_fixed:
        notes.append("It cannot be changed while Ripieno plays.")
    if knob.is_live:
        notes.append("It has no effect where a file is rendered.")
    if knob.formerly:
        old = ", ".join(f"`{name}`" for name in knob.formerly)
        notes.append(f"Old names that are still accepted: {old}.")
    return (
        f"`{knob.name}`",
        _values(knob),
        _default(knob),
        " ".join(filter(None, notes)),
        "" if knob.controller is None else str(knob.controller),
    )


def _values(knob: Knob) -> str:
    if knob.kind is bool:
        return "yes, no"
    if knob.choices:
        found = ", ".join(f"`{choice}`" for choice in knob.choices)
    elif knob.bounds is not None:
        low, high = knob.bounds
        found = f"{low:,} to {high:,}".replace(",", " ")
    else:
        found = "text"
    unset = f", or `{knob.unset}`" if knob.unset else ""
    return f"{found} {knob.unit}".strip() + unset


def _default(knob: Knob) -> str:
    if knob.default is None and not knob.unset:
        return "chosen at random"
    text = knob.text(knob.default)
    if knob.kind is bool:
        return text
    return f"`{text}`" if text else "empty"


def _role(role: Role) -> tuple[str, ...]:
    seats = ", ".join(
        f"{seat.name}: `channel` + {place}" if place else f"{seat.name}: `channel`"
        for place, seat in enumerate(role.seats)
    )
    return (
        f"`{role.name}`", role.kind.value, f"{role.help}.", seats or "`channel`",
    )  # fmt: skip


def _rows(header: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    lines = [header, ("---",) * len(header), *rows]
    return "".join(f"| {' | '.join(map(_cell, line))} |\n" for line in lines)


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
