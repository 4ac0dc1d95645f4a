from hypothesis import given
from hypothesis import strategies as st

from ripieno.music.meter import DENOMINATORS, Meter
from ripieno.play.click import click_notes
from ripieno.protocol import PlannedNote

meters = st.builds(Meter, st.integers(1, 16), st.sampled_from(DENOMINATORS))
ticks = st.integers(-20_000, 20_000)

HIGH, LOW = (76, 112), (77, 80)


def test_a_bar_of_three_four_is_one_high_click_and_two_low():
    assert click_notes(Meter(3, 4), 0, 1440) == (
        PlannedNote(0, 120, *HIGH),
        PlannedNote(480, 600, *LOW),
        PlannedNote(960, 1080, *LOW),
    )


def test_six_eight_clicks_in_two():
    clicks = click_notes(Meter(6, 8), 0, 2880)
    assert [(note.start_ticks, note.pitch) for note in clicks] == [
        (0, 76),
        (720, 77),
        (1440, 76),
        (2160, 77),
    ]


def test_the_upbeat_clicks_low():
    (click,) = click_notes(Meter(4, 4), -480, 0)
    assert click == PlannedNote(-480, -360, *LOW)


@given(meters, ticks, ticks, ticks)
def test_clicks_of_two_intervals_are_those_of_the_whole(meter, a, b, c):
    a, b, c = sorted((a, b, c))
    pieces = click_notes(meter, a, b) + click_notes(meter, b, c)
    assert pieces == click_notes(meter, a, c)


@given(meters, ticks, st.integers(-10, 5000))
def test_it_clicks_on_every_felt_beat_and_nowhere_else(meter, start, length):
    clicks = click_notes(meter, start, start + length)
    within = range(start, start + length)
    beats = [t for t in within if meter.position(t).tick_in_span == 0]
    assert [note.start_ticks for note in clicks] == beats


@given(meters, ticks)
def test_a_click_is_over_before_the_next(meter, start):
    first, second, *_ = click_notes(meter, start, start + 2 * meter.bar_ticks)
    assert first.end_ticks <= second.start_ticks
