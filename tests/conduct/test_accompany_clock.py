"""Accompaniment to a MIDI clock: start, stop, continue, jumps and tempo."""

from itertools import pairwise

from tests.accompanied import (
    BASS,
    CHORDS,
    TEXTURE,
    TWINKLE,
    WINDOW,
    classes,
    clocks,
    insists,
    merged,
    performed,
    sounding_at,
    started,
)
from tests.inputs import (
    BEAT,
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

from ripieno.music.chords import NO_CHORD
from ripieno.settings.ensemble import Ensemble
from ripieno.settings.params import Params
from ripieno.testing import ScriptedDuet


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
    pad = classes(sounding_at(played, jump + 4 * BEAT + WINDOW))
    assert {9, 0} <= pad <= {9, 0, 4}  # where room is narrow, root and third


def test_tempo_changes_retime_what_is_planned():
    played = started(ScriptedDuet())
    played.play(line(TWINKLE, beats=12))
    engine, now_ns = played.engine, played.now_ns
    engine.turned(now_ns, Ensemble(Params(role="accompany", bpm=60.0)))
    played.run_until(now_ns + 6 * S)
    late = [at for at, _ in note_ons(played.sent, BASS) if at > now_ns + S]
    assert {b - a for a, b in pairwise(late)} == {S}


def test_a_ritardando_of_the_clock_is_followed_beat_by_beat():
    """From 120 to 60 bpm over four bars; then a bar at 60."""
    tempos = [120.0] * 16 + [120.0 - 60.0 * n / 16 for n in range(16)] + [60.0] * 4
    starts, ticks = [0], [(0, START)]
    for bpm in tempos:
        ticks += clocks(starts[-1], 1, bpm)
        starts.append(starts[-1] + round(60e9 / bpm))
    melody = [
        message
        for at_ns, pitch in zip(starts, TWINKLE * 3, strict=False)
        for message in key(at_ns, pitch)
    ]
    mind = ScriptedDuet()
    played = started(mind)
    played.play(merged(ticks, melody))
    assert [beat.index for beat in mind.beats] == list(range(len(tempos)))
    assert all(beat.chord != NO_CHORD for beat in mind.beats[8:])
    late = [
        min(at - start for at, _ in note_ons(played.sent) if at >= start - 25 * MS)
        for start in starts[9:-1]
    ]
    assert max(map(abs, late)) <= WINDOW
    assert played.engine.status().dropped == 0
    played.stop()
    assert not hanging(played.sent)
