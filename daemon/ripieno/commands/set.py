"""`ripieno set`: changes what a running daemon plays by, or shows it."""

import argparse
from collections.abc import Iterator
from typing import Final

from ripieno.processes import remote
from ripieno.settings.ensemble import Ensemble
from ripieno.settings.output import say
from ripieno.settings.params import KNOBS

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
        for name in _all(change.after):
            say(_line(name, change.after))
    for name in change.given:
        say(_line(name, change.after, change.before))
    return 0


def _all(ensemble: Ensemble) -> Iterator[str]:
    """Yield the names of all that can be changed: of all seats, then of each one."""
    for knob in KNOBS.values():
        if not knob.is_fixed:
            yield knob.name
    for seat in ensemble.lineup:
        for name in seat.own:
            yield f"{seat.name}.{name}"


def _line(name: str, now: Ensemble, before: Ensemble | None = None) -> str:
    said = f"{name.replace('_', '-')} = {_text(name, now)}"
    if before is None or _text(name, now) == _text(name, before):
        return said
    return f"{said} (was {_text(name, before)})"


def _text(name: str, ensemble: Ensemble) -> str:
    seat, _, knob = name.rpartition(".")
    params = ensemble.seated().get(seat) if seat else ensemble.params
    if params is None:
        return "(none)"
    text = " ".join(KNOBS[knob].text(getattr(params, knob)).split()) or "(none)"
    return text if len(text) <= MOST_SHOWN else f"{text[: MOST_SHOWN - 1]}…"
