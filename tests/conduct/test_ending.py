"""Where the band ends, where it plays on, and the cadence that it ends with."""

from itertools import groupby

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.accompanied import (
    CHORDS,
    WINDOW,
    clocks,
    merged,
    names,
    performed,
    sounding_at,
    started,
)
from tests.band import Band
from tests.inputs import BEAT, START, STOP, key
from tests.outputs import hanging, note_ons

from ripieno.engine import Engine
from ripieno.music import chords, messages
from ripieno.settings.beginning import Beginning
from ripieno.settings.controllers import CONTROLS
from ripieno.settings.ensemble import Change, Ensemble, SeatSettings, changed
from ripieno.settings.params import Params
from ripieno.simulation import Simulation
from ripieno.testing import ScriptedDuet

BAR = 4 * BEAT
LATEST = WINDOW
"""How long after the beat a chord may begin: a note of the human is awaited."""
CLOSED = (60, 62, 64, 60, 64, 65, 67, 64, 65, 64, 62, 60, 62, 59)
OPEN = (60, 62, 64, 60, 64, 65, 67, 64, 65, 64, 62, 60, 62, 64)
PHRASE_BARS = 4
MANY, FEW = 4, 1
"""So many times the melody is played before its last note: 16 or 4 bars in all."""


def song(times=MANY, last=60, last_beats=2, pitches=CLOSED, at_beat=0):
    """A melody in quarters, phrase by phrase, with a last note; and its end, in ns."""
    out = []
    for phrase in range(times):
        begin = at_beat + phrase * 4 * PHRASE_BARS
        for beat, pitch in enumerate(pitches):
            out += key((begin + beat) * BEAT, pitch)
        if phrase < times - 1:
            out += key((begin + 14) * BEAT, 67, BEAT)
    end = (at_beat + times * 4 * PHRASE_BARS - 2) * BEAT
    out += key(end, last, last_beats * BEAT - 1)
    return sorted(out), end + last_beats * BEAT


def closed(at_beat=0):
    """A song that ends on its tonic, with its longest note."""
    return song(last_beats=6, at_beat=at_beat)


def stopped(played):
    """When the last note ended."""
    return max(at for at, _ in played.sent)


