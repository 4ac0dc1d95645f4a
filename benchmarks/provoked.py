"""Counts what is lost while the server or a bridge is stopped again and again.

``python -m benchmarks.provoked server|bridge|nothing [--seconds 125] [--load 30]``

The daemon accompanies a melody beside a client in C (`benchmarks.beside`). Meanwhile
the server is stopped for 100 ms each second, or the daemon's output bridge for 30 ms.
It prints how long notes rang beyond their note-offs, and what was lost of either
sender.

Needs jackd, its headers, a C compiler; stress-ng for ``--load``.
"""

import argparse
import os
import signal
import subprocess
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager

from benchmarks.beside import Stage, stage
from tests.live_daemon import melody, pause

from ripieno.clock import NS_PER_S, SystemClock
from ripieno.files import journal
from ripieno.music import messages
from ripieno.processes.remote import status_of

STOPS = {"server": (0.1, 1.0), "bridge": (0.03, 0.95), "nothing": (0.0, 0.5)}
"""For how long the process is stopped, and how often: seconds."""
SOONEST_US = 10_000
"""A note-off that is due sooner after a note-on ends the note before: a message is
stamped when its period begins, which may be before it is due."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=STOPS)
    parser.add_argument("--seconds", type=float, default=125.0)
    parser.add_argument("--load", type=int, default=0, help="percent of every core")
    given = parser.parse_args()
    with _load(given.load), stage(given.seconds) as on:
        _measure(on, given)


def _measure(on: Stage, given: argparse.Namespace) -> None:
    with on.playing("--role", "accompany", "--listen", "0") as (daemon, sender):
        daemon.begin(*melody(int(given.seconds * 2)))
        pid = on.server.pid if given.what == "server" else daemon.bridge("out")
        stops = _provoke(pid, given.what, given.seconds)
        sender.wait()
        status = status_of("Ripieno In")
    print(f"{given.what}: {stops} stops in {given.seconds:g} s, load {given.load} %")
    if status is not None:
        print(f"beats decided by the model: {status.by_model:.1%}")
    on.report_losses()
    sent = [e for e in on.entries() if isinstance(e, journal.Sent)]
    captured = on.captured()
    rings = sorted(_beyond_ms(sent, captured.events))
    over = sum(ms > 300.0 for ms in rings)
    print(
        f"{len(rings)} notes rang beyond their note-off, ms: "
        f"p50 {rings[len(rings) // 2]:.1f}, p99 {rings[int(0.99 * len(rings))]:.1f}, "
        f"longest {rings[-1]:.0f}; over 300 ms: {over}; "
        f"hanging: {len(captured.sounding())}"
    )


def _provoke(pid: int, what: str, for_s: float) -> int:
    clock, (stopped_s, every_s), count = SystemClock(), STOPS[what], 0
    until_ns = clock.now_ns() + int(for_s * NS_PER_S)
    while clock.now_ns() < until_ns:
        pause(every_s - stopped_s)
        if stopped_s:
            os.kill(pid, signal.SIGSTOP)
            pause(stopped_s)
            os.kill(pid, signal.SIGCONT)
            count += 1
    return count


def _beyond_ms(
    sent: list[journal.Sent], came: list[tuple[int, bytes]]
) -> Iterator[float]:
    """Yield for each note that arrived when it ended, minus its note-off's due time."""
    due_us: dict[bytes, list[int]] = defaultdict(list)
    for entry in sent:
        if messages.is_note_off(entry.data):
            due_us[entry.data[:2]].append(entry.due_ns // 1000)
    began_us: dict[bytes, int] = {}
    for at_us, data in came:
        if messages.is_note_on(data):
            began_us[bytes((data[0] - 0x10, data[1]))] = at_us
        elif messages.is_note_off(data) and (key := data[:2]) in began_us:
            offs, start_us = due_us[key], began_us.pop(key)
            index = bisect_left(offs, start_us + SOONEST_US)
            if index < len(offs):
                yield (at_us - offs[index]) / 1000


@contextmanager
def _load(percent: int) -> Iterator[None]:
    if not percent:
        yield
        return
    cores = str(os.cpu_count() or 1)
    command = ["stress-ng", "--cpu", cores, "--cpu-load", str(percent), "--quiet"]
    stress = subprocess.Popen(command)
    try:
        yield
    finally:
        stress.terminate()
        stress.wait()


if __name__ == "__main__":
    main()
