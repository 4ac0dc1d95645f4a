"""Missing and doubled MIDI clocks, and the evidence that corrects the position."""

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from tests.clock_sweep import (
    CLOCK,
    GAP,
    MS,
    START,
    TWO_BEATS,
    Case,
    errors_ms,
)
from tests.clock_sweep import clocks as arriving
from tests.inputs import song_position

from ripieno.music.timeline import Timeline
from ripieno.sync.missing import Missing
from ripieno.sync.transport import Transport

WITHIN_MS = 3.0
STOP, CONTINUE = b"\xfc", b"\xfb"

tempi = st.floats(60, 180)
jitters_ms = st.floats(0, 5)
seeds = st.integers(0, 1 << 30)
steps = st.sampled_from([(1.0, 0), (1.2, -TWO_BEATS), (0.8, -TWO_BEATS)])


def is_in_range(case):
    return 60 <= case.bpm * case.step <= 180


def stalls(kinds=("pause", "late"), **how):
    """Cases of a stall of 5 to 800 ms."""
    return st.builds(
        lambda kind, size, bpm, jitter_ms, step, seed: Case(
            kind, size, bpm, jitter_ms, step[0], step[1], seed=seed, **how
        ),
        st.sampled_from(kinds), st.integers(5, 800), tempi, jitters_ms, steps, seeds,
    ).filter(is_in_range)  # fmt: skip


def losses(**how):
    """Cases of 1 to 48 lost clocks."""
    return st.builds(
        lambda size, bpm, jitter_ms, step, seed: Case(
            "lost", size, bpm, jitter_ms, step[0], step[1], seed=seed, **how
        ),
        st.integers(1, 48), tempi, jitters_ms, steps, seeds,
    ).filter(is_in_range)  # fmt: skip


def worst_ms(case):
    return max(map(abs, errors_ms(case)), default=float("inf"))


# ── without a report every clock counts ──────────────────────────────────────────────


@pytest.mark.parametrize(("size", "bpm"), [(27, 92), (40, 120), (400, 120)])
@pytest.mark.parametrize("kind", ["pause", "late"])
def test_a_stall_of_whole_clocks_leaves_the_follower_where_the_master_is(
    kind, size, bpm
):
    assert worst_ms(Case(kind, size, bpm)) < 0.5


@given(stalls())
@settings(max_examples=60)
def test_after_a_stall_without_a_report_the_position_is_the_count(case):
    # A step of the tempo two beats before is found to 3 ms, and a stall adds to that.
    assert worst_ms(case) < (WITHIN_MS if case.step == 1.0 else 2 * WITHIN_MS)


@given(losses())
@settings(max_examples=40)
def test_lost_clocks_without_a_report_are_not_counted(case):
    assert worst_ms(case) < (WITHIN_MS if case.step == 1.0 else 2 * WITHIN_MS)


@pytest.mark.parametrize("size", [27, 110, 400])
def test_clocks_that_come_late_in_a_burst_cause_no_jump(size):
    transport = Transport(Timeline(beat_ns=500 * MS))
    sent = arriving(Case("late", size, 120))
    transport.hear(sent[0].heard_ns, START)
    for clock in sent:
        transport.hear(clock.heard_ns, CLOCK)
    assert transport.jumps == 1


# ── with a report both readings are kept, until something decides ────────────────────


@given(stalls(is_reported=True, evidence="position"))
@settings(max_examples=40)
def test_a_song_position_decides_that_a_reported_stall_was_a_pause(case):
    assert worst_ms(case) < WITHIN_MS


@given(losses(is_reported=True, evidence="position"))
@settings(max_examples=60)
def test_a_song_position_decides_that_reported_clocks_were_lost(case):
    assert worst_ms(case) < WITHIN_MS


@given(stalls(is_reported=True, evidence="notes"))
@settings(max_examples=40)
def test_notes_on_the_beat_decide_that_a_reported_stall_was_a_pause(case):
    assert worst_ms(case) < WITHIN_MS


@given(losses(is_reported=True, evidence="notes"))
@settings(max_examples=60)
@example(Case("lost", 47, 180, is_reported=True, evidence="notes", seed=308))
@example(
    Case("lost", 23, 123, 2.0, 1.2, -48, is_reported=True, evidence="notes", seed=23)
)
def test_notes_on_the_beat_decide_that_reported_clocks_were_lost(case):
    assume(case.size % 24)  # whole beats: notes on the beat cannot tell
    assert worst_ms(case) < WITHIN_MS


@pytest.mark.parametrize("size", [24, 48])
def test_notes_on_the_beat_do_not_decide_about_whole_beats(size):
    case = Case("lost", size, 120, is_reported=True, evidence="notes")
    assert worst_ms(case) > 400  # the count holds, a beat or two behind


