"""The transport: start, stop, song positions, and the tempo behind uneven clocks."""

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.inputs import CLOCK, CONTINUE, MS, START, STOP, S, song_position
from tests.midi_clocks import (
    AT_120,
    PERIOD_128_NS,
    PERIOD_512_NS,
    clock_times,
    followed,
    hear_all,
)

from ripieno.music.timeline import Timeline
from ripieno.sync.transport import Transport


def misses_ms(tempo, beats, *, period_ns=PERIOD_128_NS, seed=0, clocks_first=0):
    """How far each beat sounds from the true one plus the mean delay.

    Args:
        tempo: bpm at a time in seconds.
        beats: how many.
        period_ns: each clock comes late by a random part of it.
        seed: what chance starts from.
        clocks_first: how many come before Start.
    """
    chance = random.Random(seed)
    transport, true_s = Transport(AT_120), [1.0]
    while len(true_s) < 24 * beats + clocks_first + 2:
        half = true_s[-1] + 30 / tempo(true_s[-1]) / 24
        true_s.append(true_s[-1] + 60 / tempo(half) / 24)
    heard_ns, late_ns = [], 0
    for at_s in true_s:
        late_ns = max(late_ns, round(at_s * S + chance.random() * period_ns))
        heard_ns.append(late_ns)
    misses: list[float] = []
    for n, at_ns in enumerate(heard_ns[:-1]):
        if n == clocks_first:
            transport.hear(at_ns, START)
        transport.hear(at_ns, CLOCK)
        beat_ns = transport.timeline.ns_at(480 * len(misses))
        if n >= clocks_first and beat_ns <= heard_ns[n + 1] and len(misses) < beats:
            wanted_ns = true_s[24 * len(misses) + clocks_first] * S + period_ns / 2
            misses.append((max(beat_ns, at_ns) - wanted_ns) / MS)
    assert len(misses) == beats
    return misses


def p95_ms(tempo, beats, part, **how):
    """Over twenty performances, of the beats in `part`."""
    misses = [
        abs(miss)
        for seed in range(20)
        for miss in misses_ms(tempo, beats, seed=seed, **how)[part]
    ]
    return sorted(misses)[int(0.95 * len(misses))]


# ── our own clock ─────────────────────────────────────────────────────────────────────


def test_our_own_clock_runs_to_begin_with():
    transport = Transport(AT_120)
    assert transport.running
    assert not transport.is_external
    assert transport.bpm == 120
    assert transport.position_ticks(S) == 960
    assert transport.check_at_ns is None


def test_a_tempo_of_our_own_goes_on_from_where_we_are():
    transport = Transport(AT_120)
    assert transport.set_tempo(S, 60)
    assert transport.bpm == 60
    assert transport.timeline.ticks_at(S) == 960
    assert transport.timeline.ticks_at(2 * S) == 1440
    assert transport.jumps == 0


@pytest.mark.parametrize(
    ("asked", "taken"), [(1, 20), (0, 20), (-5, 20), (900, 400), (math.inf, 400)]
)
def test_a_tempo_of_our_own_is_kept_within_bounds(asked, taken):
    transport = Transport(AT_120)
    transport.set_tempo(S, asked)
    assert transport.bpm == pytest.approx(taken)


def test_our_own_tempo_says_nothing_while_clocks_come():
    transport, last_ns = followed(bpm=100)
    before = transport.timeline
    assert not transport.set_tempo(last_ns, 60)
    assert transport.timeline == before


# ── start, stop, continue, song position ──────────────────────────────────────────────


def test_the_first_clock_after_start_is_the_beginning():
    transport = Transport(AT_120)
    transport.hear(7 * S, START)
    assert transport.jumps == 0
    transport.hear(7 * S + 3 * MS, CLOCK)
    assert transport.jumps == 1
    assert transport.is_external
    assert transport.timeline.ns_at(0) == 7 * S + 3 * MS
    assert transport.bpm == 120


def test_start_takes_the_tempo_of_the_clocks_before_it():
    transport, last_ns = followed(bpm=90, start=None)
    transport.hear(last_ns + 5 * MS, START)
    transport.hear(last_ns + 28 * MS, CLOCK)
    assert transport.timeline.ns_at(0) == last_ns + 28 * MS
    assert transport.bpm == pytest.approx(90, rel=0.001)
    assert transport.timeline.beat_ns == pytest.approx(60e9 / 90, rel=0.001)


def test_twenty_four_clocks_are_a_beat():
    transport, last_ns = followed(bpm=120, count=97)
    assert transport.timeline.ns_at(4 * 480) == pytest.approx(last_ns, abs=MS / 10)


def test_a_stopped_song_stands_still_and_continues_where_it_stood():
    transport, last_ns = followed(count=48)
    transport.hear(last_ns + MS, STOP)
    assert not transport.running
    assert transport.position_ticks(last_ns + 9 * S) == 960
    hear_all(transport, clock_times(120, 30, last_ns + S))
    assert not transport.running
    assert transport.position_ticks(last_ns + 9 * S) == 960
    transport.hear(last_ns + 3 * S, CONTINUE)
    transport.hear(last_ns + 3 * S + MS, CLOCK)
    assert transport.running
    assert transport.timeline.ns_at(960) == last_ns + 3 * S + MS


def test_clocks_set_the_tempo_of_a_stopped_song():
    transport, last_ns = followed(bpm=120)
    transport.hear(last_ns, STOP)
    hear_all(transport, clock_times(80, 48, last_ns + MS))
    assert transport.bpm == pytest.approx(80, rel=0.001)


