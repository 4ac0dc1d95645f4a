"""How a measured program is asked: so many times, and it says how long each took.

On standard input a line is a number: do it so many times. On standard output a line is
JSON: first what this is, then for each number the milliseconds. The end of the input is
the end. `python -m benchmarks.peers` speaks this, with one process for each program.

Knows neither Ripieno nor what is measured: another program's own Python runs it.
"""

import json
import sys
import time


def serve(about, work):
    """Answer until nobody asks.

    Args:
        about: a dictionary: versions, parameters, whatever is worth telling.
        work: what is measured, once.
    """
    for _ in range(16):
        work()
    say(about)
    for line in sys.stdin:
        taken = []
        for _ in range(int(line)):
            before_ns = time.perf_counter_ns()
            work()
            taken.append((time.perf_counter_ns() - before_ns) / 1e6)
        say(taken)


def missing(why):
    """Say that it cannot be measured here, and end."""
    say({"missing": why})
    sys.exit(0)


def say(value):
    """One line."""
    print(json.dumps(value), flush=True)
