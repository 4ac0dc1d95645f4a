"""The notes of an accompaniment: parts, swing, register, rests and meters."""

import pytest
from tests.accompanied import (
    BASS,
    CHORDS,
    LATE_NS,
    TEXTURE,
    TWINKLE,
    names,
    performed,
    sounding_at,
    started,
)
from tests.inputs import (
    BEAT,
    line,
)
from tests.outputs import hanging, note_ons

from ripieno.music import messages
from ripieno.music.spans import Note
from ripieno.settings.params import PARTS
from ripieno.testing import ScriptedDuet

# ── parts, swing, register ────────────────────────────────────────────────────────────


@pytest.mark.parametrize("parts", ["chords", "bass", "texture", "chords texture", ""])
def test_only_the_chosen_parts_play_each_on_its_channel(parts):
    played = performed(line(TWINKLE), ScriptedDuet(), parts=parts, channel=4)
    wanted = {3 + list(PARTS).index(name) for name in parts.split()}
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


# ── resting ───────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(("lead", "rests"), [(0.0, True), (1.0, False)])
def test_it_rests_after_eight_silent_bars_unless_it_leads(lead, rests):
    mind = ScriptedDuet()
    melody, how = line(TWINKLE, beats=16), {"lead": lead, "ending": "off"}
    played = performed(melody, mind, tail_beats=60, **how)
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


# ── meters ────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("meter", "span_beats", "enters", "place"),
    [("3/4", 1, 8, "7.1"), ("6/8", 1.5, 9, "7.1"), ("5/4", 1, 8, "4.4")],
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


@pytest.mark.parametrize(
    ("meter", "lengths", "place"),
    [
        ("7/8", (1.0, 1.0, 1.5), "6.1"),
        ("7/8=3+2+2", (1.5, 1.0, 1.0), "6.1"),
        ("5/8", (1.5, 1.0), "8.1"),
    ],
)
def test_felt_beats_of_different_lengths_have_a_chord_each(meter, lengths, place):
    mind = ScriptedDuet(notes=[Note(0, 60, 2)])
    played = started(mind, meter=meter)
    melody = line((60, 64, 67), beats=36, every_ns=BEAT // 2)
    played.play([m for m in melody if m[0] <= 17.5 * BEAT])
    played.run_until(int(17.5 * BEAT))
    spans = len(lengths)
    begins = {sum(lengths[:at]) for at in range(spans)}
    begun = {at / BEAT % sum(lengths) for at, _ in note_ons(played.sent)}
    assert begun == begins
    assert played.engine.status().position == place
    asked = {ask.phase.span: ask.frames for ask in mind.asked}
    assert asked == {at: int(4 * lengths[at]) for at in range(spans)}


def test_in_six_eight_the_fifth_sixteenth_does_not_swing():
    mind = ScriptedDuet(notes=[Note(4, 64, 2)])
    melody = line((60, 64, 67), beats=30, every_ns=3 * BEAT // 2)
    played = performed(melody, mind, meter="6/8", swing=1.0, busy=8.0)  # no fills
    for at, _ in note_ons(played.sent, TEXTURE):
        assert 0 <= at % (3 * BEAT // 2) - BEAT <= LATE_NS
