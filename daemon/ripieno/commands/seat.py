"""`ripieno seat`: adds a seat to what plays, removes one, or lists them."""

import argparse
import shlex

from ripieno.errors import SettingsError
from ripieno.processes import remote
from ripieno.settings.ensemble import Ensemble, seat_from, warnings
from ripieno.settings.flags import seat_of
from ripieno.settings.output import say


def run(arguments: argparse.Namespace) -> int:
    """Print the seats as they are then.

    Raises:
        RipienoError: as `ripieno.processes.remote.change`.
    """
    verb, words = arguments.verb, arguments.words
    if verb == "list" and words:
        raise SettingsError(f"`ripieno seat list` takes no word, such as {words[0]!r}.")
    if verb != "list" and not words:
        raise SettingsError(
            f"name the seat to {verb}, such as `ripieno seat {verb} solo`."
        )
    text = words[0] if len(words) == 1 else shlex.join(words)
    add = (seat_from(seat_of(text)),) if verb == "add" else ()
    remove = tuple(words) if verb == "remove" else ()
    after = remote.change((), arguments.name_in, add=add, remove=remove).after
    for sentence in warnings(after):
        say(sentence, is_error=True)
    for line in lines(after):
        say(line)
    return 0


def lines(ensemble: Ensemble) -> list[str]:
    """Return a line for each seat: its name, role and channel."""
    return [
        f"{name}: {params.role} on channel {params.channel}"
        f"{', muted' if params.mute else ''}"
        for name, params in ensemble.seated().items()
    ]
