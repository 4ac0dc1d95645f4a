"""The reference page of the parameters, as Markdown made from their table."""

from collections.abc import Iterable, Mapping
from typing import Final

from ripieno.settings.knobs import Knob
from ripieno.settings.params import KNOBS

HEADINGS: Final = ("name", "values", "default", "controller", "roles", "meaning")


def reference(knobs: Mapping[str, Knob] = KNOBS) -> str:
    """Return a Markdown table with one row for each parameter."""
    lines = [_line(HEADINGS), _line("---" for _ in HEADINGS)]
    lines += [_line(_cells(knob)) for knob in knobs.values()]
    return "\n".join(lines) + "\n"


def _cells(knob: Knob) -> tuple[str, ...]:
    meaning = f"{knob.help[0].upper()}{knob.help[1:]}. {knob.more}".strip()
    if knob.formerly:
        meaning += f" Its old name, `{knob.formerly}`, still works."
    return (
        f"`{knob.name}`",
        _values(knob),
        _text(knob.default),
        "" if knob.controller is None else str(knob.controller),
        ", ".join(knob.roles) or "all",
        meaning,
    )


def _values(knob: Knob) -> str:
    if knob.kind is bool:
        return "yes or no"
    if knob.choices:
        return ", ".join(f"`{choice}`" for choice in knob.choices)
    if knob.bounds is None:
        return "text"
    low, high = knob.bounds
    return f"{low} to {high} {knob.unit}".strip()


def _text(default: object) -> str:
    if isinstance(default, bool):
        return "yes" if default else "no"
    return "none" if default in (None, "") else f"`{default}`"


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"
