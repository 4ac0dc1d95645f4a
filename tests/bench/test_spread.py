"""Properties of the quantiles and the deviation of any values."""

import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ripieno.bench.report import HEADINGS, QUANTILES, Spread, cells, spread

values = st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=300)


@given(values)
def test_quantiles_rise_and_were_all_measured(given_values):
    found = spread(given_values)
    rising = [
        found.least, found.p50, found.p95, found.p99, found.p99_9, found.most,
    ]  # fmt: skip
    assert rising == sorted(rising)
    assert set(rising) <= set(given_values)
    assert found.count == len(given_values)


@given(values)
def test_mean_and_deviation_are_the_textbooks(given_values):
    found = spread(given_values)
    assert found.mean == pytest.approx(statistics.fmean(given_values), abs=1e-6)
    assert found.sd == pytest.approx(statistics.pstdev(given_values), abs=1e-3)


@given(values)
def test_at_least_its_share_of_values_lies_at_or_below_a_quantile(given_values):
    found = spread(given_values)
    quantiles = (found.p50, found.p95, found.p99, found.p99_9)
    for share, at in zip(QUANTILES, quantiles, strict=True):
        below = sum(value <= at for value in given_values)
        assert below >= share * (len(given_values) - 1)


@given(values)
def test_quantiles_do_not_depend_on_the_order(given_values):
    assert spread(given_values) == spread(sorted(given_values, reverse=True))


def test_every_figure_of_no_values_is_zero():
    assert spread([]) == Spread()


def test_the_second_largest_of_a_hundred_is_p99():
    assert spread(range(100)).p99 == 98


def test_a_row_has_a_cell_for_every_heading():
    assert len(cells(spread([1.0, 2.0]))) == len(HEADINGS)
