"""The ladder leaves a late model at once and returns to it with care."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.asked import ask

from ripieno.clock import SimulatedClock
from ripieno.errors import OutputError
from ripieno.inference.controls import Controls
from ripieno.minds.composer import Composer
from ripieno.minds.ladder import (
    FEWEST_GOOD,
    LIGHT_NS,
    MOST_GOOD,
    MOST_LATE,
    RECENT,
    TRY_EVERY_NS,
    Ladder,
    Pace,
    Rung,
)
from ripieno.music.timeline import Timeline
from ripieno.protocol import Plan, Played, Ready, Reset
from ripieno.testing import ScriptedModel

MS = 1_000_000
S = 1_000_000_000
BEST = Ready("best", "b", "script", "it is written down")
LIGHT = Ready("light", "l", "script", "it is written down")


class Slow(ScriptedModel):
    """A scripted model of which every step takes a while."""

    def __init__(self, clock, pitches, step_ns):
        super().__init__(pitches)
        self.clock, self.costs = clock, {"step_ns": step_ns}

    def step(self, event, controls):
        self.clock.wait_until(self.clock.now_ns() + self.costs["step_ns"])
        return super().step(event, controls)


class Stand:
    """A ladder of two, in simulated time."""

    def __init__(self, best_ns=MS // 2, light_ns=MS // 10):
        self.clock, self.news = SimulatedClock(S), False
        self.best = Slow(self.clock, (72,), best_ns)
        self.light = Slow(self.clock, (48,), light_ns)
        rungs = [
            Rung(Composer(self.best, Controls()), BEST),
            Rung(Composer(self.light, Controls()), LIGHT),
        ]
        self.ladder = Ladder(rungs, now_ns=self.clock.now_ns, is_news=lambda: self.news)
        self.revision = 0

    def ask(self, *, in_ms=300, seconds=1.0, **fields):
        """Ask for a reply that begins so soon."""
        self.revision += 1
        start = Timeline().ticks_at(self.clock.now_ns() + in_ms * MS)
        until = start + Timeline().ticks_for(seconds)
        asked = ask(
            **{
                "revision": self.revision, "start_ticks": start, "until_ticks": until,
                "seed": 3, **fields,
            }
        )  # fmt: skip
        self.ladder.receive(asked)
        return asked

    def said(self, most=100):
        """Return all answers, each with its time."""
        answers = (self.ladder.answer() for _ in range(most))
        return [(self.clock.now_ns(), each) for each in answers if each is not None]

    def plays(self, **how):
        """Ask; return all answers without their times."""
        self.ask(**how)
        return [message for _, message in self.said()]

    def waits(self, seconds):
        """Call the ladder for some seconds while nothing is asked for."""
        until_ns = self.clock.now_ns() + int(seconds * S)
        while self.clock.now_ns() < until_ns:
            assert self.ladder.answer() is None
            self.clock.wait_until(self.clock.now_ns() + 5 * MS)


def pitches(messages):
    return {n.pitch for m in messages if isinstance(m, Plan) for n in m.notes}


def shifts(messages):
    return [(m.model, m.shift) for m in messages if isinstance(m, Ready)]


def test_the_best_model_plays_while_it_is_in_time():
    stand = Stand()
    for _ in range(30):
        messages = stand.plays()
        assert pitches(messages) == {72}
        assert shifts(messages) == []
        stand.waits(2)


def test_a_late_model_is_replaced_by_the_lighter_one_in_time():
    stand = Stand(best_ns=60 * MS)
    ask = stand.ask(in_ms=300)
    said = stand.said()
    assert isinstance(said[0][1], Ready)
    first_ns, first = next(each for each in said if isinstance(each[1], Plan))
    assert first_ns <= ask.timeline.ns_at(ask.start_ticks)
    assert pitches([first]) == {48}
    assert shifts([m for _, m in said]) == [("light", -1)]
    assert said[0][1].since == ask.revision


def test_a_change_within_a_reply_leaves_no_gap_and_no_double_note():
    stand = Stand()
    ask = stand.ask(seconds=6.0)
    ((_, first),) = stand.said(1)
    assert isinstance(first, Plan)
    plans = [first]
    stand.best.costs["step_ns"] = 400 * MS
    said = [message for _, message in stand.said()]
    assert shifts(said) == [("light", -1)]
    plans += [message for message in said if isinstance(message, Plan)]
    assert [plan.section for plan in plans] == list(range(len(plans)))
    assert {plan.revision for plan in plans} == {ask.revision}
    assert pitches(plans[:1]) == {72}
    assert pitches(plans[1:]) >= {48}
    assert plans[-1].complete
    promised = ask.start_ticks
    for plan in plans:
        assert all(note.start_ticks >= promised for note in plan.notes)
        promised = plan.until_ticks


def test_every_section_is_in_time_at_any_speed_of_the_best_model():
    for slow_ms in (5, 20, 50, 100):
        stand = Stand(best_ns=slow_ms * MS)
        for _ in range(4):
            ask = stand.ask(in_ms=400, seconds=4.0)
            due_ns = ask.timeline.ns_at(ask.start_ticks)
            for at_ns, message in stand.said():
                if isinstance(message, Plan):
                    assert at_ns <= due_ns
                    due_ns = ask.timeline.ns_at(message.until_ticks)
            stand.waits(5)


def test_after_one_late_answer_the_best_model_is_asked_again():
    stand = Stand()
    stand.best.costs["step_ns"] = 60 * MS
    assert shifts(stand.plays()) == [("light", -1)]
    stand.best.costs["step_ns"] = MS // 2
    messages = stand.plays()
    assert shifts(messages) == [("best", 1)]
    assert pitches(messages) == {72}


def fallen():
    """A ladder whose best rung has been late too often."""
    stand = Stand(best_ns=60 * MS)
    for _ in range(MOST_LATE + 1):
        stand.plays()
    return stand


def test_a_model_that_is_often_late_is_not_asked_while_it_is_slow():
    stand = fallen()
    for _ in range(5):
        messages = stand.plays()
        assert shifts(messages) == []
        assert pitches(messages) == {48}
        stand.waits(2 * TRY_EVERY_NS / S)


def test_a_model_returns_at_an_ask_after_enough_good_tries():
    stand = fallen()
    stand.best.costs["step_ns"] = MS // 2
    stand.waits((FEWEST_GOOD - 1) * TRY_EVERY_NS / S - 0.2)
    assert pitches(stand.plays()) == {48}
    stand.waits(3 * TRY_EVERY_NS / S)
    messages = stand.plays()
    assert shifts(messages) == [("best", 1)]
    assert pitches(messages) == {72}


def test_a_reply_is_ended_by_the_model_that_began_it():
    stand = fallen()
    ask = stand.ask(foreseen=True)
    first = [message for _, message in stand.said()]
    stand.best.costs["step_ns"] = MS // 2
    stand.waits(20)
    stand.ladder.receive(msgspec.structs.replace(ask, foreseen=False))
    rest = [message for _, message in stand.said()]
    assert pitches(first) == pitches(rest) | {48} == {48}
    assert shifts(first + rest) == []


def test_waiting_events_are_heard_before_a_model_is_left():
    stand = Stand(best_ns=60 * MS)
    stand.ask(in_ms=100)
    stand.news = True
    assert [stand.ladder.answer() for _ in range(5)] == [None] * 5
    stand.ladder.receive(Played(stand.clock.now_ns(), 0, 60, 70))
    stand.news = False
    assert stand.said() == []  # the human came first: nothing is late


def test_a_model_that_takes_over_has_heard_all_events():
    """The light rung plays what it would have played alone."""
    stand = Stand(best_ns=60 * MS)
    alone = Composer(ScriptedModel((48,)), Controls())
    for place, pitch in enumerate((60, 64, 67, 72, 60)):
        for event in (
            Played(place * S // 4, 0, pitch, 70),
            Played(place * S // 4 + S // 5, 0, pitch, 0),
        ):
            stand.ladder.receive(event)
            alone.receive(event)
    ask = stand.ask()
    alone.receive(ask)
    made = [m for _, m in stand.said() if isinstance(m, Plan)]
    assert made == list(iter(alone.answer, None))


def test_a_reset_resets_every_model():
    stand = Stand()
    stand.plays()
    stand.ladder.receive(Reset())
    stand.waits(3)
    assert pitches(stand.plays()) == {72}


def test_a_ladder_of_one_model_never_changes():
    clock = SimulatedClock(S)
    mind = Composer(Slow(clock, (72,), 100 * MS), Controls())
    ladder = Ladder([Rung(mind, BEST)], now_ns=clock.now_ns, is_news=lambda: False)
    stand = Stand()
    stand.ladder, stand.clock = ladder, clock
    for _ in range(5):
        messages = stand.plays()
        assert pitches(messages) == {72}
        assert shifts(messages) == []


# ── the pace alone ───────────────────────────────────────────────────────────────────

times = st.lists(st.integers(1, 10**10), max_size=3 * RECENT)


@given(times)
def test_the_usual_time_is_a_recent_measurement(took):
    pace = Pace()
    for each in took:
        pace.took(each)
    assert pace.usual_ns in (took[-RECENT:] or [LIGHT_NS])


@given(st.lists(st.booleans(), max_size=100))
def test_a_rung_is_down_at_the_second_late_answer_of_twenty(late):
    pace, fell = Pace(), False
    for place, each in enumerate(late):
        pace.answered(late=each)
        fell |= sum(late[max(0, place + 1 - RECENT) : place + 1]) > MOST_LATE
        assert pace.is_down == fell


@given(st.lists(st.booleans(), max_size=200))
def test_a_rung_that_is_down_needs_good_tries_in_a_row(good):
    pace, row = Pace(), 0
    for _ in range(MOST_LATE + 1):
        pace.answered(late=True)
    for each in good:
        if not pace.is_down:
            break
        pace.tried(1, 2 if each else 1)
        row = row + 1 if each else 0
        assert pace.is_down == (row < FEWEST_GOOD)


@pytest.mark.parametrize("falls", [1, 2, 3, 9])
def test_each_fall_doubles_the_number_of_good_tries_needed(falls):
    pace, needed = Pace(), 0
    for _ in range(falls):
        for _ in range(MOST_LATE + 1):
            pace.answered(late=True)
        needed = 0
        while pace.is_down:
            pace.tried(1, 10)
            needed += 1
    assert needed == min(FEWEST_GOOD * 2 ** (falls - 1), MOST_GOOD)


class Failing(Slow):
    """A model that fails after some steps."""

    def __init__(self, clock, pitches, step_ns, steps):
        super().__init__(clock, pitches, step_ns)
        self.left = steps

    def step(self, event, controls):
        self.left -= 1
        if self.left < 0:
            raise OutputError("its output 'key' is not finite")
        return super().step(event, controls)

    def line(self):
        return self


@pytest.mark.parametrize("steps", [0, 1, 5, 12])
def test_where_the_best_one_fails_the_lighter_one_goes_on(steps):
    stand = Stand()
    best = Failing(stand.clock, (72,), MS // 2, steps)
    rungs = [
        Rung(Composer(best, Controls()), BEST),
        Rung(Composer(stand.light, Controls()), LIGHT),
    ]
    stand.ladder = Ladder(rungs, now_ns=stand.clock.now_ns, is_news=lambda: stand.news)
    told = stand.plays(seconds=3.0)
    (shift,) = [said for said in told if isinstance(said, Ready)]
    assert (shift.model, shift.shift, shift.since) == ("light", -1, 1)
    assert "The model best does not work" in shift.why
    sections = [said for said in told if isinstance(said, Plan)]
    assert [plan.section for plan in sections] == list(range(len(sections)))
    assert sections[-1].complete
    assert all(isinstance(said, Plan) for said in stand.plays())


@pytest.mark.parametrize("steps", [0, 1, 5])
def test_where_the_lighter_one_fails_the_best_one_plays_on(steps):
    stand = Stand()
    light = Failing(stand.clock, (48,), MS // 10, steps)
    rungs = [
        Rung(Composer(stand.best, Controls()), BEST),
        Rung(Composer(light, Controls()), LIGHT),
    ]
    stand.ladder = Ladder(rungs, now_ns=stand.clock.now_ns, is_news=lambda: stand.news)
    for _ in range(4):
        told = stand.plays()
        assert told
        assert all(isinstance(said, Plan) for said in told)
        stand.waits(3.0)


def test_where_the_last_one_fails_the_error_is_raised():
    stand = Stand()
    best = Failing(stand.clock, (72,), MS // 2, 3)
    rungs = [Rung(Composer(best, Controls()), BEST)]
    stand.ladder = Ladder(rungs, now_ns=stand.clock.now_ns, is_news=lambda: stand.news)
    with pytest.raises(OutputError, match="not finite"):
        stand.plays()
