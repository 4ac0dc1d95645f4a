import pytest
from hypothesis import given
from hypothesis import strategies as st

from ripieno.music.meter import DENOMINATORS, Meter, Position

meters = st.builds(
    Meter, st.integers(1, 16), st.sampled_from(DENOMINATORS)
) | st.builds(
    lambda groups, below: Meter.parse(f"{'+'.join(map(str, groups))}/{below}"),
    st.lists(st.integers(1, 4), min_size=2, max_size=4),
    st.sampled_from(DENOMINATORS),
)

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
        ("4/8", 2 * QUARTER, QUARTER, 2),
        ("4/16", QUARTER, QUARTER, 1),
        ("6/16", 3 * EIGHTH, 360, 2),
    ],
)
def test_each_meter_has_its_felt_beat(name, bar_ticks, span_ticks, spans):
    meter = Meter.parse(name)
    assert meter.bar_ticks == bar_ticks
    assert meter.span_ticks == span_ticks
    assert meter.spans_in_bar == spans


@pytest.mark.parametrize(
    ("name", "eighths"),
    [
        ("7/8", (2, 2, 3)),
        ("5/8", (3, 2)),
        ("8/8", (2, 2, 2, 2)),
        ("11/8", (2, 2, 2, 2, 3)),
        ("7/8=3+2+2", (3, 2, 2)),
        ("3+2+2/8", (3, 2, 2)),
        (" 2 + 3 / 8 ", (2, 3)),
        ("8/8=3+3+2", (3, 3, 2)),
        ("7/8=4+3", (2, 2, 3)),
        ("5/4", (2, 2, 2, 2, 2)),
        ("7/16", (1, 1, 1.5)),
    ],
)
def test_felt_beats_have_the_usual_lengths_or_those_of_the_musician(name, eighths):
    meter = Meter.parse(name)
    spans = range(meter.spans_in_bar)
    assert tuple(meter.ticks_of(span) / EIGHTH for span in spans) == eighths
    assert meter.is_even == (len(set(eighths)) == 1)


@pytest.mark.parametrize(
    ("name", "strong"),
    [
        ("4/4", (0, 2)), ("3/4", (0,)), ("2/2", (0, 2)), ("5/4", (0, 3)),
        ("5/4=2+3", (0, 2)), ("7/8", (0, 1, 2)), ("7/8=4+3", (0, 2)),
        ("6/4", (0, 3)), ("12/8", (0, 1, 2, 3)),
    ],
)  # fmt: skip
def test_a_group_begins_on_a_strong_beat(name, strong):
    assert Meter.parse(name).strong == strong


@given(meters)
def test_a_meter_reads_as_it_is_written(meter):
    assert Meter.parse(str(meter)) == meter


def test_the_usual_groups_need_not_be_written():
    assert Meter.parse("7/8=2+2+3") == Meter.parse("2+2+3/8") == Meter(7, 8)
    assert str(Meter.parse("3+2+2/8")) == "7/8=3+2+2"


@given(meters)
def test_the_felt_beats_fill_the_bar(meter):
    assert meter.start_of(meter.spans_in_bar) == meter.bar_ticks
    assert not any(start % meter.span_ticks for start in meter.starts)


@given(meters, st.integers(-(10**12), 10**12))
def test_a_position_says_which_tick_it_is(meter, ticks):
    at, index = meter.position(ticks), meter.index_at(ticks)
    assert meter.start_of(index) + at.tick_in_span == ticks
    assert index == at.bar * meter.spans_in_bar + at.span
    assert 0 <= at.span < meter.spans_in_bar
    assert 0 <= at.tick_in_span < meter.ticks_of(index)


def test_the_upbeat_lies_in_the_bar_before_the_first():
    assert Meter(4, 4).position(0) == Position(0, 0, 0)
    assert Meter(4, 4).position(-EIGHTH) == Position(-1, 3, EIGHTH)
    assert Meter(6, 8).position(3 * QUARTER + 730) == Position(1, 1, 10)


@pytest.mark.parametrize(
    "text", ["", "4", "four/4", "4/4/4", "-3/4", "3.5/4", "²/4", "2+2/4=2+2", "7/8="]
)
def test_a_text_that_is_no_meter_is_refused_with_an_example(text):
    with pytest.raises(ValueError, match=r"is not a meter; write one as 4/4 or 6/8"):
        Meter.parse(text)


@pytest.mark.parametrize("text", ["0/4", "17/8"])
def test_a_bar_has_one_to_sixteen_beats(text):
    with pytest.raises(ValueError, match=r"must have 1 to 16\."):
        Meter.parse(text)


@pytest.mark.parametrize("text", ["4/0", "4/3", "4/32"])
def test_a_denominator_other_than_2_4_8_or_16_is_refused(text):
    with pytest.raises(ValueError, match=r"one of 2, 4, 8, 16\."):
        Meter.parse(text)


@pytest.mark.parametrize("text", ["7/8=3+3", "7/8=5+2", "7/8=2++3"])
def test_groups_that_do_not_fill_the_bar_are_refused(text):
    with pytest.raises(ValueError, match=r"groups"):
        Meter.parse(text)
