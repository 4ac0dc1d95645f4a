"""A melody that returns brings back what was played to it, in another key too."""

import numpy as np
import pytest

from ripieno.conduct.memory import (
    AGAIN,
    AROUND,
    KNOWN,
    SPANS,
    Memory,
    Played,
)
from ripieno.music.chords import N_CHORDS, NO_CHORD, named, transposed
from ripieno.music.spans import Note, Phase, Span

TUNE = (60, 64, 67, 65, 69, 65, 67, 62, 71, 67, 64, 60, 62, 65, 64, 62)
CHORDS = [named(name) for name in ("C", "C", "F", "F", "F", "F", "G", "G")] * 2
OTHER = (66, 58, 61, 70, 59, 68, 63, 66, 56, 61, 70, 58, 69, 59, 66, 63)
IN_BAR = 4
REST = Span(((),) * 4, ((),) * 4)


def phase_at(index, spans=IN_BAR):
    return Phase(index % spans, spans, index // spans)


def beat(*pitches):
    """Two eighths, held."""
    return Span((pitches, (), pitches, ()), (pitches,) * 4)


def texture(index):
    """What the test plays to a felt beat: another place each time."""
    return (Note(index % 4, 64 + index % 5, 2),)


class Song:
    """A memory that hears a song."""

    def __init__(self, spans=IN_BAR):
        self.memory, self.index, self.spans = Memory(), -1, spans

    def hear(self, pitches, chords=CHORDS, shift=0):
        for pitch, chord in zip(pitches, chords, strict=False):
            self.index += 1
            played = Played(transposed(chord, shift), texture(self.index))
            phase = phase_at(self.index, self.spans)
            span = REST if pitch is None else beat(pitch + shift)
            self.memory.hear(self.index, span, phase, played)
        return self

    def weights(self, pitch=None, before=NO_CHORD):
        """Of the next beat; without a pitch nothing is struck on it yet."""
        now = REST if pitch is None else beat(pitch)
        return self.memory.weights(self.index + 1, now, before)

    def texture(self, pitch):
        return self.memory.texture(self.index + 1, beat(pitch))


def test_a_melody_that_was_heard_before_is_recognized():
    found = Song().hear(TUNE).hear(TUNE[:8]).memory.now()
    assert (found.bars, found.shift, found.since) == (4, 0, 7)
    assert found.score > 8


@pytest.mark.parametrize("shift", [2, 7, 11])
def test_so_is_one_in_another_key(shift):
    found = Song().hear(TUNE).hear(TUNE[:8], shift=shift).memory.now()
    assert (found.bars, found.shift) == (4, shift)


def test_a_new_melody_is_not():
    song = Song().hear(TUNE).hear(OTHER)
    assert song.memory.now() is None
    assert song.texture(61) is None
    assert not song.weights(61).any()


def test_nor_is_one_that_returns_at_another_place_of_the_bar():
    song = Song().hear(TUNE).hear(OTHER[:2], CHORDS).hear(TUNE[:10])
    assert song.memory.now() is None


@pytest.mark.parametrize("shift", [0, 2])
def test_the_chord_of_then_is_likelier_in_the_key_of_now(shift):
    song = Song().hear(TUNE).hear(TUNE[:8], shift=shift)
    assert song.weights(TUNE[8] + shift).argmax() == transposed(CHORDS[8], shift)


def test_a_note_that_contradicts_takes_it_back():
    song = Song().hear(TUNE).hear(TUNE[:8])
    assert song.weights(TUNE[8]).any()
    assert not song.weights(TUNE[8] + 1).any()


def test_before_its_note_a_beat_is_expected_as_it_was():
    song = Song().hear(TUNE).hear(TUNE[:8])
    assert song.weights().argmax() == CHORDS[8]


def test_a_chord_that_the_rest_of_its_bar_contradicted_does_not_return():
    wrong = [*CHORDS[:8], *[named("F#")] * 4, *CHORDS[12:]]
    song = Song().hear(TUNE, wrong).hear(TUNE[:8])
    weights = song.weights(TUNE[8])
    assert weights[named("C")] > weights[named("F#")]


def test_a_chord_that_came_too_late_comes_on_the_downbeat():
    late = [*CHORDS[:8], named("Em"), *[named("C")] * 3, *CHORDS[12:]]
    in_time = [*CHORDS[:8], *[named("C")] * 4, *CHORDS[12:]]
    one, other = (Song().hear(TUNE, way).hear(TUNE[:8]) for way in (late, in_time))
    assert np.allclose(one.weights(TUNE[8]), other.weights(TUNE[8]))


def test_on_a_weak_beat_it_returns_only_where_it_sounds_already():
    song = Song().hear(TUNE).hear(TUNE[:9])
    kept = song.weights(TUNE[9], before=CHORDS[9])
    changed = song.weights(TUNE[9], before=named("Am"))
    difference = kept - changed
    assert difference[CHORDS[9]] > AGAIN / 2
    assert not np.delete(difference, CHORDS[9]).any()


def test_the_texture_of_then_returns_on_its_chord():
    song = Song().hear(TUNE).hear(TUNE[:8])
    assert song.texture(TUNE[8]) == Played(CHORDS[8], texture(8))


def test_of_two_places_the_nearer_one_counts():
    song = Song().hear(TUNE).hear(TUNE).hear(TUNE[:8])
    assert song.memory.now().bars == 4


def test_a_place_at_which_nothing_was_played_brings_nothing_back():
    song = Song().hear(TUNE, [NO_CHORD] * 16).hear(TUNE[:8])
    assert song.memory.now() is not None
    assert song.texture(TUNE[8]) is None
    assert not song.weights(TUNE[8]).any()


def test_one_wrong_note_does_not_end_a_return():
    song = Song().hear(TUNE).hear([*TUNE[:6], TUNE[6] + 1, *TUNE[7:10]])
    assert song.memory.now().score > KNOWN


def test_after_a_jump_an_earlier_pass_is_known():
    song = Song().hear(TUNE)
    song.index = -1
    found = song.hear(TUNE[:8]).memory.now()
    assert (found.bars, found.shift) == (4, 0)


def test_a_jump_within_a_bar_keeps_the_places_in_the_bar():
    song = Song().hear(TUNE).hear(OTHER[:2])
    song.index = 15
    assert song.hear(TUNE[:8]).memory.now().bars == 5


def test_another_metre_begins_anew():
    song = Song().hear(TUNE)
    song.spans = 3
    assert song.hear(TUNE).memory.now() is None
    assert song.memory.bar == 5


def test_bars_of_three_beats_wrap_around_too():
    song = Song(spans=3)
    for _ in range(SPANS // 12 + 3):
        song.hear(TUNE[:12], [*CHORDS[:4], *CHORDS])
    found = song.memory.now()
    assert found is not None
    assert found.bars == 4
    assert song.weights(TUNE[0]).argmax() == CHORDS[0]


def test_what_lies_too_long_ago_is_forgotten():
    for silent, is_known in ((SPANS // 2, True), (SPANS, False)):
        song = Song().hear(TUNE).hear([None] * silent, [NO_CHORD] * silent)
        found = song.hear(TUNE[:8]).memory.now()
        assert (found is not None) == is_known


def test_a_span_too_far_ahead_is_not_known():
    memory = Song().hear(TUNE).hear(TUNE[:8]).memory
    assert memory.weights(24 + IN_BAR, None, NO_CHORD).shape == (N_CHORDS,)
    assert not memory.weights(24 + IN_BAR, None, NO_CHORD).any()
    assert memory.weights(25, None, NO_CHORD).any()


def test_in_a_long_rest_the_chords_of_eight_bars_before_come_again():
    """A rest from bar 9 on: bar 10 has the chords of bar 2."""
    song = Song().hear(TUNE).hear(OTHER).hear([None] * 4, [named("C")] * 4)
    found: list[int] = []
    for chord in CHORDS[4:8]:
        before = found[-1] if found else named("C")
        found.append(int(song.weights(before=before).argmax()))
        song.hear([None], [chord])
    assert found == CHORDS[4:8]


def test_a_key_ends_the_round_of_chords():
    song = Song().hear(TUNE).hear(OTHER).hear([None] * 4, [named("C")] * 4)
    assert song.weights().max() == AROUND
    assert song.weights(61).max() < AROUND


def test_without_eight_bars_the_chords_of_four_bars_before_come_again():
    song = Song().hear(TUNE).hear([None] * 4, [named("C")] * 4)
    assert song.weights()[CHORDS[4]] == AROUND


def test_a_metre_with_as_many_beats_of_another_length_begins_anew():
    song = Song().hear((*TUNE, *TUNE))
    dotted = Span(((60,), *((),) * 5), ((60,),) * 6)
    song.index += 1
    song.memory.hear(song.index, dotted, phase_at(song.index), Played())
    assert song.memory.now() is None
    assert song.memory.bar == 0


def test_what_was_sung_long_ago_does_not_count_for_beats_that_were_skipped():
    song = Song()
    song.memory.hear(0, beat(60), phase_at(0), Played())
    song.memory.hear(2, beat(60), phase_at(2), Played())
    for index in range(3, SPANS + 1):
        song.memory.hear(index, beat(61), phase_at(index), Played())
    song.memory.hear(SPANS + 3, beat(60), phase_at(SPANS + 3), Played())
    assert not song.memory._sung[[1, 2]].any()
