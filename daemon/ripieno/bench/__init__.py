"""`ripieno bench`: measures this machine as an instrument is measured.

Every measurement is a module with two functions. It is imported when it is chosen
(`ripieno.commands.bench` names them all)::

    def add(parser: argparse.ArgumentParser) -> None      its own flags
    def run(arguments: argparse.Namespace, say: Console) -> Report

`add` must be light: it is called for `--help`. `run` raises `RipienoError`, shows what
it is doing on `say` (standard error; quiet where that is no terminal), and ends with a
`Report`, which the command line prints, and writes as JSON where `-o` is given. A
report is begun with `report.begin(name, settings)` *before* the first measurement, as
it holds how loaded the machine was, and made by `.end(...)`. `spread.Spread` is the one
place where quantiles are worked out. Ctrl-C during `run` is a KeyboardInterrupt; what
can say something by then returns its report with a note that says so.
"""
