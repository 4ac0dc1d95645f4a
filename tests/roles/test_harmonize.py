"""`harmonize` in simulated time: voices begin and end with their key."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.inputs import MS, S
from tests.outputs import hanging, note_offs, note_ons, unbalanced

from ripieno.engine import Engine, Send
from ripieno.music import messages, scales
from ripieno.protocol import Ready, Reset, Sing, Voices
from ripieno.settings.beginning import Beginning
from ripieno.settings.ensemble import Ensemble
from ripieno.settings.params import MANNERS, Params
from ripieno.simulation import Simulation
from ripieno.testing import simulate

READY = Ready("scripted", "", "script", "it is written down", ("harmonize",))
C_MAJOR = scales.named("C major")
OPEN = (12, 16, 24)
"""Semitones below the melody that the scripted mind sings."""


class Singer:
    """A mind that sings the same distances below whatever it is asked for."""

    def __init__(self):
        self.asked: list[Sing] = []
        self.resets = 0
        self._waiting: list[Sing] = []

    def receive(self, message):
        self.resets += isinstance(message, Reset)
        if isinstance(message, Sing):
            self.asked.append(message)
            self._waiting.append(message)

    def answer(self):
        if not self._waiting:
            return None
        sing = self._waiting.pop(0)
        below = sorted(sing.pitch - step for step in OPEN[: sing.voices])
        return Voices(sing.revision, tuple(below))


class Mute:
    """A mind that takes everything and says nothing."""

    def receive(self, message):
        pass

    def answer(self):
        return None


def harmonized(inputs, mind=None, *, latency_ms=0.0, tail_s=1.0, **play):
    """A performance in C major of which every note of the human's is in seconds."""
    timed = [(int(at_s * S), data) for at_s, data in inputs]
    return simulate(
        timed,
        Params(**{"role": "harmonize", "scale": "C major", **play}),
        mind=mind or Singer(),
        ready=READY,
        latency_ns=lambda: int(latency_ms * MS),
        tail_s=tail_s,
    )


def down(pitch, velocity=80):
    return messages.note_on(0, pitch, velocity)


def up(pitch):
    return messages.note_off(0, pitch)


NOTE = [(1.0, down(72)), (1.5, up(72))]


# ── with a mind ──────────────────────────────────────────────────────────────────────


