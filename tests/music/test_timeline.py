from hypothesis import given
from hypothesis import strategies as st

from ripieno.music.timeline import TICKS_PER_BEAT, Timeline

timelines = st.builds(
    Timeline,
    beat_ns=st.integers(TICKS_PER_BEAT, 10**11),
    origin_ns=st.integers(-(10**18), 10**18),
    origin_ticks=st.integers(-(10**12), 10**12),
)


@given(timelines, st.integers(-(10**12), 10**12))
def test_ticks_at_is_the_inverse_of_ns_at(timeline, ticks):
    assert timeline.ticks_at(timeline.ns_at(ticks)) == ticks


@given(timelines, st.integers(-(10**18), 10**18))
def test_a_nanosecond_lies_within_its_tick(timeline, ns):
    ticks = timeline.ticks_at(ns)
    assert timeline.ns_at(ticks) <= ns < timeline.ns_at(ticks + 1)


def test_a_beat_at_120_bpm_is_half_a_second():
    timeline = Timeline(beat_ns=500_000_000, origin_ns=7)
    assert timeline.ns_at(480) == 500_000_007
    assert timeline.ticks_for(1.0) == 960
    assert timeline.seconds_for(480) == 0.5
