"""The program `ripieno`, and ``python -m ripieno``.

Ctrl-C ends it at once, without a word, unless a command has something to end in order
(`ripieno.processes.interrupts.raise_interrupts`). Python's own way, a KeyboardInterrupt
in whatever line runs, prints a traceback while modules are imported, and now and then
ends in a segmentation fault there.
"""

import signal
import sys


def main() -> int:
    """Run the command that the arguments name; its exit code."""
    # A shell has a background job ignore Ctrl-C: that stays.
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    from ripieno.commands.cli import main as run

    try:
        return run()
    finally:
        if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
            signal.signal(signal.SIGINT, signal.SIG_DFL)


if __name__ == "__main__":
    sys.exit(main())