def test_a_key_gets_its_voices_the_moment_they_come_and_they_end_with_it():
    played = harmonized(NOTE, latency_ms=3)
    assert note_ons(played.sent) == [
        (S + 3 * MS, 48),
        (S + 3 * MS, 56),
        (S + 3 * MS, 60),
    ]
    assert note_offs(played.sent) == [
        (3 * S // 2, 48),
        (3 * S // 2, 56),
        (3 * S // 2, 60),
    ]
    status = played.engine.status()
    assert (status.turns, status.on_time, status.fallbacks) == (1, 1, 0)


def test_the_mind_is_reset_and_asked_for_the_chosen_number_of_voices():
    singer = Singer()
    played = harmonized(NOTE, singer, voices=2, low=40)
    assert singer.resets == 1
    assert [(s.pitch, s.at_ns, s.voices) for s in singer.asked] == [(72, S, 2)]
    assert singer.asked[0].limits.low == 40
    assert len(note_ons(played.sent)) == 2


@pytest.mark.parametrize(
    ("scale", "chart", "expected"),
    [
        ("auto", "C | F G7 |", "C major"),
        ("D major", "C | F G7 |", "D major"),
        ("auto", "Am | E7 | Am | Dm |", "A harmonic minor"),
    ],
)
def test_without_a_scale_the_mind_is_told_that_of_the_chart(scale, chart, expected):
    singer = Singer()
    harmonized(NOTE, singer, scale=scale, chart=chart)
    told = singer.asked[0].limits.scale or 0
    scale_told = {pc for pc in range(12) if told >> pc & 1}
    assert scale_told >= scales.named(expected)
    assert len(scale_told) <= 8


def test_voices_are_softer_than_the_melody_and_follow_it():
    loud, soft = (
        harmonized([(1.0, down(72, velocity))], tail_s=0.1) for velocity in (120, 40)
    )
    velocities = [
        {s.data[2] for _, s in played.sent if messages.is_note_on(s.data)}
        for played in (loud, soft)
    ]
    assert velocities == [{102}, {34}]


def test_a_legato_line_lets_each_note_keep_its_own_voices():
    line = [(1.0, down(72)), (1.4, down(74)), (1.5, up(72)), (2.0, up(74))]
    played = harmonized(line)
    assert note_ons(played.sent)[3:] == [(1.4 * S, 50), (1.4 * S, 58), (1.4 * S, 62)]
    assert note_offs(played.sent)[:3] == [(1.5 * S, 48), (1.5 * S, 56), (1.5 * S, 60)]
    assert note_offs(played.sent)[3:] == [(2 * S, 50), (2 * S, 58), (2 * S, 62)]


def test_a_voice_that_two_keys_share_ends_with_the_one_that_took_it_over():
    line = [(1.0, down(72)), (1.4, down(84)), (1.5, up(72)), (2.0, up(84))]
    played = harmonized(line)  # both have a 60 below them
    assert [at for at, pitch in note_offs(played.sent) if pitch == 60] == [
        1.4 * S,
        2 * S,
    ]
    assert not hanging(played.sent)


def test_only_the_top_note_of_a_chord_is_harmonized():
    chord = [(1.0, down(64)), (1.01, down(72)), (1.02, down(67)), (2.0, up(72))]
    played = harmonized(chord, tail_s=0.1)
    after = [pitch for at, pitch in note_ons(played.sent) if at >= 1.01 * S]
    assert after == [48, 56, 60]
    assert {pitch for at, pitch in note_offs(played.sent) if at == 1.01 * S} == {
        40,
        48,
        52,
    }


# ── without one, or with a slow one ──────────────────────────────────────────────────


def test_a_late_answer_is_dropped_after_the_fallback_has_answered():
    played = harmonized(NOTE, latency_ms=20)
    status = played.engine.status()
    assert (status.fallbacks, status.stale) == (1, 1)
    assert {at for at, _ in note_ons(played.sent)} == {S + 8 * MS}
    assert {pitch % 12 for _, pitch in note_ons(played.sent)} <= C_MAJOR
    assert not hanging(played.sent)


def test_an_answer_for_a_key_that_is_up_is_dropped():
    played = harmonized([(1.0, down(72)), (1.004, up(72))], latency_ms=6)
    assert note_ons(played.sent) == []
    assert played.engine.status().stale == 1


def test_a_mind_that_never_answers_is_replaced_within_ten_milliseconds():
    played = harmonized(NOTE, Mute())
    assert {at for at, _ in note_ons(played.sent)} == {S + 8 * MS}
    assert played.engine.status().fallbacks == 1
    assert not hanging(played.sent)


def test_without_a_thinker_the_fallback_answers_at_once():
    engine = Engine(Beginning(Params(role="harmonize", scale="C major"), seed=1))
    simulation = Simulation(engine, None)
    simulation.play([(S, down(72)), (2 * S, up(72))])
    simulation.run_until(3 * S)
    assert [at for at, _ in note_ons(simulation.sent)] == [S, S, S]
    assert not hanging(simulation.sent)


@pytest.mark.parametrize("manner", [m for m in MANNERS if m != "learned"])
def test_parallels_come_at_once_and_stay_in_the_scale(manner):
    singer = Singer()
    tune = [60, 62, 64, 65, 67, 69, 71, 72]
    inputs = [
        (1 + 0.5 * place + length, data)
        for place, pitch in enumerate(tune)
        for length, data in ((0.0, down(pitch)), (0.4, up(pitch)))
    ]
    played = harmonized(inputs, singer, manner=manner, voices=2)
    assert singer.asked == []
    assert {at for at, _ in note_ons(played.sent)} == {
        S + n * S // 2 for n in range(len(tune))
    }
    assert {pitch % 12 for _, pitch in note_ons(played.sent)} <= C_MAJOR
    assert not hanging(played.sent)


def test_parallels_keep_to_the_register():
    played = harmonized(NOTE, manner="octave", voices=3, low=55, high=66)
    assert {pitch for _, pitch in note_ons(played.sent)} == {60}


# ── whatever happens ─────────────────────────────────────────────────────────────────


def engine_of(**play):
    engine = Engine(Beginning(Params(role="harmonize", **play), seed=1))
    engine.thought(0, READY)
    engine.advance(0)
    return engine


def is_sounding(effects):
    """Whether more notes began than ended among some effects."""
    data = [effect.data for effect in effects if isinstance(effect, Send)]
    return max(unbalanced(data).values(), default=0) > 0


def test_a_key_that_is_up_before_its_voices_began_leaves_none_behind():
    engine = engine_of(manner="thirds")
    engine.heard(S, down(72))
    engine.heard(S, up(72))  # both in one look at the port
    assert not is_sounding(engine.advance(S))
    assert not is_sounding(engine.advance(2 * S))


def test_a_key_that_is_struck_again_without_coming_up_ends_all_its_voices():
    played = harmonized([(1.0, down(72)), (1.5, down(72)), (2.0, up(72))], tail_s=0.2)
    assert {at for at, _ in note_ons(played.sent)} == {S, 3 * S // 2}
    assert max(at for at, _ in note_offs(played.sent)) == 2 * S
    assert not hanging(played.sent)


def test_the_daws_stop_and_a_panic_end_every_voice():
    engine = engine_of(manner="thirds")
    for stop in (lambda: engine.heard(2 * S, b"\xb0\x7b\x00"), engine_release(engine)):
        engine.heard(S, down(72))
        assert is_sounding(engine.advance(S))
        stop()
        engine.advance(2 * S)
        assert engine.status().sounding == 0
        assert engine.status().turn == "idle"
        assert engine.next_ns() is None


def engine_release(engine):
    return lambda: engine.release(2 * S)


def test_a_change_of_role_ends_every_voice():
    engine = engine_of(manner="thirds")
    engine.heard(S, down(72))
    engine.advance(S)
    engine.turned(2 * S, Ensemble(Params(role="answer")))
    engine.advance(2 * S)
    assert engine.status().sounding == 0


def test_the_turn_is_the_machines_while_a_key_is_down():
    engine = engine_of(manner="thirds")
    assert engine.status().turn == "idle"
    engine.heard(S, down(72))
    assert engine.status().turn == "machine"
    engine.heard(2 * S, up(72))
    assert engine.status().turn == "idle"


def test_pedals_have_no_voices():
    singer = Singer()
    played = harmonized([(1.0, messages.control(0, 64, 127))], singer)
    assert (singer.asked, note_ons(played.sent)) == ([], [])


steps = st.lists(
    st.tuples(
        st.integers(0, 60 * MS),
        st.booleans(),
        st.integers(58, 76),
        st.integers(1, 127),
    ),
    max_size=50,
)


@settings(deadline=None, max_examples=60)
@given(
    steps,
    st.sampled_from(MANNERS),
    st.integers(1, 3),
    st.sampled_from([0.0, 5.0, 30.0]),
)
def test_random_keys_leave_no_voice_sounding_after_its_key(
    stream, manner, voices, latency_ms
):
    at_ns, inputs = S, []
    for gap_ns, is_down, pitch, velocity in stream:
        at_ns += gap_ns
        inputs.append((at_ns / S, down(pitch, velocity) if is_down else up(pitch)))
    at_ns += S
    inputs += [(at_ns / S, up(pitch)) for pitch in range(58, 77)]
    played = harmonized(inputs, latency_ms=latency_ms, manner=manner, voices=voices)
    assert played.engine.status().turn == "idle"
    assert played.engine.status().sounding == 0
    assert not hanging(played.sent)
    assert all(at >= sent.due_ns for at, sent in played.sent)
    assert max((at for at, _ in played.sent), default=0) <= at_ns


@pytest.mark.parametrize(("latency_ms", "sounds_ms"), [(0.5, 5), (4.5, 5), (6.5, 6.5)])
def test_on_an_exact_port_voices_have_one_delay_after_every_key(latency_ms, sounds_ms):
    engine = Engine(
        Beginning(
            Params(role="harmonize", scale="C major"),
            seed=1,
            reach_ns=9 * MS,
            answer_ns=5 * MS,
        )
    )
    played = Simulation(
        engine, Singer(), ready=READY, latency_ns=lambda: int(latency_ms * MS)
    )
    downs = [S + number * (S + 777_777) for number in range(8)]
    for at_ns in downs:
        played.play([(at_ns, messages.note_on(0, 72, 80))])
        played.play([(at_ns + S // 2, messages.note_off(0, 72))])
    played.stop()
    sends = [send for _, send in played.sent]
    ons = [s.due_ns for s in sends if messages.is_note_on(s.data)]
    assert ons == [at + int(sounds_ms * MS) for at in downs for _ in OPEN]
    offs = [s.due_ns for s in sends if messages.is_note_off(s.data)]
    assert offs == [at + S // 2 for at in downs for _ in OPEN]


def test_two_voices_scheduled_before_one_advance_keep_their_exact_due_times():
    engine = Engine(Beginning(Params(role="harmonize", manner="thirds", voices=1)))
    keys_ns = (100_300_000, 140_700_000)
    for at_ns, pitch in zip(keys_ns, (60, 72), strict=True):
        engine.heard(at_ns, messages.note_on(0, pitch, 80))
    sent = [e for e in engine.advance(141_000_000) if isinstance(e, Send)]
    assert tuple(send.due_ns for send in sent) == keys_ns
