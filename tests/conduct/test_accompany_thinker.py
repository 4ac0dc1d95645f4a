"""Accompaniment with a slow thinker or none, and the chords that it promises."""

import random

import pytest
from tests.accompanied import (
    BASS,
    TEXTURE,
    TWINKLE,
    WINDOW,
    classes,
    names,
    performed,
    sounding_at,
    started,
)
from tests.inputs import (
    BEAT,
    MS,
    key,
    line,
)
from tests.outputs import hanging, note_ons

from ripieno.music import chords
from ripieno.music.spans import Note
from ripieno.roles.pad import FEW, VOICES
from ripieno.testing import ScriptedDuet

# ── a thinker that is late, or none ───────────────────────────────────────────────────


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
        assert FEW <= len(sounding_at(played, beat * BEAT + WINDOW)) <= VOICES + 1
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


# ── promises ──────────────────────────────────────────────────────────────────────────


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
    played = started(ScriptedDuet(), chart="C@6")
    played.play(line((62, 65, 69), beats=18))
    assert played.engine.status().promised == (("6.1", "C"),)
