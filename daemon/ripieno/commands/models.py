"""`ripieno models`: lists the models there are."""

import argparse

from ripieno.errors import RipienoError
from ripieno.inference import manifest
from ripieno.inference.interfaces import INTERFACES
from ripieno.settings.output import say


def run(_: argparse.Namespace) -> int:
    """Print each model's family, size, roles, quality and licence."""
    found = manifest.installed()
    for folder in found:
        try:
            model = manifest.load(folder)
        except RipienoError as error:
            say(f"{folder.name}: {error}")
            continue
        helps = "" if INTERFACES[model.interface].graphs else "helps to "
        roles = helps + (", ".join(model.roles) or f"{model.interface}, no role")
        say(f"{model.name}: {model.family}, {model.parameters:,} parameters, {roles}.")
        for name, value in model.quality.items():
            say(f"    {name} {value:g}")
        say(f"    licence {model.licence}; card: {folder / manifest.CARD}")
    if not found:
        say("No model is installed; `ripieno doctor` says where they are looked for.")
    return 0
