"""The growth of a process, and the load beside a command."""

import pytest
from benchmarks.load import Times, load
from benchmarks.processes import Growth, growth


def test_a_load_over_no_time_is_left_out():
    now = Times(5.0, 1.0, 2.0, 0.5)
    assert load(now, now) == {}


def test_the_load_is_shared_out_among_us_others_and_the_host():
    found = load(Times(5.0, 1.0, 2.0, 0.5), Times(7.0, 2.0, 5.0, 0.6))
    assert found == {"cores, ours": 0.5, "cores, others": 1.0, "cores, stolen": 0.05}


def test_growth_is_from_the_second_quarter_to_the_last():
    samples = [50.0] * 10 + [100.0] * 20 + [103.0] * 10
    found = growth("thinker", samples)
    assert found == Growth("thinker", 50.0, 100.0, 103.0)
    assert found.percent == pytest.approx(3.0)


def test_no_samples_are_no_growth():
    assert growth("player", []).percent == 0.0
