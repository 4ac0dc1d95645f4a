"""`ripieno ports`: lists the MIDI ports there are."""

import argparse

from ripieno.ports.backends import choose_backend, list_ports
from ripieno.settings.output import say


def run(arguments: argparse.Namespace) -> int:
    """Print the ports to read from and to write to."""
    backend, why = choose_backend(arguments.backend or "auto")
    sources, destinations = list_ports(backend)
    say(f"MIDI ports on {backend} ({why}):")
    for title, names in (("to read from", sources), ("to write to", destinations)):
        say(f"  {title}:")
        for name in names or ["(none)"]:
            say(f"    {name}")
    return 0
