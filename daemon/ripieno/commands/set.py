"""`ripieno set`: the lines that it prints."""

from collections.abc import Sequence
from typing import Final

from ripieno.processes import remote
from ripieno.settings.params import KNOBS, Params

MOST_SHOWN: Final = 60
"""Characters of a value that stand on a line of their own."""


def set_(words: Sequence[str], name_in: str | None = None) -> list[str]:
    """Change what a running daemon plays by, or only look.

    Args:
        words: ``name=value`` each; none to look.
        name_in: the daemon's input port, where several play.

    Returns:
        Lines for people: what has changed, or all as it stands.

    Raises:
        RipienoError: as `ripieno.processes.remote.change`.
    """
    change = remote.change(words, name_in)
    if not words:
        return [
            _line(n, change.after) for n, knob in KNOBS.items() if not knob.is_fixed
        ]
    lines = [_line(name, change.after, change.before) for name in change.given]
    return [*change.renamed, *lines]


def _line(name: str, params: Params, before: Params | None = None) -> str:
    said = f"{name.replace('_', '-')} = {_text(getattr(params, name))}"
    if before is None or getattr(params, name) == getattr(before, name):
        return said
    return f"{said} (was {_text(getattr(before, name))})"


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    text = " ".join(str(value).split()) or "(none)"
    return text if len(text) <= MOST_SHOWN else f"{text[: MOST_SHOWN - 1]}…"
