"""A watched process: missed heartbeats and counted starts."""

import multiprocessing
import threading

from ripieno.ipc.block import LOADING_NS
from ripieno.processes.child import Child

S = 1_000_000_000


def rest():
    threading.Event().wait(60.0)


def started():
    process = multiprocessing.get_context("spawn").Process(target=rest)
    process.start()
    return process


def test_a_heart_that_beats_ahead_of_the_time_may_rest_until_then_and_no_longer():
    child = Child("thinker", 10 * S, started)
    child.start(0)
    child.end_if_hung(LOADING_NS + 9 * S, beat_ns=LOADING_NS)
    assert child.is_running
    child.end_if_hung(LOADING_NS + 11 * S, beat_ns=LOADING_NS)
    assert not child.is_running
    assert child.exit_code is not None


def test_starts_older_than_twenty_seconds_are_not_counted():
    child = Child("thinker", S, started)
    for at_ns in (0, 5 * S):
        child.start(at_ns)
        child.kill()
    assert child.starts_lately(10 * S) == 2
    assert child.starts_lately(21 * S) == 1
