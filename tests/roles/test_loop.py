"""`loop` in simulated time: bars on the bar line, repeated and changed patterns.

A beat is half a second. The mind is scripted, so these tests test the player.
"""

from collections import Counter

import msgspec
import pytest
from tests import accompanied
from tests.inputs import BEAT, CLOCK, MS, START, STOP, S, key, line
from tests.outputs import hanging, note_ons

from ripieno.music import chords, messages
from ripieno.protocol import Groove, Plan, PlannedNote, Ready, Reset
from ripieno.settings.ensemble import Ensemble
from ripieno.settings.params import Params, parse

BAR = 4 * BEAT
CHART = "C | F | G | C |"


class Grooves:
    """A mind that strikes the third of the bar's first chord on every beat.

    Attributes:
        asked: every `Groove`, in order.
        resets: how often it was told to forget.
    """

    ready = Ready("scripted", "", "script", "it is written down", ("loop",))

    def __init__(self):
        self.asked: list[Groove] = []
        self.resets = 0
        self._waiting: list[Groove] = []

    def receive(self, message):
        self.resets += isinstance(message, Reset)
        if isinstance(message, Groove):
            self.asked.append(message)
            self._waiting.append(message)

    def answer(self):
        if not self._waiting:
            return None
        ask = self._waiting.pop(0)
        third = 60 + chords.pitch_classes(ask.chords[0])[1]
        notes = tuple(
            PlannedNote(at, at + 480, third, 80)
            for at in range(ask.start_ticks, ask.start_ticks + ask.bar_ticks, 480)
        )
        until = ask.start_ticks + ask.bar_ticks
        return Plan(ask.revision, 0, notes, until, complete=True)


class Away:
    """A mind that never says anything."""

    def receive(self, message):
        pass

    def answer(self):
        return None


def triads(*names, beats=4):
    """Chords that the human holds, so many beats each."""
    notes = [
        key(bar * beats * BEAT, 48 + pc, beats * BEAT - 30 * MS)
        for bar, name in enumerate(names)
        for pc in chords.pitch_classes(chords.named(name))
    ]
    return sorted(message for note in notes for message in note)


LOOP = {"role": "loop", "listen": 4, "ready": Grooves.ready}


def started(mind=None, **how):
    return accompanied.started(mind, **{**LOOP, **how})


def performed(inputs, mind=None, **how):
    return accompanied.performed(inputs, mind, **{"tail_beats": 1, **LOOP, **how})


