"""Planned notes are handed over ahead of their time, and leave at the same time."""

import heapq

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ripieno.clock import NS_PER_MS, NS_PER_S
from ripieno.engine import Engine, Send
from ripieno.inference.controls import Controls
from ripieno.minds.composer import Composer
from ripieno.music import messages
from ripieno.settings.beginning import Beginning
from ripieno.settings.params import Params
from ripieno.simulation import Simulation
from ripieno.testing import READY, ScriptedModel

REACH_NS = 8 * NS_PER_MS


def performance(reach_ns, role="answer", **play):
    """A performance of four notes whose reply is handed over ahead by `reach_ns`."""
    engine = Engine(Beginning(Params(role=role, **play), seed=1, reach_ns=reach_ns))
    simulation = Simulation(engine, Composer(ScriptedModel(), Controls()), ready=READY)
    for number, pitch in enumerate((60, 62, 64, 65)):
        at_ns = NS_PER_S + number * NS_PER_S // 4
        simulation.play([(at_ns, messages.note_on(0, pitch, 70))])
        simulation.play([(at_ns + NS_PER_S // 5, messages.note_off(0, pitch))])
    return simulation


def sent(simulation):
    return [(send.due_ns, send.data) for _, send in simulation.sent]


def test_every_planned_note_is_handed_over_ahead_by_the_reach():
    ahead, plain = performance(REACH_NS), performance(0)
    for simulation in (ahead, plain):
        simulation.run_until(6 * NS_PER_S)
    assert len(sent(ahead)) > 6
    assert sent(ahead) == sent(plain)
    assert {send.due_ns - now_ns for now_ns, send in ahead.sent} == {REACH_NS}
    assert {send.due_ns - now_ns for now_ns, send in plain.sent} == {0}


def test_a_note_handed_over_early_counts_no_lateness():
    ahead = performance(REACH_NS)
    ahead.run_until(6 * NS_PER_S)
    status = ahead.engine.status()
    assert (status.late_p50_ms, status.late_p99_ms) == (0.0, 0.0)
    assert (status.turns, status.on_time) == (1, 1)


@pytest.mark.parametrize("period_frames", [128, 1024])
def test_an_echo_is_recognised_at_any_hand_over_time(period_frames):
    """A DAW returns every message two buffers after it sounded."""
    period_ns = period_frames * NS_PER_S // 48_000
    simulation = performance(period_ns + 5 * NS_PER_MS)
    heard, back = 0, list[tuple[int, bytes]]()
    while simulation.now_ns < 12 * NS_PER_S:
        simulation.run_until(simulation.now_ns + NS_PER_MS)
        for _, send in simulation.sent[heard:]:
            heapq.heappush(back, (send.due_ns + 2 * period_ns, send.data))
        heard = len(simulation.sent)
        while back and back[0][0] <= simulation.now_ns:
            simulation.play([heapq.heappop(back)])
    status = simulation.engine.status()
    assert status.echoes > 3
    assert status.turns == 1


@settings(max_examples=40)
@given(
    st.sampled_from(["answer", "continue", "harmonize"]),
    st.integers(0, 3000),
    st.integers(0, 40),
)
def test_an_interruption_at_any_time_leaves_no_note_hanging(role, at_ms, reach_ms):
    simulation = performance(reach_ms * NS_PER_MS, role)
    at_ns = 2 * NS_PER_S + at_ms * NS_PER_MS
    simulation.play([(at_ns, messages.note_on(0, 72, 70))])
    simulation.play([(at_ns + 1, messages.note_off(0, 72))])
    simulation.stop()
    sounding = set()
    # As a port orders them: by their times, those of one key as they were handed over.
    last: dict[int, int] = {}
    for now_ns, send in simulation.sent:
        key = send.data[1]
        last[key] = max(send.due_ns, now_ns, last.get(key, 0))
        if messages.is_note_on(send.data):
            sounding.add(key)
        else:
            sounding.discard(key)
    assert not sounding


def test_clicks_are_handed_over_ahead():
    engine = Engine(
        Beginning(Params(role="accompany", click=True), seed=1, reach_ns=REACH_NS)
    )
    simulation = Simulation(engine, None)
    simulation.run_until(4 * NS_PER_S)
    ons = [(at, s) for at, s in simulation.sent if messages.is_note_on(s.data)]
    assert len(ons) > 5
    assert {s.due_ns - at for at, s in ons[1:]} == {REACH_NS}


@pytest.mark.parametrize(
    "play",
    [{"role": "loop"}, {"role": "accompany", "commit": 1}],
    ids=["loop", "commit"],
)
def test_promised_chords_are_handed_over_ahead_of_the_beat(play):
    """The first notes of a bar are handed over ahead, like all others."""
    params = Params(lead=1.0, listen=0, bpm=120.0, chart="C F G C", **play)
    engine = Engine(Beginning(params, seed=1, reach_ns=REACH_NS))
    simulation = Simulation(engine, None)
    simulation.play([(NS_PER_S, messages.note_on(0, 60, 70))])
    simulation.play([(NS_PER_S + NS_PER_S // 3, messages.note_off(0, 60))])
    simulation.run_until(12 * NS_PER_S)
    ons = [(at, s) for at, s in simulation.sent if messages.is_note_on(s.data)]
    assert sum(s.due_ns % (NS_PER_S // 2) == 0 for _, s in ons) > 8
    assert {s.due_ns - at for at, s in ons} == {REACH_NS}


@pytest.mark.parametrize("reach_ns", [0, REACH_NS])
def test_an_echo_is_due_when_its_key_went_down(reach_ns):
    engine = Engine(Beginning(Params(thru=True), seed=1, reach_ns=reach_ns))
    engine.heard(5, messages.note_on(0, 60, 70))
    assert engine.advance(9)[0] == Send(5, messages.note_on(0, 60, 70))


def test_voices_are_an_echo_of_their_key():
    """A voice is due at the stamp of its key, so a port can recognise it."""
    engine = Engine(
        Beginning(Params(role="harmonize", manner="thirds"), seed=1, reach_ns=REACH_NS)
    )
    for number in range(8):
        at_ns = (number + 1) * NS_PER_S + 777_777 * number
        engine.heard(at_ns, messages.note_on(0, 72, 90))
        ons = [
            effect.due_ns
            for effect in engine.advance(at_ns + 1000)
            if isinstance(effect, Send) and messages.is_note_on(effect.data)
        ]
        assert ons
        assert set(ons) == {at_ns}
        engine.heard(at_ns + NS_PER_S // 4, messages.note_off(0, 72))
        engine.advance(at_ns + NS_PER_S // 4)


def test_the_voices_of_a_very_short_key_begin_before_they_end():
    """A port drops a note whose note-off is due before its note-on."""
    engine = Engine(
        Beginning(
            Params(role="harmonize", manner="thirds"),
            seed=1,
            reach_ns=REACH_NS,
            answer_ns=REACH_NS,
        )
    )
    simulation = Simulation(engine, None)
    simulation.play([(NS_PER_S, messages.note_on(0, 72, 90))])
    simulation.play([(NS_PER_S + NS_PER_MS, messages.note_off(0, 72))])
    simulation.run_until(2 * NS_PER_S)
    due = {messages.is_note_on(s.data): s.due_ns for _, s in simulation.sent}
    assert due[False] >= due[True]
