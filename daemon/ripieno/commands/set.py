"""`ripieno set`: changes what a running daemon plays by, or shows it."""

import argparse
from typing import Final

from ripieno.processes import remote
from ripieno.settings.output import say
from ripieno.settings.params import KNOBS, Params

MOST_SHOWN: Final = 60
"""Characters of a value that stand on a line of their own."""


def run(arguments: argparse.Namespace) -> int:
    """Print what has changed, or all as it stands where nothing is to be changed.

    Raises:
        RipienoError: as `ripieno.processes.remote.change`.
    """
    change = remote.change(arguments.words, arguments.name_in)
    for sentence in change.renamed:
        say(sentence, is_error=True)
    if not arguments.words:
        for name, knob in KNOBS.items():
            if not knob.is_fixed:
                say(_line(name, change.after))
    for name in change.given:
        say(_line(name, change.after, change.before))
    return 0


def _line(name: str, params: Params, before: Params | None = None) -> str:
    said = f"{name.replace('_', '-')} = {_text(name, params)}"
    if before is None or getattr(params, name) == getattr(before, name):
        return said
    return f"{said} (was {_text(name, before)})"


def _text(name: str, params: Params) -> str:
    text = " ".join(KNOBS[name].text(getattr(params, name)).split()) or "(none)"
    return text if len(text) <= MOST_SHOWN else f"{text[: MOST_SHOWN - 1]}…"
