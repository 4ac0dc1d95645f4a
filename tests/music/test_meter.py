import pytest
from hypothesis import given
from hypothesis import strategies as st

from ripieno.music.meter import DENOMINATORS, Meter, Position

meters = st.builds(Meter, st.integers(1, 16), st.sampled_from(DENOMINATORS))

QUARTER, DOTTED_QUARTER, EIGHTH = 480, 720, 240


@pytest.mark.parametrize(
    ("name", "bar_ticks", "span_ticks", "spans"),
    [
        ("4/4", 4 * QUARTER, QUARTER, 4),
        ("3/4", 3 * QUARTER, QUARTER, 3),
        ("2/2", 4 * QUARTER, QUARTER, 4),
        ("3/8", DOTTED_QUARTER, DOTTED_QUARTER, 1),
        ("6/8", 3 * QUARTER, DOTTED_QUARTER, 2),
        ("12/8", 6 * QUARTER, DOTTED_QUARTER, 4),
        ("5/8", 5 * EIGHTH, EIGHTH, 5),
        ("7/8", 7 * EIGHTH, EIGHTH, 7),
        ("4/16", QUARTER, QUARTER, 1),
        ("6/16", 3 * EIGHTH, 360, 2),
        ("5/16", 600, 120, 5),
    ],
)
def test_each_meter_has_its_felt_beat(name, bar_ticks, span_ticks, spans):
    meter = Meter.parse(name)
    assert meter.bar_ticks == bar_ticks
    assert meter.span_ticks == span_ticks
    assert meter.spans_in_bar == spans


@given(meters)
def test_a_meter_reads_as_it_is_written(meter):
    assert Meter.parse(str(meter)) == meter


@given(meters)
def test_the_felt_beat_divides_the_bar(meter):
    assert meter.spans_in_bar * meter.span_ticks == meter.bar_ticks


@given(meters, st.integers(-(10**12), 10**12))
def test_a_position_says_which_tick_it_is(meter, ticks):
    at = meter.position(ticks)
    whole = at.bar * meter.bar_ticks + at.span * meter.span_ticks
    assert whole + at.tick_in_span == ticks
    assert 0 <= at.span < meter.spans_in_bar
    assert 0 <= at.tick_in_span < meter.span_ticks


def test_the_upbeat_lies_in_the_bar_before_the_first():
    assert Meter(4, 4).position(0) == Position(0, 0, 0)
    assert Meter(4, 4).position(-EIGHTH) == Position(-1, 3, EIGHTH)
    assert Meter(6, 8).position(3 * QUARTER + 730) == Position(1, 1, 10)


@pytest.mark.parametrize("text", ["", "4", "four/4", "4/4/4", "-3/4", "3.5/4", "²/4"])
def test_a_text_that_is_no_meter_is_refused_with_an_example(text):
    with pytest.raises(ValueError, match=r"is not a meter; write one as 4/4 or 6/8\."):
        Meter.parse(text)


@pytest.mark.parametrize("text", ["0/4", "17/8"])
def test_a_bar_has_one_to_sixteen_beats(text):
    with pytest.raises(ValueError, match=r"must have 1 to 16\."):
        Meter.parse(text)


@pytest.mark.parametrize("text", ["4/0", "4/3", "4/32"])
def test_a_denominator_other_than_2_4_8_or_16_is_refused(text):
    with pytest.raises(ValueError, match=r"one of 2, 4, 8, 16\."):
        Meter.parse(text)
