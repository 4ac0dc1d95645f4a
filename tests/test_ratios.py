"""A slow step is detected by its ratio to a fixed piece of work.

The bounds and their origin are in `benchmarks/bounds.json`; `tests.ratios` describes
the measurement.
"""

import platform
import sys

import pytest

pytest.importorskip("onnx")

from tests.ratios import BOUNDS, WORK, looked, ratio, reference, stored

from ripieno.clock import SystemClock

pytestmark = [
    pytest.mark.realtime,
    pytest.mark.slow,
    pytest.mark.skipif(
        sys.platform != "linux" or platform.machine() != "x86_64",
        reason="the stored ratios are of Linux on x86-64",
    ),
]


BUSY = 1.5
"""Where half of the fixed work's blocks take so many times as long as the best one,
nothing can be said: 1.03 on a quiet machine, 1.3 to 2.2 where five programs share two
cores."""


class Slowed:
    """The same, that takes so many times as long."""

    def __init__(self, work, by):
        self._work, self._by, self._clock = work, by, SystemClock()
        self.rest = work.rest

    def __call__(self):
        before_ns = self._clock.now_ns()
        self._work()
        took_ns = self._clock.now_ns() - before_ns
        until_ns = self._clock.now_ns() + int((self._by - 1) * took_ns)
        while self._clock.now_ns() < until_ns:
            pass


@pytest.mark.parametrize("name", WORK)
def test_a_step_takes_no_longer_than_it_did(name):
    bound, (megabytes, load) = stored()[name], WORK[name]
    found = looked(load(), reference(megabytes), bound.allowed)
    if found.ratio > bound.allowed and found.unrest > BUSY:
        pytest.skip(f"the fixed work itself varies by {found.unrest:.1f}: too busy")
    assert found.ratio <= bound.allowed, (
        f"{name} takes {found.ratio:.2f} times the fixed work, {bound.measured} when "
        f"the bound was set, {bound.allowed} is allowed. If that is meant, measure "
        f"again with `python -m tests.ratios` and write it into {BOUNDS.name}."
    )


def test_a_step_that_takes_twice_as_long_is_seen():
    name = "event-gru, a step"
    allowed, (megabytes, load) = stored()[name].allowed, WORK[name]
    found = ratio(Slowed(load(), 2.0), reference(megabytes))
    if found.ratio <= allowed and found.unrest > BUSY:
        pytest.skip(f"the fixed work itself varies by {found.unrest:.1f}: too busy")
    assert found.ratio > allowed


def test_every_bound_is_measured_and_leaves_room_for_noise_and_for_nothing_else():
    assert stored().keys() == WORK.keys()
    for bound in stored().values():
        assert 1.2 <= bound.allowed / bound.measured <= 1.6
