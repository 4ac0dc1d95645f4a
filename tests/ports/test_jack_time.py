"""Frames and nanoseconds of JACK, and the frame a message is placed on."""

from hypothesis import given
from hypothesis import strategies as st

from ripieno.clock import NS_PER_MS, NS_PER_S
from ripieno.music import messages
from ripieno.ports.jack_time import LOST_PERIODS, STEP_NS, FrameTime, Placing

RATE_HZ, PERIOD = 48_000, 128
PERIOD_NS = PERIOD * NS_PER_S // RATE_HZ
frames = st.integers(0, 1 << 40)
instants = st.integers(0, 1 << 60)
wakes_ns = st.lists(st.integers(0, 90_000), min_size=1, max_size=60)
channel_messages = st.builds(
    lambda status, a, b: bytes((status, a, b)),
    st.sampled_from([0x80, 0x90, 0xA0, 0xB0, 0xE0, 0x81, 0x91, 0xB1]),
    st.integers(60, 62),
    st.integers(1, 127),
)


def seen(time, first, wakes, at_ns=0):
    """Let periods go by, each seen so late."""
    for number, late_ns in enumerate(wakes):
        frame = first + number * PERIOD
        time.see(frame, at_ns + number * PERIOD_NS + late_ns)


# ── time ─────────────────────────────────────────────────────────────────────────────


@given(st.sampled_from([44_100, 48_000, 96_000]), frames, instants, frames)
def test_a_frame_is_the_one_at_its_own_time(rate_hz, first, at_ns, frame):
    time = FrameTime(rate_hz, first, at_ns)
    assert time.frame_at(time.ns_at(frame)) == frame


@given(frames, instants, frames, st.integers(0, 4_000))
def test_equal_distances_in_time_are_equal_in_frames(first, at_ns, frame, ahead):
    time = FrameTime(RATE_HZ, first, at_ns)
    later_ns = time.ns_at(frame) + ahead * 8 * NS_PER_MS
    assert time.frame_at(later_ns) == frame + ahead * 384


@given(frames, instants, wakes_ns)
def test_waking_late_by_less_than_a_step_moves_nothing(first, at_ns, wakes):
    time = FrameTime(RATE_HZ, first, at_ns)
    seen(time, first, wakes, at_ns)
    assert time.ns_at(first) == at_ns


@given(frames, st.lists(st.integers(0, 4 * NS_PER_MS), min_size=1, max_size=300))
def test_no_period_is_placed_more_than_a_step_after_it_was_seen(first, wakes):
    time = FrameTime(RATE_HZ, first, wakes[0])
    for number, late_ns in enumerate(wakes):
        seen(time, first + number * PERIOD, [late_ns], number * PERIOD_NS)
        at_ns = time.ns_at(first + number * PERIOD)
        assert at_ns <= number * PERIOD_NS + late_ns + STEP_NS


def test_a_first_look_that_was_late_is_put_right_by_the_next_one():
    time = FrameTime(RATE_HZ, 0, 3 * NS_PER_MS)
    time.see(PERIOD, PERIOD_NS)
    assert abs(time.ns_at(PERIOD) - PERIOD_NS) < 2


def test_a_drifting_card_is_followed_within_a_step_and_a_second():
    drift = 1 + 100e-6
    time = FrameTime(RATE_HZ, 0, 0)
    for number in range(375 * 20):
        at_ns = int(number * PERIOD_NS * drift)
        time.see(number * PERIOD, at_ns)
        assert abs(time.ns_at(number * PERIOD) - at_ns) < 2 * STEP_NS + 100_000


def test_a_server_that_jumped_is_followed_after_some_periods():
    time = FrameTime(RATE_HZ, 0, 0)
    gap_ns = 300 * NS_PER_MS
    seen(time, PERIOD, [20_000] * LOST_PERIODS, gap_ns)
    assert abs(time.ns_at(PERIOD) - gap_ns) <= 20_000


# ── places ───────────────────────────────────────────────────────────────────────────


@given(frames, channel_messages)
def test_a_message_that_can_leave_on_its_frame_does(due, message):
    assert Placing().place(message, due, due) == due


@given(st.integers(1 << 20, 1 << 30), st.integers(0, PERIOD - 1), channel_messages)
def test_an_echo_within_the_period_is_one_period_late(start, offset, message):
    placed = Placing().place(message, start + offset, start + PERIOD, PERIOD)
    assert placed == start + offset + PERIOD


@given(st.integers(1 << 20, 1 << 30), st.integers(0, PERIOD - 1), channel_messages)
def test_a_late_message_leaves_as_soon_as_possible(start, offset, message):
    reachable = start + PERIOD
    assert Placing().place(message, start + offset, reachable) == reachable


handed = st.lists(
    st.tuples(channel_messages, st.integers(0, 600), st.integers(0, 600)), max_size=40
)


@given(handed)
def test_nothing_is_placed_before_its_time_or_before_what_can_be_reached(given_them):
    placing = Placing()
    for message, due, reachable in given_them:
        assert placing.place(message, due, reachable) >= max(due, reachable)


def in_order(given_them):
    """Who was handed over when, and placed where; equal frames keep the order."""
    placing = Placing()
    return [
        (message, placing.place(message, due, reachable))
        for message, due, reachable in given_them
    ]


@given(handed)
def test_no_message_overtakes_another_of_its_key(given_them):
    last: dict[tuple[int, int], int] = {}
    for message, frame in in_order(given_them):
        if message[0] < 0xB0:
            key = messages.channel_of(message), message[1]
            assert frame >= last.get(key, 0)
            last[key] = frame


@given(handed)
def test_a_controller_overtakes_nothing_of_its_channel_and_is_not_overtaken(given_them):
    placed = in_order(given_them)
    for number, (message, frame) in enumerate(placed):
        for other, other_frame in placed[:number]:
            is_same = messages.channel_of(message) == messages.channel_of(other)
            if is_same and max(message[0], other[0]) >= 0xB0:
                assert frame >= other_frame


def test_the_silencing_of_a_channel_comes_after_every_note_of_it():
    placing = Placing()
    placing.place(messages.note_on(2, 60, 64), 900, 0)
    silence = messages.control(2, messages.ALL_NOTES_OFF, 0)
    assert placing.place(silence, 100, 128) == 900


def test_an_off_that_is_wanted_now_waits_for_its_on():
    placing = Placing()
    placing.place(messages.note_on(0, 60, 64), 900, 0)
    assert placing.place(messages.note_off(0, 60), 100, 128) == 900