def reported_loss(size=5, bpm=120):
    """A transport that has missed some clocks a beat ago; and the last clock."""
    transport = Transport(Timeline(beat_ns=500 * MS))
    sent = [c for c in arriving(Case("lost", size, bpm)) if c.index < GAP + size + 24]
    transport.hear(sent[0].heard_ns, START)
    for clock in sent:
        if clock.index == GAP + size:
            transport.may_have_missed(clock.heard_ns)
        transport.hear(clock.heard_ns, CLOCK)
    return transport, sent[-1]


@pytest.mark.parametrize("size", [1, 5, 24, 48])
def test_after_a_report_the_count_holds_meanwhile(size):
    transport, last = reported_loss(size)
    assert transport.missing_clocks == size
    counted_ns = transport.timeline.ns_at(20 * (last.index - size))
    assert counted_ns == pytest.approx(last.true_ns, abs=3 * MS)


def test_a_start_leaves_nothing_to_decide():
    transport, last = reported_loss()
    transport.hear(last.heard_ns + MS, START)
    transport.hear(last.heard_ns + 20 * MS, CLOCK)
    assert transport.missing_clocks == 0
    assert transport.timeline.ns_at(0) == last.heard_ns + 20 * MS


def test_what_may_be_missing_outlives_a_stop_and_a_continue():
    transport, last = reported_loss()
    transport.hear(last.heard_ns + MS, STOP)
    transport.hear(last.heard_ns + 2 * MS, CONTINUE)
    transport.hear(last.heard_ns + 20 * MS, CLOCK)
    assert transport.missing_clocks == 5


def test_a_position_that_agrees_with_a_reading_is_no_jump():
    size = 5
    sent = arriving(Case("lost", size, 120))
    transport = Transport(Timeline(beat_ns=500 * MS))
    transport.hear(sent[0].heard_ns, START)
    for clock in sent:
        if clock.index == GAP + size:
            transport.may_have_missed(clock.heard_ns)
        if clock.index % 96 == 0 and clock.index:
            transport.hear(clock.heard_ns, song_position(clock.index // 6))
        transport.hear(clock.heard_ns, CLOCK)
    assert transport.jumps == 1
    assert transport.missing_clocks == 0


def test_a_report_without_any_gap_changes_nothing():
    plain, told = (Transport(Timeline(beat_ns=500 * MS)) for _ in range(2))
    for clock in arriving(Case("pause", 0, 120, 2.67)):
        if clock.index % 50 == 0:
            told.may_have_missed(clock.heard_ns)
        for transport in (plain, told):
            transport.hear(clock.heard_ns, CLOCK)
    assert told.timeline == plain.timeline
    assert told.missing_clocks == 0


def test_a_report_that_comes_after_the_gap_counts_as_well():
    transport = Transport(Timeline(beat_ns=500 * MS))
    for clock in arriving(Case("lost", 5, 120)):
        transport.hear(clock.heard_ns, CLOCK)
        if clock.index == GAP + 15:
            transport.may_have_missed(clock.heard_ns)
    assert transport.missing_clocks == 5


# ── notes ────────────────────────────────────────────────────────────────────────────


def opened(clocks):
    """A record in which this number of clocks may be missing."""
    missing = Missing()
    missing.report(0)
    missing.move(1, clocks)
    return missing


@given(st.integers(2, 47), st.floats(-1, 1))
def test_eight_notes_on_the_beat_decide_and_seven_do_not(lost, offset):
    assume(lost % 24)
    missing = opened(lost)
    # Before the gap nothing was played: the player's habit is not known.
    assume(abs(offset) < 0.3)
    for n in range(7):
        assert missing.note((n + 1) * 500 * MS, 24 * n - lost + offset) == 0
    assert missing.note(8 * 500 * MS, 24 * 8 - lost + offset) == lost
    assert missing.clocks == 0


def test_even_eighth_notes_do_not_decide_about_half_a_beat():
    missing = opened(12)
    assert {missing.note(n * 250 * MS, 12.0 * n) for n in range(1, 200)} == {0}
    assert missing.clocks == 12


def test_a_chord_of_eight_notes_counts_once():
    missing = opened(5)
    for n in range(7):
        for _ in range(8):
            assert missing.note((n + 1) * 500 * MS, 24 * n - 5) == 0


@pytest.mark.parametrize("lost", [1, 2, 46, 47])
def test_a_musician_who_is_always_late_is_judged_by_that_lateness(lost):
    missing, late = Missing(), 0.9  # of a clock
    for n in range(8):
        missing.note(n * 500 * MS, 24 * n + late)
    missing.report(9 * 500 * MS)
    missing.move(9 * 500 * MS, lost)
    added = [missing.note(n * 500 * MS, 24 * n - lost + late) for n in range(9, 17)]
    assert added == [0] * 7 + [lost]
