"""A song whose melody returns: chords and texture return, a step higher if it does."""

import random

import pytest
from tests.accompanied import TEXTURE, clocks, insists, merged, performed, started
from tests.inputs import BEAT, START, line, song_position
from tests.outputs import note_ons

from ripieno.conduct.leader import VARIED_BARS
from ripieno.music import chords
from ripieno.music.spans import Note
from ripieno.protocol import Comp
from ripieno.settings.ensemble import Change, changed
from ripieno.testing import ScriptedDuet

VERSE = (60, 64, 67, 64, 65, 69, 72, 69, 62, 65, 69, 65, 67, 71, 74, 71,
         69, 65, 60, 65, 67, 64, 60, 67, 62, 67, 65, 71, 60, 67, 64, 60)  # fmt: skip
BRIDGE = (66, 73, 61, 68, 75, 63, 70, 66, 59, 73, 64, 71, 61, 68, 63, 58,
          70, 75, 66, 59, 71, 61, 73, 68, 63, 58, 66, 64, 75, 70, 61, 59)  # fmt: skip
BARS = len(VERSE) // 4


class Inventor(ScriptedDuet):
    """A mind that writes other notes to every span, and never the same rhythm twice."""

    def _sections(self, ask):
        draw = random.Random(ask.index)
        frames = sorted(draw.sample((1, 2, 3), draw.choice((1, 2))))
        notes = tuple(Note(frame, draw.choice((60, 64, 67)), 1) for frame in frames)
        first, *rest = super()._sections(ask)
        return [first, *(_with(comp, notes) for comp in rest)]


def _with(comp, notes):
    return Comp(
        comp.revision, comp.section, comp.chord, comp.likely, notes,
        comp.until_frame, complete=comp.complete,
    )  # fmt: skip


def song(shift=0):
    """A verse, a bridge, and the verse again in another key: a note a beat.

    The verse ends with a rest of two beats.
    """
    parts = VERSE[:-2], BRIDGE, tuple(pitch + shift for pitch in VERSE[:-2])
    begins = (0, 4 * BARS, 8 * BARS)
    return [
        message
        for pitches, at_beat in zip(parts, begins, strict=True)
        for message in line(pitches, len(pitches), at_beat)
    ]


def rhythm(played, bar, beats=4):
    """When the texture strikes in the first beats of a bar, in sixteenths."""
    begin = 4 * bar * BEAT
    return {
        round(4 * (at - begin) / BEAT)
        for at, _ in note_ons(played.sent, TEXTURE)
        if begin - BEAT // 16 <= at < begin + beats * BEAT - BEAT // 16
    }


def chords_of(mind):
    return {beat.index: beat.chord for beat in mind.beats}


@pytest.mark.parametrize("shift", [0, 2])
def test_the_rhythm_of_a_returning_section_is_that_of_the_first_time(shift):
    played = performed(song(shift), Inventor())
    for bar in range(2 * BARS + 2, 3 * BARS):  # it is recognized by then
        beats = 2 if bar % VARIED_BARS == VARIED_BARS - 1 else 4
        before = rhythm(played, bar - 2 * BARS, beats)
        assert not before or rhythm(played, bar, beats) == before
    others = [rhythm(played, bar) for bar in range(BARS, 2 * BARS)]
    assert len({frozenset(each) for each in others}) > BARS // 2


@pytest.mark.parametrize("shift", [0, 2])
def test_its_chords_are_the_same_in_the_key_of_now(shift):
    mind = Inventor()
    performed(song(shift), mind)
    found = chords_of(mind)
    again = range(8 * BARS + 12, 12 * BARS - 1)
    same = [
        chords.transposed(found[index - 8 * BARS], shift) == found[index]
        for index in again
        if found[index - 8 * BARS] != chords.NO_CHORD
    ]
    assert sum(same) >= 0.8 * len(same)


def test_the_model_still_decides_every_chord():
    played = performed(song(), insists("Am"))
    assert played.engine.status().by_model > 0.9


def test_a_texture_is_not_repeated_after_the_musician_asked_for_another():
    played = started(Inventor())
    messages = song()
    half = [message for message in messages if message[0] < 8 * BARS * BEAT]
    played.play(half)
    busier = changed(played.engine.ensemble, Change({"busy": 6}))
    played.engine.turned(played.now_ns, busier)
    played.play(messages[len(half) :])
    played.run_until(played.now_ns + 2 * BEAT)
    bars = range(2 * BARS + 3, 3 * BARS)
    kept = [rhythm(played, bar) == rhythm(played, bar - 2 * BARS) for bar in bars]
    assert sum(kept) <= 1


def test_the_status_names_the_section():
    played = started(Inventor())
    names: list[str] = []
    for at_ns, data in song(2):
        played.play([(at_ns, data)])
        name = played.engine.status().section
        if name != (names or [""])[-1]:
            names.append(name)
    assert names == ["A", "B", "A'"]


def test_the_same_song_is_played_in_the_same_way():
    one, other = (performed(song(2), Inventor()).sent for _ in range(2))
    assert one == other


def test_a_beat_to_which_the_song_jumps_back_is_played_once_more():
    beat = 8 * BARS + 13
    jump = beat * BEAT + BEAT // 3
    sung = [message for message in song() if message[0] < jump]
    place = [(jump, song_position(4 * beat))]
    played = performed(
        merged([(0, START)], clocks(0, beat + 1 / 3), place, clocks(jump + 1, 2), sung),
        Inventor(),
        tail_beats=0,
    )
    ons = [at for at, _ in note_ons(played.sent, TEXTURE)]
    assert any(jump < at < jump + BEAT for at in ons)


def test_a_last_chord_does_not_return_in_the_rest_of_another_pass():
    mind, beats = Inventor(), 4 * BARS
    played = started(mind)
    played.play(line(VERSE, beats))
    ending = changed(played.engine.ensemble, Change({"ending": "now"}))
    played.engine.turned(played.now_ns, ending)
    played.play(line(VERSE, beats, beats + 16))
    played.run_until(played.now_ns + 12 * BEAT)
    longest = [max((n.frames for n in beat.notes), default=0) for beat in mind.beats]
    assert max(longest[beats : beats + 16]) == 16
    assert max(longest[beats + 16 :]) == 4


def test_a_promised_texture_is_not_replaced_by_one_that_returns():
    """With a commit horizon, what is heard in a beat does not change its notes."""
    played = performed(song(), Inventor(), commit=4)
    bars = range(2 * BARS + 2, 3 * BARS)
    alike = [rhythm(played, b) == rhythm(played, b - 2 * BARS) for b in bars]
    assert sum(alike) <= 1
