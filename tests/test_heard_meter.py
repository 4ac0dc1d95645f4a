"""The metre that is heard: `meter=auto` in a performance, its status and its replay."""

import pytest
from tests.band import Band
from tests.inputs import CLOCK, START, STOP

from ripieno.clock import NS_PER_S
from ripieno.engine import Engine
from ripieno.ipc import notes
from ripieno.music.messages import note_off, note_on
from ripieno.settings import texts
from ripieno.settings.beginning import Beginning
from ripieno.settings.ensemble import Change, changed
from ripieno.settings.params import Params

SIXTEENTH_NS = NS_PER_S // 12
CLOCK_NS = SIXTEENTH_NS // 6
JIG = (12, ((0, 67), (4, 71), (6, 74), (10, 71)))
JIG_END = (12, ((0, 67), (4, 71), (6, 74)))
"""Bars of 6/8: their length in sixteenths, and their notes."""
WALTZ = (12, ((0, 67), (4, 71), (8, 71)))
WALTZ_TURN = (12, ((0, 72), (4, 69), (6, 71), (8, 69)))
REEL = (16, tuple((2 * n, (67, 71, 74, 71, 72, 69, 66, 69)[n]) for n in range(8)))
REEL_END = (16, ((0, 67), (2, 71), (4, 74), (8, 72), (12, 67)))
SEVEN = (14, ((0, 67), (2, 69), (4, 71), (8, 74), (10, 72), (12, 71)))
SEVEN_END = (14, ((0, 67), (4, 74), (8, 71)))
TUNES = {
    "6/8": (JIG, JIG, JIG, JIG_END),
    "3/4": (WALTZ, WALTZ_TURN, WALTZ, WALTZ_TURN),
    "4/4": (REEL, REEL, REEL, REEL_END),
    "7/8": (SEVEN, SEVEN, SEVEN, SEVEN_END),
}


def tune(bars, sixteenths, from_ns=0):
    """A tune over and over, with MIDI clock; (time, message) each."""
    timed = [(from_ns, START)]
    timed += [(from_ns + n * CLOCK_NS, CLOCK) for n in range(6 * sixteenths)]
    at = bar = 0
    while at < sixteenths:
        length, played = bars[bar % len(bars)]
        starts = [start for start, _ in played] + [length]
        for (start, pitch), end in zip(played, starts[1:], strict=True):
            timed.append((from_ns + (at + start) * SIXTEENTH_NS, note_on(0, pitch, 80)))
            end_ns = from_ns + (at + end) * SIXTEENTH_NS - SIXTEENTH_NS // 4
            timed.append((end_ns, note_off(0, pitch)))
        at, bar = at + length, bar + 1
    return sorted(timed, key=lambda each: each[0])


def played(timed, **play):
    """An engine that has heard it, and the metres in their order."""
    engine = Engine(Beginning(Params(role="accompany", **play)))
    meters = [engine.heard_meter]
    for at_ns, data in timed:
        engine.heard(at_ns, data)
        engine.advance(at_ns)
        engine.settle()
        if engine.heard_meter != meters[-1]:
            meters.append(engine.heard_meter)
    return engine, meters


@pytest.mark.parametrize("name", TUNES)
def test_the_metre_of_a_tune_is_heard(name):
    engine, meters = played(tune(TUNES[name], 16 * 24), meter="auto")
    assert meters == list(dict.fromkeys(["4/4", name]))
    assert engine.status().meter == name


def test_a_metre_that_the_musician_set_stays():
    engine, _ = played(tune(TUNES["6/8"], 16 * 24), meter="4/4")
    assert engine.status().meter == ""


def test_the_metre_of_a_chart_stays():
    _, meters = played(tune(TUNES["6/8"], 16 * 24), meter="auto", chart="C | F G7")
    assert meters == [""]


def test_the_metre_stays_when_the_musician_rests_and_a_new_song_can_change_it():
    jig = tune(TUNES["6/8"], 16 * 24)
    end_ns = jig[-1][0]
    rest = [(end_ns + n * CLOCK_NS, CLOCK) for n in range(1, 24 * 40)]
    engine, _ = played([*jig, *rest], meter="auto")
    assert engine.heard_meter == "6/8"
    again_ns = rest[-1][0] + CLOCK_NS
    for at_ns, data in [(again_ns, STOP), *tune(TUNES["4/4"], 16 * 24, again_ns + 1)]:
        engine.heard(at_ns, data)
        engine.advance(at_ns)
    assert engine.heard_meter == "4/4"


def test_a_metre_that_is_set_later_ends_the_hearing_and_auto_goes_on_from_it():
    engine, _ = played(tune(TUNES["6/8"], 16 * 24), meter="auto")
    engine.turned(NS_PER_S, changed(engine.ensemble, Change({"meter": "3/4"})))
    assert engine.heard_meter == ""
    engine.turned(NS_PER_S, changed(engine.ensemble, Change({"meter": "auto"})))
    assert engine.heard_meter == "3/4"


def test_a_player_that_is_restarted_goes_on_in_the_metre_that_was_heard():
    begins = Beginning(Params(role="accompany", meter="auto"), epoch=1, meter="6/8")
    assert Engine(begins).heard_meter == "6/8"


def test_without_a_tempo_no_metre_is_heard():
    timed = [each for each in tune(TUNES["6/8"], 16 * 24) if len(each[1]) == 3]
    engine = Engine(Beginning(Params(role="answer", meter="auto")))
    for at_ns, data in timed:
        engine.heard(at_ns, data)
        engine.advance(at_ns)
    assert engine.heard_meter == "4/4"


def test_a_change_of_metre_replays_bit_for_bit(tmp_path):
    band = Band(tmp_path, Params(role="accompany", meter="auto", listen=0))
    for at_ns, data in tune(TUNES["6/8"], 16 * 16, band.clock.now_ns()):
        while band.clock.now_ns() < at_ns:
            band.run(0.001)
        band.port.feed(data)
    band.run(0.1)
    shown = band.player.shown()
    assert shown.meter == "6/8"
    assert notes.decode_shown(notes.encode_shown(shown)) == shown
    found = band.replayed()
    assert found.outputs > 50
    assert found.differing == 0, found.first


def test_auto_begins_with_the_metre_of_a_chart_or_with_four_four():
    assert str(texts.meter("auto")) == "4/4"
    assert str(texts.meter("auto", "meter: 3/4\nC | F")) == "3/4"
    assert str(texts.meter("6/8", "C | F")) == "6/8"
