"""Properties of quantiles, deviation and histograms of any values."""

import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ripieno.bench.spread import HEADINGS, Spread, cells, histogram, quantile, spread

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


@given(values, st.floats(0, 1))
def test_at_least_its_share_of_values_lies_at_or_below_a_quantile(found, share):
    ordered = sorted(found)
    at = quantile(ordered, share)
    assert sum(value <= at for value in ordered) >= share * (len(ordered) - 1)


@given(values)
def test_quantiles_do_not_depend_on_the_order(given_values):
    assert spread(given_values) == spread(sorted(given_values, reverse=True))


def test_every_figure_of_no_values_is_zero():
    assert spread([]) == Spread()
    assert histogram([], "ms") == ["(nothing measured)"]


def test_the_second_largest_of_a_hundred_is_p99():
    assert spread(range(100)).p99 == 98


@given(values)
def test_a_histogram_counts_every_value_once(given_values):
    lines = histogram(given_values, "ms")
    counts = [int(line.split()[-1].replace(",", "")) for line in lines]
    assert sum(counts) == len(given_values)


def test_a_row_has_a_cell_for_every_heading():
    assert len(cells(spread([1.0, 2.0]))) == len(HEADINGS)
