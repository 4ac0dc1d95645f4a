"""The transport when clocks are lost, doubled or late, or when the master goes away."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.inputs import CLOCK, MS, START, STOP, S
from tests.midi_clocks import AT_120, PERIOD_512_NS, clock_times, followed, hear_all

from ripieno.sync.transport import Transport

# ── clocks lost, doubled, late ────────────────────────────────────────────────────────


def miss_after(times, *, clock):
    """How far (in ms) the timeline puts a clock from the last time, after all."""
    transport = Transport(AT_120)
    transport.hear(times[0] - MS, START)
    hear_all(transport, times)
    assert transport.bpm == pytest.approx(120, rel=0.005)
    return abs(transport.timeline.ns_at(20 * clock) - times[-1]) / MS


@pytest.mark.parametrize("lost", [1, 2, 5, 11, 48])
def test_lost_clocks_that_nobody_reports_are_not_counted(lost):
    times = clock_times(120, 241)
    assert miss_after(times[:70] + times[70 + lost :], clock=240 - lost) < 0.5


def test_a_clock_that_comes_twice_counts_twice():
    times = clock_times(120, 145)
    twice = [*times[:70], times[69] + MS // 2, *times[70:]]
    assert miss_after(twice, clock=145) < 0.5


def test_one_late_clock_hardly_moves_what_comes_after_it():
    times = clock_times(120, 200)
    transport = Transport(AT_120)
    transport.hear(S - MS, START)
    hear_all(transport, times[:190])
    transport.hear(times[190] + 8 * MS, CLOCK)
    for n in range(191, 200):
        transport.hear(times[n], CLOCK)
        assert transport.timeline.ns_at(20 * n) == pytest.approx(times[n], abs=MS / 2)


@pytest.mark.parametrize("stall_ms", [15, 31, 42, 55, 73, 110])
def test_clocks_that_arrive_all_at_once_after_a_stall_are_all_counted(stall_ms):
    times = clock_times(120, 193)
    end_ns = times[70] + stall_ms * MS
    late = [max(at, end_ns) if n >= 70 else at for n, at in enumerate(times)]
    assert miss_after(late, clock=192) < 0.5


@given(st.integers(30, 400), st.integers(430, 900), st.integers(0, 800))
def test_two_pauses_leave_the_position_right(first, second, pause_ms):
    paused = [
        at + pause_ms * MS * ((n >= first) + (n >= second))
        for n, at in enumerate(clock_times(120, 1001))
    ]
    assert miss_after(paused, clock=1000) < 0.5


@pytest.mark.parametrize("bpm", [231, 234, 237, 239.28, 150, 119.3])
def test_clocks_quantised_to_512_frames_are_not_taken_for_doubled_or_lost(bpm):
    transport, n_clocks = Transport(AT_120), 24 * 200
    quantised = [
        -(-at_ns // PERIOD_512_NS) * PERIOD_512_NS
        for at_ns in clock_times(bpm, n_clocks)
    ]
    transport.hear(quantised[0], START)
    hear_all(transport, quantised)
    assert transport.timeline.ns_at(20 * (n_clocks - 1)) == pytest.approx(
        quantised[-1], abs=1.5 * PERIOD_512_NS
    )


# ── the clock goes away, and comes back ───────────────────────────────────────────────


def test_a_lost_master_does_not_stop_the_music():
    transport, last_ns = followed(bpm=100)
    assert not transport.check(last_ns + 499 * MS)
    assert transport.check_at_ns == last_ns + 500 * MS
    assert transport.check(last_ns + 500 * MS)
    assert not transport.check(last_ns + 501 * MS)
    assert transport.running
    assert not transport.is_external
    assert transport.bpm == pytest.approx(100, rel=0.001)
    assert transport.jumps == 1
    assert transport.set_tempo(last_ns + S, 90)


def test_the_slowest_master_is_not_taken_for_lost_between_its_clocks():
    transport, _ = followed(bpm=20)
    assert transport.is_external
    assert transport.bpm == pytest.approx(20, rel=0.001)


def test_a_master_that_comes_back_is_followed_without_a_jump():
    transport, last_ns = followed(bpm=120)
    again_ns = last_ns + 3 * S + 7 * MS
    hear_all(transport, clock_times(120, 97, again_ns))
    assert transport.is_external
    assert transport.jumps == 1
    assert transport.timeline.ns_at(14 * 480) == pytest.approx(
        again_ns + 2 * S, abs=MS / 2
    )


def test_a_stopped_song_waits_for_its_master():
    transport, last_ns = followed()
    transport.hear(last_ns + MS, STOP)
    assert not transport.check(last_ns + 60 * S)
    assert not transport.running
    assert transport.is_external


def test_a_stopped_song_can_be_taken_back():
    transport, last_ns = followed()
    transport.hear(last_ns + MS, STOP)
    transport.release(last_ns + S)
    assert transport.running
    assert transport.set_tempo(last_ns + S, 80)


def test_a_start_that_no_clock_follows_starts_our_own():
    transport = Transport(AT_120)
    transport.hear(S, STOP)
    transport.hear(2 * S, START)
    assert not transport.check(3 * S)
    assert transport.running
    assert not transport.is_external
    assert transport.timeline.ns_at(0) == 2 * S + 500 * MS


def test_the_instants_of_checking_change_nothing():
    often, last_ns = followed(bpm=87)
    late, _ = followed(bpm=87)
    for later_ms in range(0, 2000, 7):
        often.check(last_ns + later_ms * MS)
    for transport in (often, late):
        transport.hear(last_ns + 2 * S, CLOCK)
    assert often.timeline == late.timeline
    assert often.jumps == late.jumps
