"""`vary` in simulated time, with the published model."""

import pytest
from tests.command import MODELS
from tests.inputs import S, phrase
from tests.outputs import hanging, note_ons

from ripieno.engine import Engine, Tell
from ripieno.inference.manifest import for_role
from ripieno.music import messages
from ripieno.processes.loading import wake
from ripieno.protocol import Ask, Ready
from ripieno.settings.beginning import Beginning
from ripieno.settings.params import Params
from ripieno.testing import simulate

PITCHES = (67, 64, 60, 64, 67, 72, 71, 69, 67, 65, 64, 62)


@pytest.fixture(scope="module")
def awake():
    return wake(for_role("vary", "phrase-vae"), "cpu")


def played(awake, call=None, tail_s=12.0, **knobs):
    mind, ready = awake
    params = Params(role="vary", **knobs)
    return simulate(
        call or phrase(pitches=PITCHES), params, mind=mind, ready=ready, tail_s=tail_s
    )


def test_the_model_of_the_role_is_the_one_published(awake):
    _, ready = awake
    assert ready.model == "phrase-vae"
    assert ready.roles == ("vary",)
    assert (MODELS / "phrase-vae").is_dir()


def test_at_distance_0_it_repeats_the_phrase_on_the_beat(awake):
    simulation = played(awake, distance=0.0)
    notes = note_ons(simulation.sent)
    assert [pitch for _, pitch in notes] == list(PITCHES)
    gaps = [(at - notes[0][0]) / S for at, _ in notes]
    assert gaps == pytest.approx([0.25 * n for n in range(len(PITCHES))], abs=0.02)
    since_last_s = notes[0][0] / S - (1.0 + 0.25 * (len(PITCHES) - 1))
    assert since_last_s / 0.25 == pytest.approx(round(since_last_s / 0.25), abs=0.02)
    status = simulation.engine.status()
    assert status.turns == status.on_time == 1
    assert not status.fallbacks
    assert not hanging(simulation.sent)


def test_distance_0_9_plays_other_notes_of_about_the_same_length(awake):
    notes = note_ons(played(awake, distance=0.9).sent)
    assert [pitch for _, pitch in notes] != list(PITCHES)
    assert 1.5 < (notes[-1][0] - notes[0][0]) / S <= 3.0


def test_each_phrase_is_varied_anew_and_nothing_hangs(awake):
    calls = [event for n in range(6) for event in phrase(1.0 + 10 * n, pitches=PITCHES)]
    simulation = played(awake, calls, distance=0.7, busy=12.0)
    assert simulation.engine.status().turns == 6
    assert not hanging(simulation.sent)
    turns = [
        tuple(
            pitch
            for at, pitch in note_ons(simulation.sent)
            if 10 * n < at / S - 1 < 10 * n + 10
        )
        for n in range(6)
    ]
    assert len(set(turns)) > 3


def test_it_yields_the_moment_the_human_comes_in(awake):
    first_ns = note_ons(played(awake, distance=0.5).sent)[0][0]
    back_ns = first_ns + S // 3
    call = [*phrase(pitches=PITCHES), (back_ns, messages.note_on(0, 72, 80))]
    simulation = played(awake, call, tail_s=0.2, distance=0.5)
    assert not [at for at, _ in note_ons(simulation.sent) if at > back_ns]
    assert not hanging(simulation.sent)


def test_without_the_model_the_fallback_plays():
    class Dead:
        def receive(self, message):
            pass

        def answer(self):
            return None

    ready = Ready("none", "", "", "", ("vary",))
    simulation = simulate(
        phrase(pitches=PITCHES), Params(role="vary"), mind=Dead(), ready=ready
    )
    assert simulation.engine.status().fallbacks == 1
    assert note_ons(simulation.sent)
    assert not hanging(simulation.sent)


def test_an_ask_says_when_the_phrase_began_and_what_the_knobs_are():
    params = Params(role="vary", distance=0.3, blend=0.2, busy=1.0, rise=0.5)
    engine = Engine(Beginning(params, seed=1))
    asks = []
    for at_ns, data in phrase(2.0, pitches=PITCHES):
        engine.heard(at_ns, data)
        engine.advance(at_ns)
    for step in range(300):
        effects = engine.advance(5 * S + step * S // 100)
        asks += [
            e.message
            for e in effects
            if isinstance(e, Tell) and isinstance(e.message, Ask)
        ]
    ask = asks[0]
    assert ask.role == "vary"
    assert ask.closing
    assert ask.vary is not None
    assert ask.vary.since_ns == 2 * S
    assert (ask.vary.distance, ask.vary.blend) == (0.3, 0.2)
    assert (ask.vary.fill, ask.vary.rise, ask.vary.offbeat) == (-1.0, 0.5, 0.0)


@pytest.mark.parametrize(
    ("busy", "fill"),
    [(None, 0.0), (1.0, -1.0), (40.0, 1.0), (8.0, pytest.approx(0.09, abs=0.05))],
)
def test_an_ask_compares_busy_with_the_notes_a_bar_of_the_phrase(busy, fill):
    """12 sixteenths and a last pulse: 7.5 notes a bar."""
    call = phrase(2.0, pitches=PITCHES)
    engine = Engine(Beginning(Params(role="vary", busy=busy), seed=1))
    for at_ns, data in call:
        engine.heard(at_ns, data)
    effects = engine.advance(call[-1][0] + 1)
    told = [e.message for e in effects if isinstance(e, Tell)]
    (ask,) = (message for message in told if isinstance(message, Ask))
    assert ask.vary is not None
    assert ask.vary.fill == fill
    assert ask.limits.density == 16.0


def test_the_role_answer_asks_the_mind_of_answer():
    engine = Engine(Beginning(Params(role="answer"), seed=1))
    asks = []
    for at_ns, data in phrase(2.0, pitches=PITCHES):
        engine.heard(at_ns, data)
    for step in range(300):
        effects = engine.advance(5 * S + step * S // 100)
        asks += [e.message for e in effects if isinstance(e, Tell)]
    ask = next(message for message in asks if isinstance(message, Ask))
    assert ask.role == "answer"
    assert ask.vary is None
