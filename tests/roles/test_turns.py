"""Turns foresee their next ask, so that a plan is there when it is needed."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.inputs import MS, S, phrase
from tests.outputs import note_ons

from ripieno.engine import Engine, Send, Tell
from ripieno.inference.controls import Controls
from ripieno.inference.manifest import for_role
from ripieno.minds.composer import Composer
from ripieno.music import messages
from ripieno.processes.loading import wake
from ripieno.protocol import Ask, Plan, PlannedNote
from ripieno.roles.replies import TRANSITIONS, State
from ripieno.settings.beginning import Beginning
from ripieno.settings.ensemble import Ensemble, SeatSettings
from ripieno.settings.params import Params
from ripieno.testing import READY, ScriptedModel, simulate


@pytest.fixture(scope="module")
def gru():
    return wake(for_role("answer", "event-gru"), "cpu")


class Hindsight:
    """A thinker that does nothing before it has to: it hears of no guess."""

    def __init__(self, mind):
        self._mind = mind

    def receive(self, message):
        if not (isinstance(message, Ask) and message.foreseen):
            self._mind.receive(message)

    def answer(self):
        return self._mind.answer()


def test_every_state_can_be_reached_and_leads_back_to_listening():
    assert set(TRANSITIONS.values()) == set(State)
    back = {
        before for (before, _), after in TRANSITIONS.items() if after is State.LISTENING
    }
    assert back == set(State) - {State.LISTENING}


def asks_at(engine, times_ns):
    """What is asked for at some instants: (time, Ask)."""
    return [
        (at_ns, effect.message)
        for at_ns in times_ns
        for effect in engine.advance(at_ns)
        if isinstance(effect, Tell) and isinstance(effect.message, Ask)
    ]


def playing(params=None, call=None):
    """An engine that has heard a phrase, and what it asked for meanwhile."""
    engine, asked = Engine(Beginning(params or Params(), seed=1)), []
    for at_ns, data in call or phrase():
        engine.heard(at_ns, data)
        asked += asks_at(engine, [at_ns])
    return engine, asked


def some_plan(ask, *, complete=False):
    note = PlannedNote(ask.start_ticks, ask.start_ticks + 90, 60, 70)
    return Plan(ask.revision, 0, (note,), ask.start_ticks + 700, complete=complete)


def test_the_reply_is_foreseen_as_soon_as_the_last_key_is_up():
    _, asked = playing()
    offs = [at_ns for at_ns, data in phrase() if messages.is_note_off(data)]
    assert [at_ns for at_ns, _ in asked] == offs
    assert all(ask.foreseen for _, ask in asked)
    assert len({ask.revision for _, ask in asked}) == len(asked)
    assert {ask.reply for _, ask in asked} == {1}


def test_while_a_key_is_held_nothing_is_foreseen():
    _, asked = playing(call=sorted(phrase(length_s=0.6))[:-1])
    assert not asked


@pytest.mark.parametrize("role", ["answer", "continue", "vary"])
def test_the_last_foreseen_ask_is_asked_when_the_phrase_is_over(role):
    engine, asked = playing(Params(role=role))
    guess = asked[-1][1]
    ((at_ns, ask),) = asks_at(engine, range(2 * S, 3 * S, MS))
    assert (guess.foreseen, ask.foreseen) == (True, False)
    assert (ask.revision, ask.reply) == (guess.revision, guess.reply)
    assert (ask.start_ticks, ask.until_ticks) == (guess.start_ticks, guess.until_ticks)
    assert at_ns < ask.timeline.ns_at(ask.start_ticks)
    assert at_ns > 2.2 * S  # 550 ms after the last onset


def test_a_pedal_and_a_changed_parameter_each_foresee_anew():
    engine, asked = playing()
    engine.heard(2 * S, messages.control(0, messages.SUSTAIN, 127))
    ((_, after_pedal),) = asks_at(engine, [2 * S])
    engine.turned(2 * S + MS, Ensemble(Params(temperature=1.3)))
    ((_, after_knob),) = asks_at(engine, [2 * S + MS])
    assert asked[-1][1].revision < after_pedal.revision < after_knob.revision
    assert after_knob.limits.temperature == 1.3


@pytest.mark.parametrize("role", ["answer", "continue"])
@pytest.mark.parametrize(
    ("busy", "meter", "density"),
    [(None, "4/4", 16.0), (6.0, "4/4", 3.0), (6.0, "3/4", 4.0), (40.0, "4/4", 16.0)],
)
def test_busy_bounds_the_notes_a_second_by_a_bar_of_felt_beats(
    role, busy, meter, density
):
    """Notes every 0.25 s: the felt beat is half a second."""
    engine, asked = playing(Params(role=role, busy=busy, meter=meter))
    asked += asks_at(engine, [6 * S])
    assert asked
    for _, ask in asked:
        assert ask.limits.density == pytest.approx(density)


def test_a_speculative_plan_is_silent_before_the_phrase_is_over():
    engine, asked = playing()
    guess = asked[-1][1]
    early = PlannedNote(0, 10, 60, 70)
    engine.thought(2 * S, Plan(guess.revision, 0, (early,), 0, complete=False), 1)
    times = range(2 * S, 3 * S, MS)
    sent = [(t, e) for t in times for e in engine.advance(t)]
    over_ns = next(t for t, e in sent if isinstance(e, Tell))
    assert not [t for t, e in sent if isinstance(e, Send) and t < over_ns]


def test_another_note_voids_a_speculative_plan_without_counting_a_loss():
    engine, asked = playing()
    guess = asked[-1][1]
    engine.heard(2 * S, messages.note_on(0, 67, 70))
    engine.advance(2 * S)
    engine.thought(2 * S + MS, some_plan(guess), 1)
    engine.heard(int(2.1 * S), messages.note_off(0, 67))
    ((_, another),) = asks_at(engine, [int(2.1 * S)])
    engine.thought(int(2.2 * S), some_plan(another, complete=True), 1)
    sent = [e for t in range(int(2.2 * S), 5 * S, MS) for e in engine.advance(t)]
    ons = [e for e in sent if isinstance(e, Send) and messages.is_note_on(e.data)]
    assert len(ons) == 1
    status = engine.status()
    assert (status.turns, status.ready, status.stale, status.fallbacks) == (1, 1, 0, 0)


def ons_between(engine, first_ns, last_ns):
    """When each note-on was sent, and what is sent."""
    ons = []
    for at_ns in range(first_ns, last_ns, MS):
        sends = [e for e in engine.advance(at_ns) if isinstance(e, Send)]
        engine.settle()
        ons += [
            (at_ns, e.due_ns, e.data[1]) for e in sends if messages.is_note_on(e.data)
        ]
    return ons


def test_a_section_that_is_late_moves_no_note():
    engine, asked = playing()
    ask = asked[-1][1]
    engine.thought(2 * S, some_plan(ask), 1)
    start_ns = ask.timeline.ns_at(ask.start_ticks)
    ons = ons_between(engine, 2 * S, start_ns + S)
    starts = [ask.start_ticks + 120 * place for place in range(1, 9)]
    rest = tuple(PlannedNote(t, t + 480, 70 + i, 70) for i, t in enumerate(starts))
    plan = Plan(ask.revision, 1, rest, ask.until_ticks, complete=True)
    engine.thought(start_ns + S, plan, 1)
    later = ons_between(engine, start_ns + S, start_ns + 4 * S)
    assert len(ons) == 1
    assert later
    assert all(at_ns - due_ns <= 26 * MS for at_ns, due_ns, _ in later)
    assert len(later) + engine.status().dropped == len(rest)
    assert engine.status().dropped > 2


def test_a_thinker_that_comes_back_before_the_first_note_doubles_none():
    engine, asked = playing()
    engine.thought(2 * S, some_plan(asked[-1][1], complete=True), 1)
    ((over_ns, ask),) = asks_at(engine, range(2 * S, int(2.5 * S), MS))
    engine.thought(over_ns + MS, READY)
    (_, again) = asks_at(engine, [over_ns + 2 * MS])[-1]
    assert again.revision != ask.revision
    engine.thought(over_ns + 3 * MS, some_plan(again, complete=True), 1)
    ons = ons_between(engine, over_ns + 3 * MS, 6 * S)
    assert [pitch for _, _, pitch in ons] == [60]


def test_an_answer_is_ready_when_its_first_section_was_there_before_it_was_asked_for():
    quick = simulate(phrase(), latency_ns=lambda: 50 * MS).engine.status()
    assert (quick.turns, quick.ready, quick.wait_p99_ms) == (1, 1, 0.0)


def test_an_answer_that_was_not_ready_is_counted_with_how_long_it_was_waited_for():
    slow = simulate(phrase(), latency_ns=lambda: 360 * MS).engine.status()
    assert (slow.turns, slow.ready, slow.fallbacks) == (1, 0, 0)
    assert 0 < slow.wait_p50_ms <= 360


def test_a_new_thinker_is_asked_the_open_question_again():
    engine, asked = playing()
    engine.thought(2 * S, READY)
    told = [e.message for e in engine.advance(2 * S) if isinstance(e, Tell)]
    assert isinstance(told[-1], Ask)
    assert told[-1].revision > asked[-1][1].revision
    assert told[-1].start_ticks == asked[-1][1].start_ticks


calls = st.lists(
    st.tuples(st.integers(1, 9), st.floats(0.15, 0.5), st.floats(0.05, 1.2)),
    min_size=1,
    max_size=3,
)


@settings(deadline=None, max_examples=8)
@given(calls, st.sampled_from(["answer", "continue"]))
def test_speculative_planning_changes_no_note(gru, calls, role):
    mind, ready = gru
    inputs, start_s = [], 1.0
    for count, gap_s, share in calls:
        pitches = [60 + 2 * n % 7 for n in range(count)]
        inputs += phrase(start_s, pitches, gap_s, gap_s * min(share, 0.9))
        start_s += count * gap_s + 4 * share
    params = Params(role=role)
    ahead = simulate(inputs, params, mind=mind, ready=ready, tail_s=6)
    after = simulate(inputs, params, mind=Hindsight(mind), ready=ready, tail_s=6)
    assert ahead.sent == after.sent
    assert after.engine.status().ready == 0


def test_composing_ahead_goes_no_further_than_the_first_section():
    engine, asked = playing()
    mind = Composer(ScriptedModel(), Controls())
    mind.receive(asked[-1][1])
    assert mind.answer() is not None
    assert mind.answer() is None
    ((_, ask),) = asks_at(engine, range(2 * S, 3 * S, MS))
    mind.receive(ask)
    rest = [plan.section for plan in iter(mind.answer, None)]
    assert rest[:1] in ([], [1])


def starts(params=None, clock=(), call=None):
    """Where the first reply begins, in ticks of the song."""
    call = phrase(1.07) if call is None else call
    simulation = simulate(sorted([*call, *clock]), params or Params(), tail_s=5)
    first_ns = min(at_ns for at_ns, _ in note_ons(simulation.sent))
    return simulation.engine.timeline.ticks_at(first_ns + MS)


def test_without_a_tempo_a_reply_begins_on_the_pulse_of_the_phrase():
    assert starts() % 480 > 10


def test_with_a_midi_clock_a_reply_begins_on_a_beat():
    clocks = [(n * S // 48, b"\xf8") for n in range(48 * 6)]
    assert starts(clock=[(0, b"\xfa"), *clocks]) % 480 <= 2


def test_beside_a_seat_that_keeps_a_tempo_a_reply_begins_on_a_beat():
    params = Params(bpm=97.0)
    seats = (
        SeatSettings("solo", {"role": "answer"}),
        SeatSettings("pad", {"role": "pad", "channel": 2}),
    )
    engine = Engine(Beginning(params, seats, seed=1))
    for at_ns, data in phrase(1.07):
        engine.heard(at_ns, data)
        engine.advance(at_ns)
    asked = [ask for _, ask in asks_at(engine, range(int(2.08 * S), 4 * S, MS))]
    assert asked
    assert {ask.start_ticks % 480 for ask in asked} == {0}


@pytest.mark.parametrize(("into_s", "is_one"), [(0.25, True), (0.5, False)])
def test_who_plays_on_into_a_reply_that_has_just_begun_had_only_paused(into_s, is_one):
    engine, asked = playing()
    engine.thought(2 * S, some_plan(asked[-1][1], complete=False), 1)
    start_ns = asked[-1][1].timeline.ns_at(asked[-1][1].start_ticks)
    for at_ns in range(2 * S, start_ns + int(into_s * S), MS):
        engine.advance(at_ns)
    again = phrase((start_ns / S) + into_s)
    longest = 0
    for at_ns, data in again:
        engine.heard(at_ns, data)
        for _, ask in asks_at(engine, [at_ns]):
            longest = max(longest, ask.until_ticks - ask.start_ticks)
    first = asked[-1][1].until_ticks - asked[-1][1].start_ticks
    assert (longest > 1.5 * first) == is_one
