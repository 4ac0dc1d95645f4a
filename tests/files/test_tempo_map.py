"""A tempo map converts ticks to nanoseconds and back."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ripieno.files.tempo_map import tempo_map

changes = st.lists(
    st.tuples(st.integers(0, 100_000), st.integers(100_000, 2_000_000)), max_size=6
).map(sorted)


def test_two_beats_at_120_bpm_are_one_second() -> None:
    assert tempo_map(480, []).ns_at(960) == 1_000_000_000


def test_a_change_to_60_bpm_counts_from_its_tick() -> None:
    times = tempo_map(480, [(960, 1_000_000)])
    assert times.ns_at(960 + 480) == 2_000_000_000
    assert times.tick_at(2_000_000_000) == 1440


@given(changes, st.integers(0, 10_000_000))
def test_tick_at_is_the_inverse_of_ns_at(
    tempos: list[tuple[int, int]], tick: int
) -> None:
    times = tempo_map(480, tempos)
    assert times.tick_at(times.ns_at(tick)) == tick


@given(changes, st.lists(st.integers(0, 10**12), min_size=2))
def test_order_is_kept(tempos: list[tuple[int, int]], moments: list[int]) -> None:
    times = tempo_map(480, tempos)
    ticks = [times.tick_at(moment) for moment in sorted(moments)]
    assert ticks == sorted(ticks)


@given(
    st.integers(1, 32_767),
    st.lists(
        st.tuples(st.integers(0, 559_240), st.integers(1, 0xFF_FFFF)), max_size=6
    ).map(sorted),
    st.lists(st.integers(0, 500_000)),
    st.integers(0, 32_766),
)
def test_many_ticks_at_once_have_the_times_that_each_has_alone(
    per_beat: int, tempos: list[tuple[int, int]], beats: list[int], into: int
) -> None:
    """Of tempos and ticks within the beats that the reader of files keeps."""
    times = tempo_map(per_beat, [(beat * per_beat, us) for beat, us in tempos])
    ticks = [beat * per_beat + into % per_beat for beat in beats]
    at_ns = times.all_ns_at(np.array(ticks, np.int64))
    assert at_ns.tolist() == [times.ns_at(tick) for tick in ticks]
