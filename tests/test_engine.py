from itertools import pairwise

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.inputs import S, phrase
from tests.outputs import hanging, note_ons

from ripieno.engine import Engine, Send, Tell
from ripieno.inference.controls import Controls
from ripieno.minds.composer import Composer
from ripieno.music import messages
from ripieno.protocol import Ask, Plan, PlannedNote
from ripieno.settings.beginning import Beginning
from ripieno.settings.params import Params
from ripieno.testing import READY, ScriptedModel, simulate


def test_it_answers_when_the_phrase_is_over():
    played = simulate(phrase(1.0))
    first_ns, _ = note_ons(played.sent)[0]
    assert 2.2 * S < first_ns < 3.0 * S
    assert first_ns == played.sent[0][1].due_ns
    assert played.engine.status().turns == 1
    assert not hanging(played.sent)


def test_the_reply_is_about_as_long_as_the_call():
    for notes in (4, 12, 30):
        call = phrase(1.0, pitches=[60 + i % 7 for i in range(notes)])
        reply = note_ons(simulate(call, tail_s=20).sent)
        call_s = notes * 0.25
        reply_s = (reply[-1][0] - reply[0][0]) / S
        assert call_s * 0.6 < reply_s < call_s * 1.4 + 1.0


def test_a_reply_is_not_answered():
    played = simulate(phrase(1.0), tail_s=60)
    assert played.engine.status().turns == 1


def test_it_yields_the_moment_the_human_comes_in():
    call = phrase(1.0)
    reply_ns = note_ons(simulate(call).sent)[0][0]
    back_ns = reply_ns + 300_000_000
    played = simulate([*call, (back_ns, messages.note_on(0, 72, 80))], tail_s=0.2)
    assert not [at for at, s in note_ons(played.sent) if at > back_ns]
    released = [at for at, s in played.sent if messages.is_note_off(s.data)]
    assert max(released) == back_ns
    assert not hanging(played.sent)


def test_a_phrase_that_goes_on_is_not_answered_in_between():
    call = phrase(1.0) + phrase(2.25, gap_s=0.25)
    replies = note_ons(simulate(call).sent)
    assert replies[0][0] > 3.2 * S


def test_continue_plays_on_until_the_human_plays():
    call, back = phrase(1.0), phrase(31.0)
    played = simulate(call + back, Params(role="continue"), tail_s=0.5)
    times = [at for at, _ in note_ons(played.sent)]
    gaps = [b - a for a, b in pairwise(times) if a < 30.5 * S]
    assert max(gaps) < 1.0 * S
    assert not [at for at in times if 31.0 * S < at < 31.9 * S]
    assert not hanging(played.sent)


def test_a_plan_that_comes_too_late_is_not_played():
    late = simulate(phrase(1.0), latency_ns=lambda: 2 * S)
    status = late.engine.status()
    assert status.fallbacks == 1
    assert status.stale > 0
    assert status.on_time == 0
    assert note_ons(late.sent)
    assert not hanging(late.sent)


