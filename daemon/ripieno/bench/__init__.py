"""`ripieno bench`: measures this machine as an instrument is measured.

Every measurement is a module with two functions. It is imported when it is chosen
(`ripieno.commands.bench` names them all)::

    def add(parser: argparse.ArgumentParser) -> None      its own flags
    def run(arguments: argparse.Namespace, say: Console) -> Report

`add` must be quick: it is called for `--help`. `run` raises `RipienoError`, prints its
progress to `say` (standard error), and returns a `Report`. The command line prints the
report, and writes it as JSON where `-o` is given. Call `report.begin(name, settings)`
*before* the first measurement, because it records the load of the machine, and
`.end(...)` after the last one. Quantiles are computed in `spread.Spread` only. Ctrl-C
during `run` raises KeyboardInterrupt; a measurement that has results by then returns
them in a report with a note.
"""
