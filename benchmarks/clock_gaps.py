"""Measures the error of the tempo follower after gaps in the clock.

``python -m benchmarks.clock_gaps`` prints a row for each kind of gap, in some four
minutes. `tests.clock_sweep` has the cases, and computes the errors.
"""

import argparse
import itertools
import math
import statistics

from tests.clock_sweep import ROWS, cases, errors_ms


def main() -> None:
    """Print a row for each kind, with and without a report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--worst", type=int, default=0, help="show so many cases a row")
    asked = parser.parse_args()
    print("| gap | report | evidence | tempo | cases | median ms | p99 ms | worst ms |")
    print("|---|---|---|---|---|---|---|---|")
    for (kind, is_reported, evidence), step in itertools.product(ROWS, (1.0, 1.2)):
        swept = [
            (max(map(abs, found)), statistics.median(map(abs, found)), case)
            for case in cases(
                kind, is_reported=is_reported, evidence=evidence, step=step
            )
            for found in (errors_ms(case) or [math.inf],)
        ]
        worst = sorted(worst for worst, _, _ in swept)
        middle = statistics.median(median for _, median, _ in swept)
        print(
            f"| {kind} | {'yes' if is_reported else 'no'} | {evidence} "
            f"| {'even' if step == 1.0 else 'steps'} | {len(swept)} | {middle:.2f} "
            f"| {worst[int(0.99 * (len(worst) - 1))]:.2f} | {worst[-1]:.2f} |",
            flush=True,
        )
        swept.sort(key=lambda found: -found[0])
        for found, _, case in swept[: asked.worst]:
            print(f"  {found:.1f}: {case}")


if __name__ == "__main__":
    main()
