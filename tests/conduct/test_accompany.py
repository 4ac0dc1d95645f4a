"""Accompaniment: when it enters, what a beat is decided with, and what always holds."""

import random
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.accompanied import (
    BASS,
    CHORDS,
    LATE_NS,
    TEXTURE,
    TWINKLE,
    WINDOW,
    clocks,
    holds,
    merged,
    names,
    performed,
    started,
)
from tests.inputs import (
    BEAT,
    CLOCK,
    CONTINUE,
    MS,
    START,
    STOP,
    key,
    line,
    song_position,
)
from tests.outputs import hanging, note_ons

from ripieno.music import messages
from ripieno.music.spans import Note
from ripieno.settings.ensemble import Ensemble
from ripieno.settings.params import Params
from ripieno.testing import ScriptedDuet

# ── entering ──────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(("listen", "enters"), [(8, 8), (4, 4), (0, 1)])
def test_it_enters_with_the_first_note_after_the_beats_of_listen(listen, enters):
    played = performed(line(TWINKLE), ScriptedDuet(), listen=listen)
    assert min(at for at, _ in note_ons(played.sent)) == enters * BEAT


def test_the_beats_of_listen_count_from_the_first_note():
    played = performed(line(TWINKLE, at_beat=5), ScriptedDuet())
    assert min(at for at, _ in note_ons(played.sent)) == (5 + 8) * BEAT


def test_a_silent_musician_is_not_accompanied():
    played = performed([(40 * BEAT, messages.control(0, 1, 0))], ScriptedDuet())
    assert note_ons(played.sent) == []
    assert played.engine.status().turn == "idle"


def test_the_turn_is_the_humans_until_it_enters():
    played = started(ScriptedDuet())
    turns = []
    for at_ns, data in line(TWINKLE, beats=10):
        played.play([(at_ns, data)])
        played.run_until(at_ns)
        turns.append(played.engine.status().turn)
    assert turns == ["human"] * 16 + ["machine"] * 4


# ── on the beat ───────────────────────────────────────────────────────────────────────


def test_the_chord_decided_on_the_beat_holds_the_note_just_played():
    mind = ScriptedDuet()
    performed(line(TWINKLE, beats=32), mind)
    heard = {beat: TWINKLE[beat % 16] for beat in range(8, 32)}
    assert {
        beat for beat, pitch in heard.items() if holds(names(mind)[beat], pitch)
    } == (set(heard))


def test_chord_bass_and_texture_begin_with_the_note_that_decided_them():
    played = performed(line(TWINKLE), ScriptedDuet())
    assert {at % BEAT for at, _ in note_ons(played.sent, CHORDS) if at < 24 * BEAT} == {
        0
    }
    assert [at for at, _ in note_ons(played.sent, BASS)][:16] == [
        n * BEAT for n in range(8, 24)
    ]
    for at, _ in note_ons(played.sent, TEXTURE):
        assert 0 <= at % BEAT - BEAT // 2 <= LATE_NS


def test_an_answer_of_some_milliseconds_is_waited_for():
    played = performed(line(TWINKLE), ScriptedDuet(), latency_ms=7)
    assert min(at for at, _ in note_ons(played.sent)) == 8 * BEAT + 7 * MS
    assert played.engine.status().fallbacks == 0