def test_a_latency_within_the_wait_moves_no_note():
    prompt, slow = (
        simulate(phrase(1.0)),
        simulate(phrase(1.0), latency_ns=lambda: S // 5),
    )
    assert [(s.due_ns, s.data) for _, s in prompt.sent] == [
        (s.due_ns, s.data) for _, s in slow.sent
    ]


class Dead:
    """A mind that takes everything and says nothing."""

    def receive(self, message):
        pass

    def answer(self):
        return None


@pytest.mark.parametrize("role", ["answer", "continue"])
def test_without_a_thinker_the_fallback_plays(role):
    played = simulate(phrase(1.0), Params(role=role), mind=Dead(), tail_s=20)
    status = played.engine.status()
    assert status.fallbacks >= 1
    assert len(note_ons(played.sent)) >= 4
    assert not hanging(played.sent)


def test_later_input_does_not_change_what_was_sent():
    call = phrase(1.0)
    other = [*call, *phrase(4.0, pitches=(50, 55, 59))]
    same = [*call, *phrase(4.0, pitches=(72, 71, 69))]
    until = 4 * S
    sent = [
        [(at, s) for at, s in simulate(inputs).sent if at < until]
        for inputs in (other, same)
    ]
    assert sent[0]
    assert sent[0] == sent[1]


def test_the_daws_stop_silences_and_is_not_answered():
    stop = [(int(1.9 * S) + c, messages.control(c, 123, 0)) for c in range(16)]
    assert not note_ons(simulate(phrase(1.0) + stop).sent)
    reply_ns = note_ons(simulate(phrase(1.0)).sent)[0][0]
    stop = [(reply_ns + S // 3 + c, messages.control(c, 123, 0)) for c in range(16)]
    played = simulate(phrase(1.0) + stop)
    assert not [at for at, _ in note_ons(played.sent) if at > reply_ns + S // 3 + 16]
    assert not hanging(played.sent)


def test_an_echo_of_its_own_notes_is_not_heard():
    call = phrase(1.0)
    reply = simulate(call).sent
    looped = call + [(at + 5_000_000, s.data) for at, s in reply]
    played = simulate(sorted(looped))
    assert played.engine.status().echoes > 0
    assert [s for _, s in played.sent] == [s for _, s in reply]


def test_thru_passes_on_what_comes_in_and_always_ends_it():
    played = simulate([(S, messages.note_on(4, 60, 70))], Params(thru=True), tail_s=0.1)
    assert [s.data for _, s in played.sent] == [
        messages.note_on(4, 60, 70),
        messages.note_off(4, 60),
    ]


def test_it_plays_on_the_channel_it_is_told_to():
    sent = simulate(phrase(1.0), Params(channel=5)).sent
    assert {messages.channel_of(s.data) for _, s in sent} == {4}


def test_a_new_thinker_is_told_the_whole_history():
    engine = Engine(Beginning(Params(), seed=1))
    for at_ns, data in phrase(1.0):
        engine.heard(at_ns, data)
        engine.advance(at_ns)
    engine.thought(S, READY)
    told = [e.message for e in engine.advance(S) if isinstance(e, Tell)]
    names = [type(m).__name__ for m in told]
    assert names == ["Reset"] + ["Played"] * 8 + ["Ask"]


def test_a_reply_whose_thinker_died_ends_after_its_last_section():
    engine = Engine(Beginning(Params(), seed=1))
    for at_ns, data in phrase(1.0, pitches=[60 + n % 5 for n in range(20)]):
        engine.heard(at_ns, data)
    mind = Composer(ScriptedModel(), Controls())
    now_ns = 0
    while engine.status().turn != "machine":
        now_ns += S // 50
        for effect in engine.advance(now_ns):
            if isinstance(effect, Tell) and isinstance(effect.message, Ask):
                mind.begin(effect.message)
                section = mind.answer()
                assert section is not None
                assert not section.complete
                engine.thought(now_ns, section, 1)
    engine.thought(now_ns, READY)
    engine.advance(now_ns + 5 * S)
    engine.advance(now_ns + 6 * S)
    assert engine.status().turn == "idle"
    assert engine.status().sounding == 0


def test_a_section_out_of_order_is_stale():
    engine = Engine(Beginning(Params(), seed=1))
    for at_ns, data in phrase(1.0):
        engine.heard(at_ns, data)
    asks = [
        e.message
        for e in engine.advance(int(2.3 * S))
        if isinstance(e, Tell) and isinstance(e.message, Ask)
    ]
    note = PlannedNote(asks[0].start_ticks, asks[0].start_ticks + 9, 60, 70)
    engine.thought(2 * S, Plan(asks[0].revision, 1, (note,), 0, complete=False), 1)
    engine.thought(2 * S, Plan(asks[0].revision + 1, 0, (note,), 0, complete=False), 1)
    assert engine.status().stale == 2


def test_notes_are_counted_late_against_when_they_were_due():
    engine = Engine(Beginning(Params(), seed=1))
    mind = Composer(ScriptedModel(), Controls())
    for at_ns, data in phrase(1.0):
        engine.heard(at_ns, data)
    for effect in engine.advance(int(2.1 * S)):
        if isinstance(effect, Tell) and isinstance(effect.message, Ask):
            mind.begin(effect.message)
            section = mind.answer()
            assert section is not None
            engine.thought(2 * S, section, 1)
            due_ns = effect.message.timeline.ns_at(effect.message.start_ticks)
    sends = [e for e in engine.advance(due_ns + 7_000_000) if isinstance(e, Send)]
    assert sends[0].due_ns == due_ns
    assert engine.status().late_p50_ms == 7.0
    assert engine.status().on_time == 0


steps = st.lists(
    st.tuples(
        st.integers(0, 400_000_000),
        st.one_of(
            st.binary(max_size=4),
            st.tuples(
                st.integers(0x80, 0x9F), st.integers(58, 64), st.integers(0, 127)
            ).map(bytes),
        ),
    ),
    max_size=60,
)


@given(steps, st.sampled_from(["answer", "continue"]), st.booleans())
def test_random_input_leaves_no_note_hanging_and_none_is_early(stream, role, thru):
    at_ns, inputs = 0, []
    for gap_ns, data in stream:
        at_ns += gap_ns
        inputs.append((at_ns, data))
    played = simulate(inputs, Params(role=role, thru=thru), tail_s=5)
    assert not hanging(played.sent)
    assert all(at >= send.due_ns for at, send in played.sent)


def test_a_change_of_model_is_counted_and_repeats_no_history():
    engine = Engine(Beginning(Params(), seed=1))
    engine.thought(0, READY)
    for at_ns, data in phrase(1.0):
        engine.heard(at_ns, data)
        engine.advance(at_ns)
    light = msgspec.structs.replace(READY, model="light", shift=-1)
    engine.thought(2 * S, light)
    assert not engine.advance(2 * S)
    status = engine.status()
    assert (status.model, status.shed, status.climbed) == ("light", 1, 0)
    engine.thought(2 * S, msgspec.structs.replace(READY, shift=1))
    status = engine.status()
    assert (status.model, status.shed, status.climbed) == (READY.model, 1, 1)