def test_a_song_continues_from_the_position_it_was_given():
    transport, last_ns = followed()
    transport.hear(last_ns, STOP)
    transport.hear(last_ns + MS, song_position(200))
    assert transport.position_ticks(last_ns + S) == 200 * 120
    transport.hear(last_ns + S, CONTINUE)
    transport.hear(last_ns + S + MS, CLOCK)
    assert transport.timeline.ns_at(200 * 120) == last_ns + S + MS


def test_a_position_given_while_running_is_a_jump_at_the_next_clock():
    transport, last_ns = followed()
    transport.hear(last_ns + MS, song_position(16))
    assert transport.jumps == 1
    transport.hear(last_ns + 20 * MS, CLOCK)
    assert transport.jumps == 2
    assert transport.running
    assert transport.timeline.ns_at(16 * 120) == last_ns + 20 * MS


def test_start_begins_anew_while_running():
    transport, last_ns = followed()
    transport.hear(last_ns + MS, START)
    transport.hear(last_ns + 20 * MS, CLOCK)
    assert transport.timeline.ns_at(0) == last_ns + 20 * MS


def test_continue_while_running_changes_nothing():
    transport, last_ns = followed()
    transport.hear(last_ns + MS, CONTINUE)
    hear_all(transport, clock_times(120, 24, last_ns + 20_833_333))
    assert transport.jumps == 1


def test_clocks_without_a_start_are_followed_from_where_we_are():
    transport = Transport(AT_120)
    hear_all(transport, clock_times(120, 96, S + 6 * MS))
    assert transport.jumps == 0
    assert transport.running
    assert transport.timeline.ns_at(960 + 1920) == pytest.approx(
        3 * S + 6 * MS, abs=MS / 2
    )


@given(st.binary(max_size=4))
def test_damaged_bytes_are_refused_and_never_raise(data):
    transport = Transport(AT_120)
    is_one = data in {CLOCK, START, CONTINUE, STOP} or (
        len(data) == 3 and data[0] == 0xF2 and max(data[1:]) < 0x80
    )
    assert transport.hear(S, data) == is_one


@pytest.mark.parametrize("data", [b"", b"\xf2", b"\xf2\x01", b"\xf2\x80\x01", b"\xf8a"])
def test_messages_of_a_wrong_length_change_nothing(data):
    transport = Transport(AT_120)
    assert not transport.hear(S, data)
    assert transport.timeline == AT_120
    assert not transport.is_external


# ── the pulse behind uneven clocks: figures ───────────────────────────────────────────


def test_beats_sound_within_a_millisecond_through_the_jitter_of_128_frames():
    assert p95_ms(lambda _: 120, 30, slice(2, None)) < 0.6
    assert p95_ms(lambda _: 70, 20, slice(2, None)) < 0.7
    assert p95_ms(lambda _: 200, 30, slice(2, None)) < 0.6


def test_two_beats_are_enough_to_lock_in():
    assert p95_ms(lambda _: 120, 4, slice(1, 3)) < 0.8
    assert p95_ms(lambda _: 90, 4, slice(2, 4)) < 0.8
    assert p95_ms(lambda _: 168, 4, slice(2, 4)) < 0.8


def test_clocks_before_start_make_the_first_beats_good():
    assert p95_ms(lambda _: 100, 4, slice(1, None), clocks_first=96) < 0.8


def test_beats_sound_within_two_milliseconds_through_the_jitter_of_512_frames():
    assert p95_ms(lambda _: 120, 30, slice(2, None), period_ns=PERIOD_512_NS) < 2.0


def test_a_drifting_tempo_is_followed():
    def breathing(at_s):
        return 120 * (1 + 0.015 * math.sin(2 * math.pi * at_s / 8))

    assert p95_ms(breathing, 40, slice(4, None)) < 1.2
    assert p95_ms(breathing, 40, slice(4, None), period_ns=PERIOD_512_NS) < 3.5


@pytest.mark.parametrize("bpm", [140, 144, 96, 240, 60])
def test_a_new_tempo_is_found_within_two_beats(bpm):
    def step(at_s):
        return 120 if at_s < 4.99 else bpm

    assert p95_ms(step, 14, slice(10, None)) < 0.9


def test_the_tempo_is_known_to_a_percent():
    transport, chance = Transport(AT_120), random.Random(3)
    for n, at_ns in enumerate(clock_times(133, 24 * 30)):
        transport.hear(at_ns + chance.randrange(PERIOD_128_NS), CLOCK)
        if n > 48:
            assert transport.bpm == pytest.approx(133, rel=0.01)


# ── what never happens ────────────────────────────────────────────────────────────────

streams = st.lists(
    st.tuples(
        st.integers(0, 700 * MS) | st.integers(15 * MS, 25 * MS),
        st.sampled_from([CLOCK] * 8 + [START, CONTINUE, STOP, song_position(77)]),
    ),
    max_size=150,
)


@given(streams, st.integers(480, 10**10), st.integers(-(10**18), 10**18))
def test_time_never_runs_back_but_at_a_jump(stream, beat_ns, at_ns):
    transport = Transport(Timeline(beat_ns=beat_ns, origin_ns=at_ns))
    for gap_ns, data in stream:
        at_ns += gap_ns
        transport.check(at_ns)
        ticks, jumps = transport.timeline.ticks_at(at_ns), transport.jumps
        tick_ns = transport.timeline.ns_at(ticks)
        transport.hear(at_ns, data)
        if transport.jumps == jumps:
            assert transport.timeline.ticks_at(at_ns) >= ticks
            assert transport.timeline.ns_at(ticks) == tick_ns


@given(streams)
def test_the_tempo_stays_within_bounds(stream):
    transport, at_ns = Transport(AT_120), S
    for gap_ns, data in stream:
        at_ns += gap_ns
        transport.hear(at_ns, data)
        assert 19.99 < transport.bpm < 400.01
        assert 75 * MS <= transport.timeline.beat_ns <= 6 * S
