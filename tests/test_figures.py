"""The long measurements of benchmarks/README.md: `make figures` prints them."""

import statistics

import pytest
from tests.journal_figures import arrivals_ms, reply_starts
from tests.live_daemon import IN, OUT, Daemon, pause, until
from tests.test_live import PERIOD_MS, capture

pytestmark = [pytest.mark.jack, pytest.mark.long]

TURNS = 200
KILLS = 10

__all__ = ["capture"]  # the fixture


def quantile(values, share):
    ordered = sorted(values)
    return ordered[int(share * (len(ordered) - 1))]


def row(values):
    """p50 / p95 / p99 of some milliseconds."""
    return " / ".join(f"{quantile(values, q):.2f}" for q in (0.5, 0.95, 0.99))


def test_two_hundred_turns(jack, capture, tmp_path):
    with Daemon(jack, tmp_path) as daemon:
        for turn in range(TURNS):
            daemon.phrase(60, 62 + turn % 3, 64 + turn % 4, 65, 67 - turn % 5)
            pause(1.6)
    starts = reply_starts(daemon.journal)
    on_time = sum(late_ms <= 5.0 for late_ms in starts)
    beyond = [late_ms - PERIOD_MS for late_ms in arrivals_ms(daemon.journal, capture())]
    print(f"\nreplies on time as scheduled: {on_time} of {TURNS}")
    print(f"first note, sent minus due: {row(starts)} ms (p50/p95/p99)")
    print(f"{len(beyond)} notes, arrived minus due minus a period: {row(beyond)} ms")
    assert on_time >= 0.99 * TURNS
    assert quantile(beyond, 0.99) <= 1.0
    assert not capture().sounding()


def test_two_thousand_notes_through(jack, tmp_path):
    with Daemon(jack, tmp_path, "--thru"):
        seen = jack.probe(IN, OUT, 2000, 5.0, tmp_path / "probe.csv")
    print(f"\nthru, 2000 notes: {seen}")
    assert (seen["recv"], seen["lost"], seen["dup"], seen["stuck"]) == (2000, 0, 0, 0)
    assert seen["p99_ms"] <= 4.0


def test_kills_while_notes_sound(jack, capture, tmp_path):
    took_s = []
    with Daemon(jack, tmp_path, "--role", "continue") as daemon:
        for _ in range(KILLS):
            before = len(capture().ons)
            daemon.phrase(60, 62, 64, 65, 67)
            while len(capture().ons) < before + 3:
                pause(0.02)
            until(lambda: capture().sounding())
            daemon.kill(daemon.player)
            took_s.append(until(lambda: not capture().sounding()))
            pause(5.0)  # more than five starts in twenty seconds end it
    print(
        f"\nplayer killed, until every note is released: median "
        f"{statistics.median(took_s):.2f} s, longest {max(took_s):.2f} s of {KILLS}"
    )
    assert max(took_s) < 0.1
