"""`ripieno bench`: measures this machine as an instrument is measured.

Every measurement is a module of `ripieno.commands.bench`, imported when chosen::

    def add(parser: argparse.ArgumentParser) -> None      its own flags
    def run(arguments: argparse.Namespace, say: Console) -> Report

`add` must be quick: it is called for `--help`. `run` raises `RipienoError`, prints its
progress to `say` (standard error), and returns a `Report`. The command line prints the
report, and writes it as JSON for `-o`. Ctrl-C during `run` raises KeyboardInterrupt; a
measurement that has results by then returns them, with a note that says so.
"""
