"""Accompaniment in simulated time: what is heard, what is played to it, and when.

A beat is half a second. The mind is scripted: it chooses the chord that the player
itself weighs highest and writes the same notes to every span, so that what is tested is
the player. `tests/minds/test_duet.py` tests the real mind.
"""

import random
from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.inputs import (
    BEAT,
    CLOCK,
    CONTINUE,
    MS,
    START,
    STOP,
    S,
    key,
    line,
    song_position,
)
from tests.outputs import hanging, note_ons

from ripieno.engine import Engine
from ripieno.inference.manifest import for_role
from ripieno.music import chords, messages, scales
from ripieno.music.spans import Note
from ripieno.play.expression import LATE_TICKS
from ripieno.processes.loading import wake
from ripieno.settings.beginning import Beginning
from ripieno.settings.params import COMMITS, PARTS, Params
from ripieno.simulation import Simulation
from ripieno.testing import ScriptedDuet

WINDOW = 25 * MS
CHORDS, BASS, TEXTURE = 0, 1, 2
"""Channels, as those of the parts."""
LATE_NS = LATE_TICKS * BEAT // 480 + 1
TWINKLE = (60, 60, 67, 67, 69, 69, 67, 67, 65, 65, 64, 64, 62, 62, 60, 60)


def started(mind=None, *, latency_ms=0.0, seed=1, **play):
    """A performance that has not begun; without a mind, one that nobody thinks for."""
    engine = Engine(Beginning(Params(**{"role": "accompany", **play}), seed=seed))
    ready = None if mind is None else ScriptedDuet.ready
    takes_ms = latency_ms if callable(latency_ms) else lambda: latency_ms
    latency_ns = lambda: int(takes_ms() * MS)  # noqa: E731
    return Simulation(engine, mind, ready=ready, latency_ns=latency_ns)


def performed(inputs, mind=None, *, tail_beats=2, **how):
    """A performance to its end."""
    played = started(mind, **how)
    played.play(inputs)
    played.run_until(played.now_ns + tail_beats * BEAT)
    played.stop()
    return played


def sounding_at(played, at_ns, channel=CHORDS):
    """The pitches that sound on a channel just after an instant."""
    sounding: set[int] = set()
    for sent_ns, send in played.sent:
        if sent_ns <= at_ns and messages.channel_of(send.data) == channel:
            change = (
                sounding.add if messages.is_note_on(send.data) else sounding.discard
            )
            change(send.data[1])
    return sounding


def names(mind):
    """The chord that was really played in each span."""
    return {beat.index: chords.name_of(beat.chord) for beat in mind.beats}


def holds(chord_name, pitch):
    return pitch % 12 in chords.pitch_classes(chords.named(chord_name))


def classes(pitches):
    return {pitch % 12 for pitch in pitches}


def insists(name):
    """A mind that wants one chord, whatever it hears."""
    return ScriptedDuet(lambda _: chords.named(name))


# ── entering ─────────────────────────────────────────────────────────────────────────


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


# ── on the beat ──────────────────────────────────────────────────────────────────────


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


# ── a thinker that is late, or none ──────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("mind", "latency_ms"),
    [
        (ScriptedDuet(), 20), (ScriptedDuet(), 70), (ScriptedDuet(), 125),
        (ScriptedDuet(), 500), (ScriptedDuet(), 1900), (None, 0),
    ],
)  # fmt: skip
def test_a_chord_sounds_on_every_beat_at_any_thinker_latency(mind, latency_ms):
    played = performed(line(TWINKLE, beats=48), mind, latency_ms=latency_ms)
    for beat in range(8, 48):
        assert len(sounding_at(played, beat * BEAT + WINDOW)) == 3, beat
        begun = [at - beat * BEAT for at, _ in note_ons(played.sent, BASS)]
        assert any(0 <= late_ns <= WINDOW for late_ns in begun), beat
    assert not hanging(played.sent)


@pytest.mark.parametrize(
    ("late_ms", "share"),
    [(4.0, 1.0), (17.0, 1.0), (25.0, 0.8)],
    ids=["never late", "late within the patience", "too late"],
)
def test_only_beats_with_late_answers_are_decided_by_the_player(late_ms, share):
    # Two sections answer each ask, and the first to come counts: a fifth are late.
    chance, is_late = random.Random(1), 0.45
    played = started(
        ScriptedDuet(),
        latency_ms=lambda: late_ms if chance.random() < is_late else 4.0,
    )
    played.play(line(TWINKLE, beats=96))
    played.stop()
    assert played.engine.status().by_model >= share - 0.05