def chord_at(played_names, at_ns):
    return played_names[at_ns // BEAT]


def test_a_closed_melody_is_followed_by_dominant_tonic_and_silence():
    melody, end = closed()
    mind = ScriptedDuet()
    played = performed(melody, mind, tail_beats=64)
    heard = [names(mind)[index] for index in range(end // BEAT, end // BEAT + 12)]
    assert [name for name, _ in groupby(heard)][-3:] == ["G7", "C", "-"]
    assert stopped(played) <= end + 2 * BAR + LATEST
    assert not hanging(played.sent)


def test_the_last_chord_begins_on_a_bar_line_and_nothing_is_struck_after_it():
    melody, end = closed()
    mind = ScriptedDuet()
    played = performed(melody, mind, tail_beats=64)
    last = max(at for at, _ in note_ons(played.sent))
    assert last > end
    assert last % BAR <= LATEST
    assert sounding_at(played, last + BAR - BEAT // 2)
    bass, *above = sorted(sounding_at(played, last + BEAT, 1))
    assert bass % 12 == 0
    assert not above
    keys = sounding_at(played, last + BEAT, 2)
    assert {pitch % 12 for pitch in keys} == {0, 4, 7}


def test_a_likely_end_is_awaited_for_four_bars():
    melody, end = song(last_beats=2)
    played = performed(melody, ScriptedDuet(), tail_beats=64)
    assert end + 3 * BAR <= stopped(played) <= end + 4 * BAR + LATEST


@pytest.mark.parametrize("bars", [4, 8])
def test_a_rest_after_an_open_phrase_is_played_through(bars):
    first, end = song(times=FEW, last=62, last_beats=1, pitches=OPEN)
    again = end // BEAT + 1 + 4 * bars
    melody = first + song(times=FEW, at_beat=again)[0]
    mind = ScriptedDuet()
    performed(melody, mind)
    played = names(mind)
    assert "-" not in [played[index] for index in range(end // BEAT, again + 4)]


def test_an_open_phrase_ends_with_a_cadence_after_twelve_bars():
    melody, end = song(times=FEW, last=62, last_beats=1, pitches=OPEN)
    mind = ScriptedDuet()
    played = performed(melody, mind, tail_beats=64)
    assert end + 10 * BAR <= stopped(played) <= end + 12 * BAR + LATEST
    sounded = [name for name in names(mind).values() if name != "-"]
    dominant, tonic = map(chords.named, list(dict.fromkeys(reversed(sounded)))[1::-1])
    assert (chords.root_of(dominant) - chords.root_of(tonic)) % 12 == 7


@pytest.mark.parametrize("after_bars", [0.5, 1.5, 2.5, 6])
def test_a_note_after_an_end_is_accompanied_from_its_own_beat_on(after_bars):
    melody, end = closed()
    at = end + int(after_bars * 4) * BEAT
    melody = melody + [m for n in range(8) for m in key(at + n * BEAT, 64)]
    mind = ScriptedDuet()
    played = performed(melody, mind)
    assert "-" not in [chord_at(names(mind), at + n * BEAT) for n in range(8)]
    assert sounding_at(played, at + BEAT // 2, CHORDS)


@pytest.mark.parametrize("play", [{"ending": "off"}, {"chart": "C | F | G7 | C"}])
def test_without_an_ending_of_its_own_it_rests_after_eight_bars(play):
    melody, end = closed()
    mind = ScriptedDuet()
    performed(melody, mind, tail_beats=64, **play)
    struck = end - 6 * BEAT
    assert chord_at(names(mind), struck + 8 * BAR) != "-"
    assert chord_at(names(mind), struck + 8 * BAR + BEAT) == "-"


def test_a_band_that_leads_does_not_end():
    melody, end = closed()
    mind = ScriptedDuet()
    performed(melody, mind, tail_beats=64, lead=1.0)
    assert chord_at(names(mind), end + 12 * BAR) != "-"


def test_a_ritardando_makes_an_end_likelier():
    def stops(slower):
        """After how many beats it is silent, where the last bars are slower."""
        melody, end = song(times=2, last_beats=2)
        played = started(ScriptedDuet())
        for at, data in melody:
            played.play([(at, data)])
            if slower and at >= end - 8 * BEAT:
                turn(played, bpm=105.0)
        played.run_until(end + 60 * BEAT)
        return stopped(played)

    assert stops(slower=True) < stops(slower=False)


# ── ending=now ────────────────────────────────────────────────────────────────────────


def turn(played, **fields):
    """A change of parameters, as `ripieno set`."""
    engine = played.engine
    params = msgspec.structs.replace(engine.params, **fields)
    engine.turned(played.now_ns, Ensemble(params))


def asked(at, melody, until, **play):
    """A performance that is asked to end at an instant."""
    mind = ScriptedDuet()
    played = started(mind, **play)
    played.play([m for m in melody if m[0] < at])
    played.run_until(at)
    turn(played, ending="now")
    played.play([m for m in melody if m[0] >= at])
    played.run_until(until)
    return played, names(mind)


@pytest.mark.parametrize("place", range(8))
@pytest.mark.parametrize("ending", ["auto", "off"])
def test_asked_to_end_it_plays_a_cadence_and_stops_within_two_bars(place, ending):
    melody, _ = song()
    at = 6 * BAR + place * BEAT + BEAT // 3
    played, found = asked(at, melody, 15 * BAR, ending=ending)
    last = max(when for when, _ in note_ons(played.sent))
    assert at < last <= at + BAR + 2 * BEAT
    assert last % BAR <= LATEST
    assert chord_at(found, last) == "C"
    assert chord_at(found, last - BEAT) == "G7"
    assert chord_at(found, last + BAR) == "-"
    assert not hanging(played.sent)


def test_asked_to_end_it_returns_to_auto_and_can_be_asked_again():
    melody, end = song()
    again, _ = song(at_beat=end // BEAT + 8)
    played, _ = asked(10 * BAR, melody + again, end + 8 * BEAT + 6 * BAR)
    assert played.engine.params.ending == "auto"
    turn(played, ending="now")
    played.run_until(played.now_ns + 4 * BAR)
    assert not played.engine.status().sounding


def test_what_is_played_on_after_now_is_alone_until_a_bar_of_silence():
    melody, end = song()
    start = end // BEAT + 8
    played, found = asked(6 * BAR, melody + song(at_beat=start)[0], end + 30 * BEAT)
    del played
    assert chord_at(found, end - 2 * BEAT) == "-"
    assert chord_at(found, start * BEAT) != "-"


def test_now_is_ignored_while_nothing_plays():
    melody, _ = song(at_beat=8)
    _, found = asked(2 * BEAT, melody, 30 * BEAT)
    assert found[20] != "-"


def test_a_button_ends_it_when_pressed_and_not_when_released():
    melody, _ = song()
    mind, params = ScriptedDuet(), Params(role="accompany")
    engine = Engine(Beginning(params, controls=CONTROLS, seed=1))
    played = Simulation(engine, mind, ready=ScriptedDuet.ready)
    number = CONTROLS["ending"]
    press = [(6 * BAR + 1, messages.control(0, number, 127))]
    release = [(6 * BAR + BEAT // 2, messages.control(0, number, 0))]
    played.play(sorted(melody + press + release))
    assert names(mind)[6 * 4] != "-"
    assert names(mind)[8 * 4] == "-"


@pytest.mark.parametrize(
    "play", [{"chord_lock": "C F Am"}, {"scale": "C major pentatonic"}]
)
def test_a_cadence_keeps_to_the_chords_and_the_scale_of_the_musician(play):
    melody, _ = song()
    played, found = asked(6 * BAR, melody, 15 * BAR, **play)
    sounded = {name for name in found.values() if name != "-"}
    assert "G7" not in sounded
    last = max(when for when, _ in note_ons(played.sent))
    assert chord_at(found, last) == "C"


@pytest.mark.parametrize(
    "play",
    [{"commit": 2}, {"chart": "C | F | G7 | C"}, {"lead": 1.0}, {"meter": "3/4"}],
)
def test_asked_to_end_it_stops_whatever_the_parameters(play):
    melody, _ = song()
    at = 6 * BAR + BEAT // 3
    played, _ = asked(at, melody, 15 * BAR, **play)
    assert at < stopped(played) <= at + 3 * BAR + 2 * BEAT
    assert not hanging(played.sent)


def test_asked_to_end_on_a_pickup_it_stops():
    pickup = key(2 * BEAT, 55, BEAT) + key(3 * BEAT, 57, BEAT)
    melody = pickup + song(at_beat=4)[0]
    at = 6 * BAR + 3 * BEAT + BEAT // 2
    played, found = asked(at, melody, 15 * BAR)
    assert chord_at(found, at + 3 * BAR) == "-"
    assert not played.engine.status().sounding


def test_asked_to_end_while_another_seat_replies_the_band_stops():
    melody, _ = song(times=1)
    echo = SeatSettings("echo", {"role": "answer", "channel": 5})
    seated = changed(Ensemble(Params(role="accompany")), Change(add=(echo,)))
    engine = Engine(Beginning(seated.params, seated.seats, seed=1))
    played = Simulation(engine, ScriptedDuet(), ready=ScriptedDuet.ready)
    played.play(melody)
    at = played.now_ns + 3 * BEAT
    played.run_until(at)
    turned = changed(played.engine.ensemble, Change({"ending": "now"}))
    played.engine.turned(played.now_ns, turned)
    played.run_until(at + 8 * BAR)
    echoed = note_ons(played.sent, channel=4)
    band = [found for found in note_ons(played.sent) if found not in echoed]
    assert echoed
    assert max(echoed)[0] > at
    assert at < max(band)[0] <= at + 2 * BAR


def test_asked_to_end_after_a_stop_and_a_new_beginning_it_stops():
    first, end = song(times=2)
    again, until = song(times=2, at_beat=end // BEAT + 8)
    start_ns = end + 8 * BEAT - BEAT // 2
    stop = [(end, STOP)]
    ticking = clocks(start_ns, (until - start_ns) // BEAT + 40)
    played = started(ScriptedDuet())
    played.play(merged([(0, START)], clocks(0, end // BEAT), first, stop))
    assert not played.engine.status().sounding
    rest = merged([(start_ns, START)], ticking, again)
    played.play([m for m in rest if m[0] < until - BAR])
    assert played.engine.status().sounding
    turn(played, ending="now")
    played.play([m for m in rest if until - BAR <= m[0] < until + 3 * BAR])
    played.run_until(played.now_ns + 4 * BAR)
    assert not played.engine.status().sounding
    assert not hanging(played.sent)


@pytest.mark.slow
@settings(max_examples=15, deadline=None)
@given(
    notes=st.lists(
        st.tuples(st.integers(1, 24), st.integers(48, 84), st.integers(1, 12)),
        min_size=1,
        max_size=40,
    ),
    at=st.integers(0, 80),
    play=st.sampled_from(
        [{}, {"meter": "3/4"}, {"meter": "6/8"}, {"commit": 2}, {"meter": "7/8"}]
    ),
)
def test_any_melody_leaves_no_note_hanging_and_ends(notes, at, play):
    melody, now = [], 0
    for gap, pitch, length in notes:
        now += gap * BEAT // 4
        melody += key(now, pitch, length * BEAT // 4)
    played = started(ScriptedDuet(), **play)
    played.play(sorted(m for m in melody if m[0] < at * BEAT))
    played.run_until(at * BEAT)
    turn(played, ending="now")
    played.play(sorted(m for m in melody if m[0] >= at * BEAT))
    played.run_until(played.now_ns + 50 * BEAT)
    assert not played.engine.status().sounding
    assert not hanging(played.sent)


def test_an_ending_is_replayed_bit_for_bit(tmp_path):
    band = Band(tmp_path, Params(role="accompany", listen=0))
    for beat in range(16):
        band.play(60 + beat % 5)
    band.change(ending="now")
    assert band.params.ending == "auto"
    band.run(6.0)
    assert not band.player.status().sounding
    found = band.replayed()
    assert found.outputs > 10
    assert found.differing == 0, found.first
