"""Parameters changed in a performance take effect, leave no note, and replay."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.band import Band
from tests.outputs import unbalanced
from tests.tables import TURNABLE

from ripieno.clock import NS_PER_MS, NS_PER_S
from ripieno.engine import Engine, Send, Tell
from ripieno.files import journal
from ripieno.inference.controls import Controls
from ripieno.minds.composer import Composer
from ripieno.music import messages
from ripieno.protocol import Ask, Decide, Reset, Sing
from ripieno.settings.beginning import Beginning
from ripieno.settings.controllers import CONTROLS, turned
from ripieno.settings.ensemble import Ensemble, acted_on
from ripieno.settings.params import Params
from ripieno.settings.roles import ROLES
from ripieno.testing import READY, ScriptedModel

ALL = {name: 20 + place for place, name in enumerate(TURNABLE)}
"""Every knob on a controller: none of them is a pedal's."""


def test_a_controller_changes_lead_while_it_plays():
    engine = Engine(
        Beginning(Params(role="accompany", listen=0), seed=1, controls=CONTROLS)
    )
    weights = []
    for beat in range(16):
        at_ns = beat * NS_PER_S // 2
        engine.heard(at_ns, messages.note_on(0, 60 + beat % 5, 70))
        if beat == 8:
            engine.heard(at_ns, messages.control(3, 20, 127))
            assert engine.params.lead == 1.0
        effects = engine.advance(at_ns) + engine.advance(at_ns + NS_PER_S // 2 - 1)
        weights += [
            effect.message.trust
            for effect in effects
            if isinstance(effect, Tell) and isinstance(effect.message, Decide)
        ]
    assert weights[0] > 0
    assert weights[-1] == 0


def test_a_controller_that_turns_something_is_not_passed_on():
    engine = Engine(Beginning(Params(thru=True), seed=1, controls=CONTROLS))
    for number in (7, 20):
        engine.heard(5, messages.control(0, number, 100))
    sent = [effect.data for effect in engine.advance(5) if isinstance(effect, Send)]
    assert sent == [messages.control(0, 7, 100)]


def test_an_unmapped_controller_is_passed_on():
    engine = Engine(Beginning(Params(thru=True), seed=1))
    engine.heard(5, messages.control(0, 20, 100))
    assert engine.params == Params(thru=True)
    assert engine.advance(5)


def test_each_role_after_a_change_sends_its_own_kind_of_ask():
    engine = Engine(Beginning(Params(role="accompany", listen=0), seed=1))
    now_ns, asked = 0, []
    for role in ("accompany", "answer", "harmonize", "continue", "accompany"):
        engine.turned(now_ns, Ensemble(Params(role=role, listen=0)))
        kinds = set()
        for pitch in (60, 64, 67):
            for data in (messages.note_on(0, pitch, 70), messages.note_off(0, pitch)):
                engine.heard(now_ns, data)
                for _ in range(20):
                    now_ns += 10 * NS_PER_MS
                    kinds |= {
                        type(effect.message)
                        for effect in engine.advance(now_ns)
                        if isinstance(effect, Tell)
                    } & {Ask, Decide, Sing}
        for _ in range(100):
            now_ns += 20 * NS_PER_MS
            kinds |= {
                type(effect.message)
                for effect in engine.advance(now_ns)
                if isinstance(effect, Tell)
            } & {Ask, Decide, Sing}
        asked.append(kinds)
    assert asked == [{Decide}, {Ask}, {Sing}, {Ask}, {Decide}]


def test_a_return_to_the_first_role_resets_its_thinker_and_keeps_its_model():
    engine = Engine(Beginning(Params(), seed=1))
    engine.thought(0, READY)
    engine.turned(5, Ensemble(Params(role="accompany")))
    engine.advance(5)
    engine.turned(6, Ensemble(Params()))
    told = [e.message for e in engine.advance(6) if isinstance(e, Tell)]
    assert Reset("answer") in told
    assert engine.status().model == READY.model


def test_another_channel_ends_what_sounds_on_the_one_before():
    engine = Engine(Beginning(Params(role="harmonize", manner="thirds"), seed=1))
    engine.heard(0, messages.note_on(0, 72, 70))
    before = [e.data for e in engine.advance(1) if isinstance(e, Send)]
    assert unbalanced(before)
    engine.turned(2, Ensemble(Params(role="harmonize", manner="thirds", channel=5)))
    after = [e.data for e in engine.advance(2) if isinstance(e, Send)]
    assert not unbalanced(before + after)


def test_thru_that_is_switched_off_ends_what_it_has_passed_on():
    engine = Engine(Beginning(Params(thru=True), seed=1))
    engine.heard(0, messages.note_on(2, 60, 70))
    engine.heard(0, messages.control(2, messages.SUSTAIN, 127))
    engine.advance(0)
    engine.turned(1, Ensemble(Params()))
    sent = [e.data for e in engine.advance(1) if isinstance(e, Send)]
    assert sent == [
        messages.note_off(2, 60),
        messages.control(2, messages.SUSTAIN, 0),
    ]


def test_a_click_that_is_switched_on_late_begins_now():
    engine = Engine(Beginning(Params(role="accompany"), seed=1))
    hour_ns = 3600 * NS_PER_S
    engine.advance(hour_ns)
    engine.turned(hour_ns, Ensemble(Params(role="accompany", click=True)))
    sent = []
    for step in range(1, 21):
        at_ns = hour_ns + step * 100 * NS_PER_MS
        sent += [e for e in engine.advance(at_ns) if isinstance(e, Send)]
    clicks = [e for e in sent if messages.is_note_on(e.data) and e.data[0] == 0x99]
    assert 3 <= len(clicks) <= 5
    assert min(e.due_ns for e in clicks) >= hour_ns


def test_a_change_by_name_takes_effect_and_is_in_the_journal(tmp_path):
    band = Band(tmp_path)
    band.change(role="accompany", bpm=100, chord_lock="C F G7")
    shown = band.player.shown()
    changed = Params(role="accompany", bpm=100.0, chord_lock="C F G7")
    assert shown.ensemble == Ensemble(changed)
    assert (shown.taken, shown.refused) == (1, 0)
    assert band.replayed().differing == 0
    entries = [e for e in journal.read(band.path) if isinstance(e, journal.Turned)]
    assert [entry.ensemble for entry in entries] == [shown.ensemble]


@pytest.mark.parametrize(
    "record",
    [
        b"", b"{", b"\xff\xfe", b'{"fields":{"\xff":1}}', b"[]", b"3",
        b'{"fields":{"lead":2}}', b'{"fields":{"lead":"0.5"}}',
        b'{"fields":{"loudness":1}}', b'{"fields":{"seed":1}}',
        b'{"fields":{"low":99}}', b'{"fields":{"lead":NaN}}',
        b'{"fields":{"chart":"| H |"}}', b'{"fields":{"lead":1e999}}',
        b'{"fields":{"solo.bpm":90}}', b'{"fields":{"cello.busy":3}}',
        b'{"fields":[]}', b'{"remove":["solo"]}', b'{"add":[{"name":"solo"}]}',
    ],
)  # fmt: skip
def test_a_record_that_makes_no_sense_is_counted_and_ignored(tmp_path, record):
    band = Band(tmp_path)
    band.change(record)
    assert band.params == Params()
    assert band.player.status().refused == 1
    assert band.replayed().differing == 0
    assert not [e for e in journal.read(band.path) if isinstance(e, journal.Turned)]


def test_a_performance_with_changed_parameters_replays_exactly(tmp_path):
    band = Band(tmp_path, Params(role="accompany", listen=0))
    band.play(60, 64, 67, 65)
    band.feed(messages.control(0, 20, 127))
    band.play(60, 64, 67)
    band.change(role="harmonize", manner="sixths")
    band.play(72, 74, 76)
    band.change(role="answer", bpm=90, meter="6/8")
    band.play(60, 62, 64)
    band.run(3.0)
    band.change(role="accompany", chart="| C . | G7 . |", commit=2)
    band.play(60, 64, 67, 72)
    band.feed(messages.control(0, 25, 3))
    band.run(2.0)
    assert band.params.lead == 1.0
    found = band.replayed()
    assert (found.differing, found.first) == (0, "")
    assert found.outputs > 100
    assert not unbalanced(band.sent)


turns = st.tuples(st.sampled_from(sorted(ALL.values())), st.integers(0, 127)).map(
    lambda knob: messages.control(0, *knob)
)
notes = st.tuples(
    st.sampled_from((0x80, 0x90)), st.integers(57, 64), st.integers(0, 127)
).map(bytes)
pedals = st.integers(0, 127).map(lambda value: messages.control(0, 64, value))


@given(
    st.lists(st.tuples(st.integers(0, 700), st.one_of(turns, notes, pedals))),
    st.sampled_from(list(ROLES)),
)
def test_random_changes_of_parameters_leave_no_note_hanging(stream, role):
    engine = Engine(
        Beginning(Params(role=role, thru=True, listen=0), seed=1, controls=ALL)
    )
    engine.thought(0, READY)
    mind, sent, now_ns = Composer(ScriptedModel(), Controls()), [], 0

    def hand_over(effects):
        for effect in effects:
            if isinstance(effect, Send):
                assert effect.due_ns <= now_ns
                sent.append(effect.data)
                continue
            mind.receive(effect.message)
            while (said := mind.answer()) is not None:
                engine.thought(now_ns, said, effect.seat)
        engine.settle()

    for wait_ms, data in stream:
        until_ns = now_ns + wait_ms * NS_PER_MS
        while now_ns < until_ns:
            now_ns = min(now_ns + 50 * NS_PER_MS, until_ns)
            hand_over(engine.advance(now_ns))
        engine.heard(now_ns, data)
        hand_over(engine.advance(now_ns))
    hand_over(engine.release(now_ns))
    assert not unbalanced(sent)
    assert engine.status().sounding == 0


@settings(max_examples=200)
@given(st.sampled_from(TURNABLE), st.integers(0, 127), st.sampled_from(list(ROLES)))
def test_a_controller_of_any_parameter_changes_the_engines_params(name, value, role):
    before = Params(role=role)
    engine = Engine(Beginning(before, seed=1, controls=ALL))
    number = ALL[name]
    engine.heard(5, messages.control(9, number, value))
    after = acted_on(Ensemble(turned(before, name, value)))  # `ending=now` acts once
    assert engine.params == after.params
