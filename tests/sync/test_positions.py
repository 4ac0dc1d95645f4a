"""Song positions in the wrong unit are detected, and right ones are not."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console
from tests.inputs import CLOCK, CONTINUE, START, STOP

from ripieno.commands.play import View
from ripieno.ipc import notes
from ripieno.music.meter import Meter
from ripieno.music.timeline import Timeline
from ripieno.settings.status import Status
from ripieno.sync.positions import Positions
from ripieno.sync.transport import Transport

MS = 1_000_000
PERIOD = 5_333_333


class Daw:
    """A DAW that sends its clock to a transport, at 120 bpm, as Ardour does.

    It continues on whole beats. `unit` is what it multiplies a beat's number by: 4 in
    sixteenths, 24 in Ardour 7.0 to 7.3.
    """

    def __init__(self, unit):
        self.transport = Transport(Timeline(beat_ns=500 * MS))
        self._unit, self._at_ns, self._clock = unit, 1_000 * MS, 0

    def _send(self, data):
        self.transport.hear(self._at_ns, data)

    def play(self, beat, clocks):
        """Locate to a beat (None: where it stopped), play so many clocks, and stop."""
        beat = -(-self._clock // 24) if beat is None else beat
        if beat:
            value = beat * self._unit
            self._send(bytes((0xF2, value & 0x7F, value >> 7)))
        self._send(CONTINUE if beat else START)
        for _ in range(clocks):
            self._send(CLOCK)
            self._at_ns += 20_833_333
        self._clock = 24 * beat + clocks
        self._send(STOP)
        return self

    @property
    def corrected(self):
        return self.transport.positions_corrected

    def beat_of(self, beat):
        """The beat that the transport takes one of the DAW's for."""
        self.play(beat, 1)
        return self.transport.position_ticks(self._at_ns) // 480


def test_a_song_that_goes_on_twice_where_it_stopped_tells():
    daw = Daw(24).play(0, 52).play(None, 100)
    assert daw.corrected == 0
    daw.play(None, 40)
    assert daw.corrected == 1
    assert daw.beat_of(8) == 8


def test_a_loop_that_was_entered_twice_from_elsewhere_tells():
    daw = Daw(24).play(0, 24 * 16)
    daw.play(8, 24 * 8).play(8, 24 * 8)  # both passes end where the first one did
    assert daw.corrected == 0
    daw.play(4, 24 * 12).play(8, 24 * 8)
    assert daw.corrected == 1
    assert daw.beat_of(8) == 8


def test_the_same_jump_over_and_over_is_one_observation():
    """A jump of six bars can look alike in sixteenths and in clocks."""
    daw = Daw(4)
    for _ in range(50):
        daw.play(24, 96).play(48, 24)
    assert daw.corrected == 0


def test_one_position_in_sixteenths_clears_it():
    positions = Positions()
    positions.start()
    assert positions.locate(24, 24) == 144
    assert positions.locate(72, 48) == 72
    assert positions.locate(100, 24) == 600
    assert positions.locate(120, 24) == 720


def times_corrected(seed):
    """How many positions of a right master are read as clocks in a random session."""
    chance, positions = random.Random(seed), Positions()
    clock = counted = 0
    for _ in range(12):
        beat = chance.choice([None, 0, chance.randrange(64), 4 * chance.randrange(16)])
        clocks = chance.randrange(1, 200)
        beat = -(-clock // 24) if beat is None else beat
        if beat:
            positions.locate(4 * beat, counted)
        else:
            positions.start()
        counted, clock = clocks, 24 * beat + clocks
    return positions.corrected


def test_of_4000_random_sessions_of_a_right_master_one_at_most_is_misread():
    """Any stops, loops and jumps may coincide twice: 4 of 40 000 sessions do."""
    assert sum(times_corrected(seed) > 0 for seed in range(4_000)) <= 2


@given(st.lists(st.integers(24, 300), min_size=3, max_size=8))
def test_a_wrong_master_that_stops_and_goes_on_is_found(stops):
    daw = Daw(24).play(0, stops[0])
    for clocks in stops[1:]:
        daw.play(None, clocks)
    assert daw.corrected == len(stops) - 2
    assert daw.beat_of(11) == 11


@pytest.mark.parametrize("meter", ["4/4", "3/4", "6/8", "5/4", "7/8", "2/4"])
def test_before_a_wrong_master_is_found_bars_begin_on_bar_lines(meter):
    """A position of whole bars, times six, is a position of whole bars."""
    parsed = Meter.parse(meter)
    for bar in range(1, 8):
        ticks = bar * parsed.bar_ticks
        if ticks % 480:
            continue  # such a master goes on with whole beats only
        daw = Daw(24)
        daw.play(ticks // 480, 1)
        assert daw.transport.timeline.origin_ticks % parsed.bar_ticks == 0


def test_the_musician_is_told_once(capsys):
    view = View(Console(), ["accompany"])
    for corrected in (0, 1, 2):
        view.show(notes.Report(Status(positions_corrected=corrected)))
    shown = capsys.readouterr().out
    assert shown.count("six times too large") == 1