@pytest.mark.parametrize("latency_ms", [2.0, 8.0])
@pytest.mark.parametrize("early_ms", [0, 20, 50, 58, 62, 63, 80])
def test_a_note_before_the_beat_leaves_the_beat_to_the_model(early_ms, latency_ms):
    """Between the moment that the backup is asked for and its answer, too."""
    melody = [
        message
        for beat in range(8, 60)
        for message in key(beat * BEAT - early_ms * MS, TWINKLE[beat % 16], BEAT // 2)
    ]
    played = started(ScriptedDuet(), latency_ms=latency_ms)
    played.play(melody)
    played.stop()
    assert played.engine.status().by_model == 1.0


def test_without_a_thinker_no_beat_is_decided_by_the_model():
    played = performed(line(TWINKLE, beats=24))
    assert played.engine.status().by_model == 0.0


@pytest.mark.parametrize("latency_ms", [20, 55, 70, 125, 140, 240, 500, 900])
def test_a_slow_thinker_is_asked_early_enough_for_its_latency(latency_ms):
    played = performed(line(TWINKLE, beats=96), ScriptedDuet(), latency_ms=latency_ms)
    status = played.engine.status()
    assert status.isr >= 0.9
    assert status.fallbacks <= 8


def test_without_a_thinker_the_player_finds_chords_that_hold_the_melody():
    played = performed(line(TWINKLE, beats=32))
    status = played.engine.status()
    assert (status.isr, status.fallbacks) == (0.0, 32 + 2 - 8)
    found = [
        TWINKLE[beat % 16] % 12 in classes(sounding_at(played, beat * BEAT + 1))
        for beat in range(8, 32)
    ]
    assert sum(found) >= 20  # a pad of three voices may leave out a fifth


def test_a_note_of_the_plan_is_moved_to_the_chord_that_is_played():
    mind = ScriptedDuet(lambda _: chords.named("C"), [Note(0, 36, 4), Note(2, 64, 2)])
    played = performed(line((62, 65, 69)), mind, chord_lock="C Dm", latency_ms=30)
    for part, pitch_class in ((BASS, 2), (TEXTURE, 5)):
        struck = [pitch for at, pitch in note_ons(played.sent, part) if at < 24 * BEAT]
        assert classes(struck) == {pitch_class}


def test_a_new_thinker_is_told_what_was_played_and_plays_on():
    mind, played = ScriptedDuet(), started()
    played.play(line(TWINKLE, beats=16))
    engine = played.engine
    engine.thought(played.now_ns, ScriptedDuet.ready)
    told = [effect.message for effect in engine.advance(played.now_ns)]
    assert type(told[0]).__name__ == "Reset"
    beats = [message for message in told if type(message).__name__ == "Beat"]
    assert [beat.index for beat in beats] == list(range(16))
    assert [beat.chord >= 0 for beat in beats] == [False] * 8 + [True] * 8
    assert type(told[-1]).__name__ == "Decide"
    assert mind.resets == 0


def test_the_thinker_is_told_the_notes_that_were_sent():
    mind = ScriptedDuet(notes=[Note(0, 36, 4), Note(1, 60, 1), Note(2, 64, 2)])
    played = performed(line(TWINKLE), mind)
    beat = next(beat for beat in mind.beats if beat.index == 12)
    struck = sorted(
        ((at - 12 * BEAT) * 4 // BEAT, pitch)
        for channel in (BASS, TEXTURE)
        for at, pitch in note_ons(played.sent, channel)
        if 12 * BEAT <= at < 13 * BEAT
    )
    assert [(note.frame, note.pitch) for note in beat.notes] == struck
    assert beat.heard.struck[0] == (TWINKLE[12],)


# ── promises ─────────────────────────────────────────────────────────────────────────


def index_of(place, spans_in_bar=4):
    """The span that a status calls ``3.2``."""
    bar, beat = map(int, place.split("."))
    return (bar - 1) * spans_in_bar + beat - 1


@pytest.mark.parametrize("commit", [1, 2, 4])
@pytest.mark.parametrize("latency_ms", [0, 300])
def test_promised_chords_are_played(commit, latency_ms):
    mind = ScriptedDuet(notes=[Note(0, 36, 4)])
    played = started(mind, commit=commit, latency_ms=latency_ms)
    promised: dict[int, set[str]] = {}
    melody = line((60, 64, 67, 65, 69, 62, 71, 67, 68, 63, 61), beats=64)
    for at_ns, data in melody:
        played.play([(at_ns, data)])
        if at_ns > 9 * BEAT:
            for place, name in played.engine.status().promised:
                promised.setdefault(index_of(place), set()).add(name)
    played.run_until(played.now_ns + 6 * BEAT)
    sounded = names(mind)
    assert len(promised) > 20
    for index, said in promised.items():
        assert said == {sounded[index]}, index


@pytest.mark.parametrize("commit", [1, 2, 4])
def test_chords_are_promised_as_many_beats_ahead_as_commit_says(commit):
    played = started(ScriptedDuet(), commit=commit)
    played.play(line(TWINKLE, beats=20))
    played.run_until(20 * BEAT + BEAT // 2)
    ahead = [index_of(place) for place, _ in played.engine.status().promised]
    assert ahead[0] == 21
    assert max(ahead) <= 20 + commit


def test_commit_zero_promises_nothing_and_shows_likely_chords():
    played = started(ScriptedDuet())
    played.play(line(TWINKLE, beats=20))
    status = played.engine.status()
    assert status.promised == ()
    assert status.tentative


def test_a_landing_is_promised_before_it_is_reached():
    played = started(ScriptedDuet(), land="C@6")
    played.play(line((62, 65, 69), beats=18))
    assert played.engine.status().promised == (("6.1", "C"),)


# ── the musician's word ──────────────────────────────────────────────────────────────


@pytest.mark.parametrize("commit", COMMITS)
@pytest.mark.parametrize("latency_ms", [0, 300, None])
def test_a_chord_of_the_chart_is_played_at_its_beat(commit, latency_ms):
    mind = None if latency_ms is None else insists("F#")
    played = performed(
        line(TWINKLE, beats=24), mind, listen=0, commit=commit,
        latency_ms=latency_ms or 0, chart="| Am | F G | C . . E7 | - |",
    )  # fmt: skip
    wanted = {2: "Am", 4: "F", 6: "G", 8: "C", 10: "C", 11: "E7", 16: "Am", 20: "F"}
    for beat, name in wanted.items():
        pad = classes(sounding_at(played, beat * BEAT + WINDOW))
        assert pad <= set(chords.pitch_classes(chords.named(name))), beat
        assert len(pad) == 3, beat
    silent = [
        at for at, _ in note_ons(played.sent) if 12 * BEAT + WINDOW < at < 16 * BEAT
    ]
    assert silent == []
    for channel in (CHORDS, BASS, TEXTURE):
        assert not sounding_at(played, 13 * BEAT, channel)


def test_an_empty_bar_of_the_chart_leaves_the_chord_free():
    mind = insists("Bbm")
    performed(line(TWINKLE), mind, listen=0, chart="| C | | F | ? |")
    assert [names(mind)[beat] for beat in (2, 4, 7, 8, 12)] == [
        "C", "Bbm", "Bbm", "F", "Bbm",
    ]  # fmt: skip


melodies = st.lists(st.integers(48, 84), min_size=1, max_size=24)


@settings(deadline=None, max_examples=25)
@given(
    melodies,
    st.sampled_from([0, 1, 4]),
    st.sampled_from(["C", "F#m7b5", "Bb7"]),
    st.sampled_from([0, 400, None]),
)
def test_a_landing_is_reached_at_any_melody(melody, commit, name, latency_ms):
    mind = None if latency_ms is None else ScriptedDuet()
    played = performed(
        line(melody, beats=34), mind, commit=commit, land=f"{name}@9 G@4",
        latency_ms=latency_ms or 0,
    )  # fmt: skip
    tones = set(chords.pitch_classes(chords.named(name)))
    assert classes(sounding_at(played, 32 * BEAT + WINDOW)) <= tones
    assert {7, 11} <= classes(sounding_at(played, 12 * BEAT + WINDOW)) <= {7, 11, 2}


def test_the_way_to_a_landing_leads_there():
    """Free, it follows the tune; a beat before the landing it plays what goes there."""
    tune = line((60, 64, 67, 72), beats=20)
    free, led = insists("N"), insists("N")
    performed(tune, free)
    performed(tune, led, land="F#@5")
    assert names(led)[16] == "F#"
    assert names(free)[16] != "F#"
    assert names(led)[17] != "F#"


@settings(deadline=None, max_examples=15)
@given(melodies, st.sampled_from([0, 2]), st.sampled_from([0, 300, None]))
def test_only_the_locked_chords_are_played(melody, commit, latency_ms):
    mind = None if latency_ms is None else insists("F#")
    played = performed(
        line(melody, beats=24), mind, commit=commit, chord_lock="Am F Dm7",
        latency_ms=latency_ms or 0,
    )  # fmt: skip
    allowed = [set(chords.pitch_classes(chords.named(n))) for n in ("Am", "F", "Dm7")]
    for beat in range(8, 24):
        pad = classes(sounding_at(played, beat * BEAT + WINDOW))
        assert any(pad <= tones for tones in allowed)
    assert mind is None or set(names(mind).values()) <= {"Am", "F", "Dm7", "-"}


@settings(deadline=None, max_examples=15)
@given(
    melodies,
    st.sampled_from(["C major", "D dorian", "A minor", "F# blues"]),
    st.sampled_from([0, 1.0]),
    st.booleans(),
)
def test_every_note_of_the_pad_is_in_the_scale(melody, scale, lead, has_mind):
    mind = ScriptedDuet() if has_mind else None
    played = performed(line(melody, beats=24), mind, scale=scale, lead=lead)
    assert classes(p for _, p in note_ons(played.sent, CHORDS)) <= scales.named(scale)


def test_lead_1_ignores_the_melody_and_lead_0_follows_it():
    in_c, in_f_sharp = line((60, 64, 67, 72)), line((66, 70, 73, 78))
    before = [m for m in in_c if m[0] < 12 * BEAT]
    elsewhere = before + [m for m in in_f_sharp if m[0] >= 12 * BEAT]
    for lead, is_same in ((1.0, True), (0.0, False)):
        minds = ScriptedDuet(), ScriptedDuet()
        for melody, mind in zip((in_c, elsewhere), minds, strict=True):
            performed(melody, mind, lead=lead)
        assert (names(minds[0]) == names(minds[1])) == is_same
        assert len(set(names(minds[0]).values())) > 1


def test_a_leader_does_not_trust_the_network():
    mind = ScriptedDuet()
    performed(line(TWINKLE), mind, lead=1.0)
    assert {ask.trust for ask in mind.asked} == {0.0}


# ── parts, swing, register ───────────────────────────────────────────────────────────


@pytest.mark.parametrize("parts", ["chords", "bass", "texture", "chords texture", ""])
def test_only_the_chosen_parts_play_each_on_its_channel(parts):
    played = performed(line(TWINKLE), ScriptedDuet(), parts=parts, channel=4)
    wanted = {3 + PARTS.index(name) for name in parts.split()}
    assert {messages.channel_of(send.data) for _, send in played.sent} == wanted


@pytest.mark.parametrize(
    ("swing", "share"), [(0.0, 1 / 2), (0.5, 7 / 12), (1.0, 2 / 3)]
)
def test_swing_moves_the_off_beat_eighth(swing, share):
    played = performed(line(TWINKLE), ScriptedDuet(), swing=swing)
    offbeats = note_ons(played.sent, TEXTURE)
    assert len(offbeats) > 10
    for at, _ in offbeats:
        assert 0 <= at % BEAT - share * BEAT + BEAT / 960 <= LATE_NS + BEAT / 480
    assert {at % BEAT for at, _ in note_ons(played.sent, BASS) if at < 24 * BEAT} == {0}


@pytest.mark.parametrize(("low", "high"), [(60, 71), (24, 40), (80, 96)])
def test_bass_and_texture_stay_in_the_register(low, high):
    mind = ScriptedDuet(notes=[Note(0, 30, 4), Note(1, 55, 2), Note(2, 90, 2)])
    played = performed(line(TWINKLE), mind, low=low, high=high)
    pitches = {p for part in (BASS, TEXTURE) for _, p in note_ons(played.sent, part)}
    assert pitches
    assert all(low <= pitch <= high for pitch in pitches)


def test_a_soft_melody_is_accompanied_softly():
    loudest = []
    for velocity in (30, 110):
        melody = [
            (at, data[:2] + bytes([velocity]) if messages.is_note_on(data) else data)
            for at, data in line(TWINKLE)
        ]
        sent = performed(melody, ScriptedDuet()).sent
        loudest.append(max(s.data[2] for _, s in sent if messages.is_note_on(s.data)))
    assert loudest[0] < 55
    assert loudest[1] > 80


# ── resting ──────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(("lead", "rests"), [(0.0, True), (1.0, False)])
def test_it_rests_after_eight_silent_bars_unless_it_leads(lead, rests):
    mind = ScriptedDuet()
    played = performed(line(TWINKLE, beats=16), mind, tail_beats=60, lead=lead)
    last = max(at for at, _ in note_ons(played.sent)) // BEAT
    assert (15 + 30 <= last <= 15 + 33) == rests
    assert names(mind)[40] != "-"
    assert (names(mind)[50] == "-") == rests
    assert not hanging(played.sent)


def test_it_plays_again_at_the_first_note_after_a_rest():
    melody = line(TWINKLE, beats=16) + line(TWINKLE, beats=4, at_beat=60)
    played = performed(melody, ScriptedDuet())
    assert 60 * BEAT in {at for at, _ in note_ons(played.sent, CHORDS)}


def test_the_daws_stop_button_silences_it_until_something_is_played():
    stop = [(20 * BEAT + n, messages.control(n, 123, 0)) for n in range(16)]
    melody = [m for m in line(TWINKLE, beats=40) if not 20 * BEAT <= m[0] < 30 * BEAT]
    played = performed(sorted([*melody, *stop]), ScriptedDuet())
    begun = [at for at, _ in note_ons(played.sent)]
    assert not [at for at in begun if 20 * BEAT + 16 < at < 38 * BEAT]
    assert 38 * BEAT in begun
    for channel in (CHORDS, BASS, TEXTURE):
        assert not sounding_at(played, 21 * BEAT, channel)


# ── meters ───────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("meter", "span_beats", "enters", "place"),
    [("3/4", 1, 8, "7.1"), ("6/8", 1.5, 9, "7.1"), ("5/8", 0.5, 8, "8.2")],
)
def test_chords_fall_on_the_felt_beats_of_every_meter(meter, span_beats, enters, place):
    mind = ScriptedDuet(notes=[Note(0, 36, 2)])
    span_ns = int(span_beats * BEAT)
    melody = line((60, 64, 67), beats=30, every_ns=span_ns)
    played = started(mind, meter=meter)
    played.play([m for m in melody if m[0] <= 18 * BEAT])
    played.run_until(18 * BEAT)
    assert {at % span_ns for at, _ in note_ons(played.sent)} == {0}
    assert note_ons(played.sent)[0][0] == enters * BEAT
    assert played.engine.status().position == place
    assert {ask.frames for ask in mind.asked} == {int(4 * span_beats)}


def test_in_six_eight_the_fifth_sixteenth_does_not_swing():
    mind = ScriptedDuet(notes=[Note(4, 64, 2)])
    melody = line((60, 64, 67), beats=30, every_ns=3 * BEAT // 2)
    played = performed(melody, mind, meter="6/8", swing=1.0)
    for at, _ in note_ons(played.sent, TEXTURE):
        assert 0 <= at % (3 * BEAT // 2) - BEAT <= LATE_NS


# ── MIDI clock ───────────────────────────────────────────────────────────────────────


def clocks(first_ns, beats, bpm=120.0):
    """MIDI clocks from an instant on."""
    every_ns = 60e9 / bpm / 24
    return [(first_ns + round(n * every_ns), CLOCK) for n in range(int(beats * 24))]


def merged(*streams):
    """In order of time; of one time in the order given."""
    together = [message for stream in streams for message in stream]
    return sorted(together, key=lambda message: message[0])


def test_it_follows_a_midi_clock_from_its_start():
    at_ns = 3 * S + 7 * MS
    every_ns = 60 * S // 90
    melody = [(at_ns + n * every_ns, d) for n in range(20) for _, d in key(0, 60)[:1]]
    played = started(ScriptedDuet())
    played.play(merged([(at_ns, START)], clocks(at_ns, 20, bpm=90.0), melody))
    assert abs(note_ons(played.sent)[0][0] - (at_ns + 8 * every_ns)) <= 3 * MS
    assert played.engine.status().is_external
    assert round(played.engine.status().bpm) == 90


def test_a_stopped_clock_is_silence_and_continue_goes_on_from_there():
    tune = line(TWINKLE, beats=16)
    first = merged([(0, START)], clocks(0, 16), tune, [(16 * BEAT, STOP)])
    again = 24 * BEAT
    later = merged(
        [(again, CONTINUE)], clocks(again, 16), line(TWINKLE, beats=16, at_beat=24)
    )
    played = started(ScriptedDuet())
    played.play(first)
    for channel in (CHORDS, BASS, TEXTURE):
        assert not sounding_at(played, played.now_ns, channel)
    assert not hanging(played.sent)
    sent_by_then = len(played.sent)
    played.run_until(again - 1)
    assert len(played.sent) == sent_by_then
    played.play([m for m in later if m[0] <= again + 10 * BEAT])
    played.run_until(played.now_ns + WINDOW)
    assert [at for at, _ in note_ons(played.sent) if at > 16 * BEAT]
    assert played.engine.status().position == "7.3"  # beat 26 of the song


def test_the_figures_stay_in_the_status_after_the_clock_stops():
    played = started(ScriptedDuet(), latency_ms=2.0)
    played.play(merged([(0, START)], clocks(0, 16), line(TWINKLE, beats=16)))
    before = played.engine.status()
    played.play([(16 * BEAT, STOP)])
    after = played.engine.status()
    assert after.isr == before.isr == 1.0
    assert after.isr_weighted == before.isr_weighted
    assert after.asynchrony_p95_ms == before.asynchrony_p95_ms > 0


def test_the_position_follows_the_song():
    tune = line(TWINKLE, beats=16)
    played = started(ScriptedDuet())
    sung = [message for message in tune if message[0] < 12 * BEAT]
    played.play(merged([(0, START)], clocks(0, 12.5), sung))
    assert played.engine.status().position == "4.1"
    jump = 12 * BEAT + BEAT // 2 + 5 * MS
    played.play([(jump, song_position(256)), *clocks(jump + 10 * MS, 2.1)])
    assert played.engine.status().position == "17.3"
    for channel in (CHORDS, BASS, TEXTURE):
        assert not sounding_at(played, jump + 15 * MS, channel)


def test_after_a_jump_the_chord_of_the_new_place_is_played():
    chart = "| C | C | C | C | Am | Am | F | F |"
    jump = 9 * BEAT
    elsewhere = [(jump, song_position(64))]
    inputs = merged(
        [(0, START)], clocks(0, 9), elsewhere, clocks(jump + 1, 10),
        line(TWINKLE, beats=20),
    )  # fmt: skip
    played = performed(inputs, insists("G"), chart=chart, listen=1)
    assert classes(sounding_at(played, 8 * BEAT + WINDOW)) == {0, 4, 7}
    assert classes(sounding_at(played, jump + 4 * BEAT + WINDOW)) == {9, 0, 4}


def test_tempo_changes_retime_what_is_planned():
    played = started(ScriptedDuet())
    played.play(line(TWINKLE, beats=12))
    engine, now_ns = played.engine, played.now_ns
    engine.turned(now_ns, Params(role="accompany", bpm=60.0))
    played.run_until(now_ns + 6 * S)
    late = [at for at, _ in note_ons(played.sent, BASS) if at > now_ns + S]
    assert {b - a for a, b in pairwise(late)} == {S}


# ── whatever happens ─────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("how", ["panic", "another role", "another channel"])
def test_panic_another_role_and_another_channel_release_everything(how):
    played = started(ScriptedDuet())
    played.play(line(TWINKLE, beats=12))
    engine = played.engine
    assert engine.status().sounding >= 4
    if how == "panic":
        engine.release(played.now_ns)
    elif how == "another role":
        engine.turned(played.now_ns, Params(role="harmonize"))
    else:
        engine.turned(played.now_ns, Params(role="accompany", channel=9))
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
    {"click": True}, {"click": False}, {"listen": 0}, {"land": "C@3"},
    {"phrase": 2}, {"busy": 9.0, "thick": 2.0}, {"style": "song"},
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
            played.engine.release(at_ns)
        else:
            params = Params(**{**{f: getattr(params, f) for f in FIELDS}, **event})
            played.engine.turned(at_ns, params)


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


# ── tier 0 of the protocol ───────────────────────────────────────────────────────────


def walk(seed, beats):
    """A human's melody in eighths, with rests, jitter and some wrong notes."""
    chance, pitch, found = random.Random(seed), 64, []
    for eighth in range(2 * beats):
        pitch = min(max(pitch + chance.choice((-4, -2, -1, 0, 1, 2, 3)), 52), 84)
        if chance.random() < 0.75:
            at_ns = max(0, int(eighth * BEAT / 2 + chance.gauss(0, 8) * MS))
            found += key(at_ns, pitch, BEAT // 3, chance.randrange(40, 110))
    return sorted(found)


def changed_after(inputs, other, at_ns):
    return [m for m in inputs if m[0] < at_ns] + [m for m in other if m[0] >= at_ns]


def before(played, at_ns):
    return [(at, send) for at, send in played.sent if at < at_ns]


@pytest.mark.parametrize("commit", COMMITS)
@pytest.mark.parametrize("latency_ms", [0, 11, 260])
def test_later_input_does_not_change_what_was_sent(commit, latency_ms):
    tune, other = walk(1, 40), walk(2, 40)
    how = {"commit": commit, "latency_ms": latency_ms}
    whole = performed(tune, ScriptedDuet(), **how)
    for at_ns in (9 * BEAT, 16 * BEAT + 3 * MS, 25 * BEAT + BEAT // 3):
        turned = performed(changed_after(tune, other, at_ns), ScriptedDuet(), **how)
        assert before(whole, at_ns)
        assert before(whole, at_ns) == before(turned, at_ns)


@pytest.mark.parametrize("commit", COMMITS)
@pytest.mark.slow
def test_later_input_does_not_change_what_was_sent_with_the_model(commit):
    tune, other, at_ns = walk(6, 32), walk(7, 32), 21 * BEAT + BEAT // 3
    inputs = (tune, tune, changed_after(tune, other, at_ns))
    minds = [wake(for_role("accompany"), "cpu")[0] for _ in inputs]
    whole, again, turned = (
        performed(played, mind, commit=commit)
        for played, mind in zip(inputs, minds, strict=True)
    )
    assert whole.sent == again.sent
    assert len(before(whole, at_ns)) > 20
    assert before(whole, at_ns) == before(turned, at_ns)
    assert not hanging(whole.sent)
    assert whole.engine.status().isr == 1.0


@pytest.mark.parametrize("commit", [1, 2, 4])
def test_later_input_does_not_change_promised_chords(commit):
    tune, other = walk(3, 40), walk(4, 40)
    for beat in (12, 21, 30):
        minds = ScriptedDuet(), ScriptedDuet()
        at_ns = beat * BEAT + BEAT // 2
        for inputs, mind in zip(
            (tune, changed_after(tune, other, at_ns)), minds, strict=True
        ):
            performed(inputs, mind, commit=commit)
        one, two = map(names, minds)
        until = beat + commit + 1
        assert [one[n] for n in range(until)] == [two[n] for n in range(until)]


@pytest.mark.parametrize("commit", COMMITS)
def test_the_same_seed_and_input_play_the_same(commit):
    tune = walk(5, 32)
    one, two = (performed(tune, ScriptedDuet(), commit=commit) for _ in range(2))
    assert one.sent == two.sent
    assert one.engine.status() == two.engine.status()


def test_another_seed_leads_to_other_chords():
    tune = walk(5, 32)
    one, two = (performed(tune, ScriptedDuet(), lead=1.0, seed=n) for n in (1, 2))
    assert one.sent != two.sent


# ── at the edges ─────────────────────────────────────────────────────────────────────


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
    late = Params(role="accompany", commit=4, land="F#@9")
    played.engine.turned(played.now_ns, late)
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
