"""``python -m ripieno``."""

from ripieno.cli import command

command()