def clocks(first_beat, beats, at_beat=None):
    """MIDI clocks of so many beats, from a beat of the performance on."""
    at_beat = first_beat if at_beat is None else at_beat
    return [(at_beat * BEAT + n * BEAT // 24, CLOCK) for n in range(24 * beats)]


# ── bars ──────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(("listen", "enters"), [(4, 4), (8, 8), (5, 8), (0, 4)])
def test_it_enters_on_the_first_bar_line_after_it_has_listened(listen, enters):
    played = performed(line(at_beat=1 if not listen else 0), Grooves(), listen=listen)
    assert min(at for at, _ in note_ons(played.sent)) == enters * BEAT


def test_a_silent_musician_is_not_accompanied():
    played = performed([(40 * BEAT, messages.control(0, 1, 0))], Grooves())
    assert note_ons(played.sent) == []
    assert played.engine.status().turn == "idle"


def test_bars_are_asked_for_on_the_last_beat_and_begin_on_the_tick():
    mind = Grooves()
    played = performed(line(), mind, chart=CHART)
    assert [ask.index for ask in mind.asked] == list(range(1, 7))
    assert [ask.start_ticks for ask in mind.asked] == [n * 1920 for n in range(1, 7)]
    assert {at % BEAT for at, _ in note_ons(played.sent)} == {0}
    assert played.engine.status().late_p99_ms == 0
    assert played.engine.status().fallbacks == 0


def test_every_bar_is_asked_for_with_the_chords_of_the_chart():
    mind = Grooves()
    performed(line(), mind, chart="C . F . | G | Am | Dm . . G |")
    told = [[chords.name_of(c) for c in ask.chords] for ask in mind.asked[:4]]
    assert told == [["G"] * 4, ["Am"] * 4, ["Dm"] * 3 + ["G"], ["C", "C", "F", "F"]]


def test_a_pattern_stays_for_the_chosen_number_of_bars():
    for bars, expected in ((1, [1, 2, 3, 4]), (2, [0, 1, 1, 2]), (4, [0, 0, 0, 1])):
        mind = Grooves()
        performed(line(beats=20), mind, bars=bars, chart=CHART)
        assert [ask.pattern for ask in mind.asked[:4]] == expected


def test_without_a_chart_bars_are_asked_for_with_the_likeliest_chords():
    mind = Grooves()
    played = performed(triads(*["C", "F", "G", "C"] * 3), mind)
    told = {chords.name_of(chord) for ask in mind.asked for chord in ask.chords}
    assert told - {"-"}
    assert hanging(played.sent) == {}


def test_it_rests_after_silence_except_with_a_chart():
    alone = performed(line(beats=8), Grooves(), tail_beats=80)
    charted = performed(line(beats=8), Grooves(), tail_beats=80, chart=CHART)
    assert max(at for at, _ in note_ons(alone.sent)) < 45 * BEAT
    assert max(at for at, _ in note_ons(charted.sent)) > 80 * BEAT


# ── late, or away ─────────────────────────────────────────────────────────────────────


def test_late_bars_play_the_last_pattern_on_the_new_chord():
    mind = Grooves()
    slow = iter([0.0, 0.0, *[900.0] * 99])
    played = started(mind, chart="C | C | C | F |")
    played._latency_ns = lambda: int(next(slow) * MS)
    played.play(line(beats=18))
    played.stop()
    by_bar = {at // BAR: pitch for at, pitch in note_ons(played.sent)}
    assert by_bar == {1: 64, 2: 64, 3: 69, 4: 64}
    assert played.engine.status().fallbacks > 0


def test_without_any_answer_a_bass_and_chords_play():
    played = performed(line(beats=12), Away(), chart=CHART)
    beats: dict[int, list[int]] = {beat: [] for beat in range(4, 8)}
    for at, pitch in note_ons(played.sent):
        beats.get(at // BEAT, []).append(pitch)
    assert [len(beats[beat]) for beat in (4, 5, 6, 7)] == [1, 3, 1, 3]
    assert beats[4][0] % 12 == 5
    assert {pitch % 12 for pitch in beats[5]} == {5, 9, 0}
    assert hanging(played.sent) == {}


def test_without_a_thinker_it_plays_all_the_same():
    played = performed(line(beats=16), None, chart=CHART)
    assert {at // BEAT for at, _ in note_ons(played.sent)} >= set(range(4, 16))


def test_a_new_thinker_is_asked_again():
    mind = Grooves()
    played = started(mind, latency_ms=2000, chart=CHART)
    played.play([m for m in line() if m[0] < 3.5 * BEAT])
    played.run_until(7 * BEAT // 2)
    asked = len(mind.asked)
    played.engine.thought(played.now_ns, Grooves.ready)
    effects = played.engine.advance(played.now_ns)
    again = [e.message for e in effects if isinstance(getattr(e, "message", 0), Groove)]
    assert asked == 1
    assert len(again) == 1
    assert again[0].revision != mind.asked[0].revision


# ── another chord than the one expected ───────────────────────────────────────────────


def test_a_chord_that_contradicts_the_expected_one_is_followed_within_a_beat():
    inputs = triads(*["C"] * 6, "F#", "C")
    played = performed(inputs, Grooves())
    bar = [(at, p) for at, p in note_ons(played.sent) if 6 * BAR <= at < 7 * BAR]
    later = {p % 12 for at, p in bar if at > 6 * BAR + BEAT + 30 * MS}
    assert later
    assert later <= set(chords.pitch_classes(chords.named("F#")))
    assert hanging(played.sent) == {}


def test_a_chord_of_the_chart_holds_against_the_humans_chord():
    played = performed(triads(*["F#"] * 4), Grooves(), chart="C | C | C | C |")
    assert {p for _, p in note_ons(played.sent)} == {64}


# ── time ──────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("meter", ["3/4", "6/8", "5/4", "7/8", "2/4", "12/8", "3/8"])
def test_in_every_metre_bars_begin_on_the_line_and_nothing_hangs(meter):
    mind = Grooves()
    played = performed(line(beats=40), mind, meter=meter, listen=0)
    status = played.engine.status()
    ticks = parse(played.engine.params).meter.bar_ticks
    assert len(mind.asked) > 3
    assert all(ask.start_ticks % ticks == 0 for ask in mind.asked)
    assert {ask.bar_ticks for ask in mind.asked} == {ticks}
    assert status.late_p99_ms == 0
    assert hanging(played.sent) == {}


def test_a_change_of_tempo_leaves_nothing_late_and_nothing_stuck():
    played = started(Grooves(), chart=CHART)
    played.play(line(beats=10))
    played.engine.turned(
        played.now_ns, Ensemble(Params(role="loop", listen=4, chart=CHART, bpm=171.0))
    )
    played.run_until(played.now_ns + 8 * S)
    played.stop()
    assert played.engine.status().late_p99_ms < 1
    assert hanging(played.sent) == {}


def test_a_stop_silences_it_and_a_start_begins_on_the_bar():
    inputs = [(0, START), *clocks(0, 10), (10 * BEAT, STOP)]
    inputs += [(14 * BEAT - MS, START), *clocks(14, 6)]
    played = started(Grooves(), chart=CHART)
    played.play(sorted(inputs + line(beats=10)))
    between = [at for at, _ in note_ons(played.sent) if 10 * BEAT < at < 14 * BEAT]
    after = [at for at, _ in note_ons(played.sent) if at >= 14 * BEAT]
    assert between == []
    assert min(after) - 14 * BEAT < 2 * MS
    played.stop()
    assert hanging(played.sent) == {}


def test_a_jump_back_ends_what_sounds_and_goes_on_with_the_next_beat():
    position = bytes([0xF2, 6, 0])  # a beat and a half into the song
    inputs = [(0, START), *clocks(0, 9), (9 * BEAT - MS, position)]
    inputs += clocks(9, 10)
    played = started(Grooves(), chart=CHART)
    played.play(sorted(inputs + line(beats=9)))
    inside = [s for s in played.sent if s[0] <= 9 * BEAT + MS]
    assert hanging(inside) == {}
    after = [at for at, _ in note_ons(played.sent) if at > 9 * BEAT + MS]
    assert abs(min(after) - (9 * BEAT + BEAT // 2)) < 2 * MS
    played.stop()
    assert hanging(played.sent) == {}


def test_another_role_leaves_nothing_sounding():
    played = started(Grooves(), chart=CHART)
    played.play([m for m in line() if m[0] < 9.3 * BEAT])
    played.engine.turned(played.now_ns, Ensemble(Params(role="answer")))
    played.play([(played.now_ns + MS, messages.control(0, 1, 0))])
    assert hanging(played.sent) == {}


def test_all_notes_off_silences_it_until_the_next_note():
    played = started(Grooves(), chart=CHART)
    played.play([*line(beats=9), (9 * BEAT, messages.control(0, 123, 0))])
    played.run_until(16 * BEAT)
    assert hanging(played.sent) == {}
    assert max(at for at, _ in note_ons(played.sent)) <= 9 * BEAT
    played.stop()


# ── how it plays ──────────────────────────────────────────────────────────────────────


def test_more_notes_than_are_playable_are_thinned_out_off_the_beat_first():
    """16 chords of three keys in a bar of 0.6 s, in which 9 notes may be played."""

    class Busy(Grooves):
        def answer(self):
            plan = super().answer()
            if plan is None:
                return None
            start = plan.notes[0].start_ticks
            notes = [
                PlannedNote(start + n * 120, start + n * 120 + 120, pitch, 80)
                for n in range(16)
                for pitch in (60, 64, 67)
            ]
            return Plan(plan.revision, 0, tuple(notes), plan.until_ticks, complete=True)

    beat_ns = 60 * S // 400
    notes = line(beats=12, every_ns=beat_ns)
    played = performed(notes, Busy(), bpm=400.0, chart=CHART)
    ons = note_ons(played.sent)
    assert {at % beat_ns for at, _ in ons} == {0}
    bars = Counter(at // (4 * beat_ns) for at, _ in ons)
    assert max(bars.values()) == 9


class Clusters(Grooves):
    """A third and its neighbours on every beat, some of them twice."""

    def answer(self):
        plan = super().answer()
        if plan is None:
            return None
        notes = [
            PlannedNote(n.start_ticks, n.start_ticks + length, n.pitch + by, 80)
            for n in plan.notes
            for by, length in ((0, 100), (0, 400), (1, 400), (2, 200), (12, 400))
        ]
        return Plan(plan.revision, 0, tuple(notes), plan.until_ticks, complete=True)


@pytest.mark.parametrize("bars", [("C", "F#", "C", "F#", "Db", "G"), ("C",) * 6])
def test_no_key_is_struck_twice_at_one_instant(bars):
    played = performed(triads(*bars), Clusters(), low=60, high=66)
    count = Counter(note_ons(played.sent))
    assert len(count) > 20
    assert set(count.values()) == {1}
    assert not hanging(played.sent)


def test_notes_of_the_mind_outside_the_register_are_moved_into_it():
    played = performed(line(), Grooves(), low=40, high=55, chart=CHART)
    assert all(40 <= pitch <= 55 for _, pitch in note_ons(played.sent))


def test_it_is_as_loud_as_the_human():
    def loudness(velocity):
        inputs = sorted(m for n in range(20) for m in key(n * BEAT, 60, 9, velocity))
        played = performed(inputs, Grooves(), chart=CHART)
        return [s.data[2] for _, s in played.sent if messages.is_note_on(s.data)][-1]

    assert loudness(40) < loudness(80) < loudness(110)


@pytest.mark.parametrize(("before", "after"), [("12/8", "4/4"), ("3/4", "6/8")])
def test_a_change_of_meter_plays_no_bar_of_the_meter_before(before, after):
    played = started(Grooves(), meter=before, listen=0, lead=1.0)
    played.play(line(beats=24))
    sent = len(played.sent)
    params = msgspec.structs.replace(played.engine.params, meter=after)
    played.engine.turned(played.now_ns, Ensemble(params))
    played.play(line(beats=48, at_beat=24))
    played.stop()
    assert len(played.sent) > sent
