"""The clock of the roles that play on the beat. A beat is half a second."""

import pytest

from ripieno.conduct import conductor
from ripieno.conduct.span_clock import Cause, Key, SpanClock, Step
from ripieno.play.ledger import Ledger
from ripieno.play.performance import Performance
from ripieno.play.seat import Seat
from ripieno.protocol import Played
from ripieno.roles import loop
from ripieno.settings.beginning import Beginning
from ripieno.settings.params import Params

MS = 1_000_000
BEAT = 500 * MS
HALF_FRAME_NS = BEAT // 8


class Follower:
    """A role whose steps end on the beat; it keeps what it is given."""

    clock: SpanClock

    def __init__(self) -> None:
        self.keys: list[Key] = []

    def due_ns(self, _step: Step, index: int) -> int:
        return index * BEAT

    def on_note(self, key: Key) -> None:
        self.keys.append(key)

    def clear_plans(self, at_ns: int) -> None:
        self.clock.leave(at_ns)


def clock_of(steps=loop.STEPS):
    params = Params(role="loop")
    begins = Beginning(params)
    performance = Performance(begins, Ledger())
    performance.transport.set_tempo(0, 120.0)
    role = Follower()
    seat = Seat(1, "solo", params, begins, performance, None)
    role.clock = SpanClock(seat, steps, role)
    return role.clock, performance, role.keys


@pytest.mark.parametrize("steps", [conductor.STEPS, loop.STEPS])
def test_every_step_of_a_role_leads_to_the_next_span(steps):
    entered = steps[Step.AWAY, Cause.ENTER]
    reached = {entered, *steps.values()}
    for step in reached:
        taken = [step]
        while (step := steps[step, Cause.TIME]) is not Step.AHEAD:
            assert step not in taken
            taken.append(step)


def test_a_clock_yields_the_steps_of_each_span_in_order():
    clock, _, _ = clock_of()
    first = (Step.AHEAD, Step.READY, Step.BEGUN)
    assert list(clock.steps(0)) == [(step, 0) for step in first]
    assert clock.next_ns() == BEAT - HALF_FRAME_NS
    assert list(clock.steps(BEAT - HALF_FRAME_NS)) == [(Step.AHEAD, 1)]
    assert list(clock.steps(BEAT)) == [(Step.READY, 1), (Step.BEGUN, 1)]


def test_a_step_that_is_over_is_marked_for_the_journal():
    clock, performance, _ = clock_of()
    list(clock.steps(0))
    assert performance.acted


def test_a_note_on_the_beat_counts_only_once_the_span_is_prepared():
    clock, _, _ = clock_of(conductor.STEPS)
    assert not clock.strike()
    assert next(clock.steps(0)) == (Step.AHEAD, 0)
    assert clock.strike()
    assert clock.step is Step.STRUCK


def test_a_stopped_song_is_left_and_yields_no_step():
    clock, performance, _ = clock_of()
    list(clock.steps(0))
    performance.transport.running = False
    assert clock.next_ns() is None
    assert list(clock.steps(10 * BEAT)) == []
    assert clock.step is Step.AWAY


def test_a_key_before_the_song_moves_on_belongs_to_the_nearest_frame():
    clock, _, keys = clock_of()
    clock.hear(Played(BEAT - HALF_FRAME_NS, 0, 60, 80))
    clock.hear(Played(BEAT, 0, 60, 0))
    assert [key.frame for key in keys] == [4]