def test_a_beat_without_a_note_plays_the_backup():
    offbeats = [(at + BEAT // 2, data) for at, data in line(TWINKLE)]
    mind = ScriptedDuet()
    played = performed(offbeats, mind)
    assert Counter(ask.index for ask in mind.asked).most_common(1)[0][1] == 1
    assert min(at for at, _ in note_ons(played.sent)) == 8 * BEAT + WINDOW
    assert played.engine.status().fallbacks == 0


def test_a_note_on_the_beat_is_decided_anew_despite_a_backup():
    mind = ScriptedDuet()
    performed(line(TWINKLE), mind)
    asked = Counter(ask.index for ask in mind.asked)
    assert {asked[index] for index in range(2, 24)} == {2}
    assert {ask.staleness for ask in mind.asked} == {0}


@pytest.mark.parametrize(("late_ms", "played_ms"), [(1, 1), (24, 24), (26, 25)])
def test_a_human_up_to_25_ms_late_is_waited_for(late_ms, played_ms):
    offbeats = [(at + BEAT // 2, data) for at, data in line(TWINKLE)]
    melody = sorted([*offbeats, *key(8 * BEAT + late_ms * MS, 72, BEAT // 4)])
    played = performed(melody, ScriptedDuet())
    assert note_ons(played.sent)[0][0] == 8 * BEAT + played_ms * MS


def test_an_early_note_is_answered_on_the_beat():
    melody = [(at - 20 * MS * (at == 8 * BEAT), data) for at, data in line(TWINKLE)]
    mind = ScriptedDuet()
    played = performed(sorted(melody), mind)
    assert min(at for at, _ in note_ons(played.sent)) == 8 * BEAT
    assert holds(names(mind)[8], TWINKLE[8])


def test_after_punctual_notes_a_missing_one_is_waited_for_4_ms():
    melody = [m for m in line(TWINKLE, beats=24) if m[0] < 20 * BEAT]
    played = performed(melody, ScriptedDuet(), tail_beats=6)
    assert 20 * BEAT + 4 * MS in {at for at, _ in note_ons(played.sent, BASS)}


@pytest.mark.parametrize("latency_ms", [0, 5, 12])
def test_asynchrony_stays_below_what_an_ensemble_notices(latency_ms):
    chance = random.Random(5)
    melody = sorted(
        message
        for beat in range(200)
        for message in key(
            int((beat + 1) * BEAT + chance.gauss(0, 8) * MS), TWINKLE[beat % 16]
        )
    )
    played = performed(melody, ScriptedDuet(), latency_ms=latency_ms)
    assert 0 < played.engine.status().asynchrony_p95_ms <= 30
    assert played.engine.status().isr == 1.0


# ── whatever happens ──────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("how", ["panic", "another role", "another channel"])
def test_panic_another_role_and_another_channel_release_everything(how):
    played = started(ScriptedDuet())
    played.play(line(TWINKLE, beats=12))
    engine = played.engine
    assert engine.status().sounding >= 4
    if how == "panic":
        played.stop()
    elif how == "another role":
        engine.turned(played.now_ns, Ensemble(Params(role="harmonize")))
    else:
        engine.turned(played.now_ns, Ensemble(Params(role="accompany", channel=9)))
    played.run_until(played.now_ns)
    played.play([(played.now_ns, messages.control(0, 1, 1))])
    assert engine.status().sounding == 0
    assert not hanging(played.sent)


CHANGES = (
    {"bpm": 93.0}, {"bpm": 241.0}, {"meter": "3/4"}, {"meter": "6/8"},
    {"meter": "7/16"}, {"thru": True}, {"thru": False},
    {"commit": 1}, {"commit": 4}, {"commit": 0}, {"chart": "| C | - | | F G |"},
    {"chart": ""}, {"chord_lock": "Am F"}, {"scale": "D dorian"}, {"lead": 1.0},
    {"lead": 0.0}, {"parts": "bass"}, {"parts": "chords bass texture"}, {"channel": 3},
    {"channel": 16}, {"swing": 1.0}, {"low": 60, "high": 65}, {"role": "harmonize"},
    {"role": "answer"}, {"role": "accompany"}, {"role": "accompany"},
    {"click": True}, {"click": False}, {"listen": 0}, {"chart": "C@3"},
    {"phrase": 2}, {"busy": 9.0, "thick": 2.0}, {"texture": "song"},
)  # fmt: skip


def anything(chance):
    """One thing that a musician, a DAW or a cable may do."""
    pitch, velocity = chance.randrange(40, 90), chance.randrange(128)
    return chance.choices(
        (
            bytes((0x90 | chance.randrange(2), pitch, velocity)),
            bytes((0x80 | chance.randrange(2), pitch, 64)),
            CLOCK,
            chance.choice(
                (START, CONTINUE, STOP, song_position(4 * chance.randrange(99)))
            ),
            bytes((0xB0, chance.choice((64, 67, 120, 123)), chance.choice((0, 127)))),
            chance.choice(CHANGES),
            chance.randbytes(chance.randrange(1, 4)),
            "panic",
        ),
        (40, 25, 40, 3, 3, 6, 2, 1),
    )[0]


def at_random(played, chance, steps):
    """So many steps of anything, a clock's or a hand's distance apart."""
    params = played.engine.params
    for _ in range(steps):
        at_ns = played.now_ns + chance.choice((0, 1, 5, 21, 21, 21, 90, 400)) * MS
        event = anything(chance)
        if isinstance(event, bytes):
            played.play([(at_ns, event)])
            continue
        played.run_until(at_ns)
        if event == "panic":
            played.stop()
        else:
            params = Params(**{**{f: getattr(params, f) for f in FIELDS}, **event})
            played.engine.turned(at_ns, Ensemble(params))


FIELDS = Params.__struct_fields__


@settings(deadline=None, max_examples=12)
@given(
    st.integers(0, 2**32),
    st.sampled_from([0.0, 6.0, 130.0, 700.0, None]),
)
def test_random_events_leave_no_note_hanging_and_none_is_early(seed, latency_ms):
    mind = None if latency_ms is None else ScriptedDuet()
    played = started(mind, latency_ms=latency_ms or 0, listen=2, thru=True)
    at_random(played, random.Random(seed), steps=400)
    played.stop()
    assert not hanging(played.sent)
    assert played.engine.status().sounding == 0
    assert all(at >= send.due_ns for at, send in played.sent)
    assert all(max(send.data[1:]) < 0x80 for _, send in played.sent)


def test_an_hour_of_random_events_leaves_nothing_sounding():
    played = started(ScriptedDuet(), latency_ms=9, listen=0)
    at_random(played, random.Random(7), steps=12_000)
    played.stop()
    assert len(note_ons(played.sent)) > 1_000
    assert not hanging(played.sent)


# ── at the edges ──────────────────────────────────────────────────────────────────────


def test_the_pad_stays_in_the_register():
    played = performed(line(TWINKLE), ScriptedDuet(), low=60, high=96)
    assert min(pitch for _, pitch in note_ons(played.sent, CHORDS)) >= 60


def test_no_part_plays_on_the_drum_channel():
    played = performed(line(TWINKLE), ScriptedDuet(), channel=9)
    assert {messages.channel_of(send.data) for _, send in played.sent} == {8, 10, 11}


def test_no_chord_is_promised_while_it_listens():
    played = started(ScriptedDuet(), commit=4)
    played.play(line(TWINKLE, beats=4))
    assert played.engine.status().promised == ()


def test_a_landing_set_after_chords_were_promised_is_reached():
    mind, tune = ScriptedDuet(), line((62, 65, 69, 71), beats=36)
    played = started(mind, commit=4)
    played.play([m for m in tune if m[0] < 31 * BEAT])
    late = Params(role="accompany", commit=4, chart="F#@9")
    played.engine.turned(played.now_ns, Ensemble(late))
    played.play([m for m in tune if m[0] >= 31 * BEAT])
    assert names(mind)[32] == "F#"


def test_a_loop_of_the_daw_does_not_make_it_listen_again():
    tune = line(TWINKLE, beats=24)
    jump = [(16 * BEAT, song_position(0))]
    played = started(ScriptedDuet())
    played.play(
        merged([(0, START)], clocks(0, 16), jump, clocks(16 * BEAT + 1, 8), tune)
    )
    assert (
        min(at for at, _ in note_ons(played.sent) if at > 16 * BEAT + WINDOW)
        < 19 * BEAT
    )


def test_notes_that_were_cut_off_before_they_began_are_not_told_as_played():
    mind = ScriptedDuet(notes=[Note(0, 36, 4), Note(3, 64, 1)])
    played = started(mind)
    played.play(line(TWINKLE, beats=13)[:-1])
    stop = 12 * BEAT + BEAT // 8
    played.play([(stop, messages.control(0, 123, 0))])
    played.run_until(14 * BEAT)
    told = next(beat for beat in mind.beats if beat.index == 12)
    assert {note.frame for note in told.notes} == {0}
