"""The bass line: where it is struck, and on what, by chord, metre, tempo and melody."""

from itertools import pairwise

import pytest
from tests.seated import Seated, cue

from ripieno.conduct.bass_line import FEWEST, BassLine
from ripieno.conduct.span_clock import Key
from ripieno.music.chords import NO_CHORD, named
from ripieno.music.sources import HUMAN
from ripieno.music.spans import Phase
from ripieno.music.voicing import BASS_REGISTER
from ripieno.play.seat import Seat
from ripieno.protocol import CONDUCTOR
from ripieno.settings.beginning import Beginning


def line(bpm=120.0, **play):
    """A line at a tempo."""
    seated = Seated(**play)
    seated.performance.transport.set_tempo(0, bpm)
    begins = Beginning(seated.params, seed=5)
    return BassLine(
        Seat(CONDUCTOR, "", seated.params, begins, seated.performance, None)
    )


def written(played, chords, spans=4, first_bar=0, **fields):
    """The pitches of a chord a span, None where the line is not struck."""
    found, before = [], None
    names = chords.split()
    for index, name in enumerate(names):
        upcoming = named(names[index + 1]) if index + 1 < len(names) else NO_CHORD
        notes = played.write(
            cue(
                index,
                name,
                phase=Phase(index % spans, spans, first_bar + index // spans),
                is_new=name != before,
                upcoming=upcoming,
                **fields,
            )
        )
        found.append(notes[0].pitch if notes else None)
        before = name
    return found


def sing(bass, frames=range(0, 64, 4)):
    """A melody with onsets on some frames."""
    for frame in frames:
        bass.on_note(Key(0, 0, frame, 60, 80, HUMAN))


def classes(pitches):
    return [None if pitch is None else pitch % 12 for pitch in pitches]


def test_the_line_moves_to_the_fifth():
    assert classes(written(line(130), "C C C C")) == [0, None, 7, None]


def test_on_slow_beats_the_line_returns_to_the_root():
    assert classes(written(line(120), "C C C C")) == [0, None, 7, 0]


def test_a_new_chord_has_its_root_wherever_it_begins():
    assert classes(written(line(), "C C G F")) == [0, None, 7, 5]


def test_beat_one_has_the_root_of_a_chord_that_goes_on():
    assert classes(written(line(), "F F F F F F"))[4] == 5


@pytest.mark.parametrize(
    ("bpm", "struck"), [(40, 3), (120, 3), (130, 2), (160, 2), (180, 1)]
)
def test_a_faster_tempo_has_fewer_notes_a_bar(bpm, struck):
    found = written(line(bpm), "C C C C")
    assert sum(pitch is not None for pitch in found) == struck


@pytest.mark.parametrize(("busy", "struck"), [(1.0, 1), (9.0, 3), (24.0, 4)])
def test_a_busier_texture_has_a_busier_bass(busy, struck):
    found = written(line(busy=busy), "C C C C")
    assert sum(pitch is not None for pitch in found) == struck


@pytest.mark.parametrize(
    ("spans", "bpm", "expected"),
    [
        (2, 60, [0, 7]),
        (3, 70, [0, None, None]),
        (5, 90, [0, None, None, 7, 0]),
    ],
)
def test_the_second_half_of_a_bar_begins_on_a_felt_beat(spans, bpm, expected):
    meters = {2: "2/4", 3: "3/4", 5: "5/4"}
    bass = line(bpm, meter=meters[spans])
    found = classes(written(bass, " ".join(spans * ["C"]), spans))
    assert found == expected


def test_a_walking_bass_moves_on_every_beat_within_its_chord():
    found = written(line(busy=24.0), "C C C C C C C C")
    assert all(a != b for a, b in pairwise(found))
    assert set(classes(found)) <= {0, 4, 7}


@pytest.mark.parametrize(
    "chords", ["C C C C F", "C C C C G", "G G G G C", "C C C C Dm"]
)
def test_the_last_beat_of_a_phrase_leads_by_a_step_to_a_chord_that_comes(
    chords,
):
    *_, lead, target = written(line(), chords, first_bar=3)
    assert 0 < abs(lead - target) <= 2


def test_a_bar_within_the_phrase_does_not_lead():
    assert classes(written(line(), "C C C C F", first_bar=2))[3] == 0


def test_a_bass_that_the_left_hand_says_comes_before_the_root():
    assert classes(written(line(130), "C C C C F", bass=4)) == [4, None, 4, None, 4]


def test_seven_eight_is_struck_on_its_first_and_last_group():
    bass = line(120, meter="7/8")
    assert classes(written(bass, "C C C", 3)) == [0, None, 7]


def test_a_note_lasts_until_the_next_planned_one():
    bass = line()
    (first,) = bass.write(cue(0, "C"))
    (weak,) = bass.write(cue(1, "G"))
    assert [first.frames, weak.frames] == [8, 4]


def test_a_chord_that_comes_within_a_span_has_its_root():
    bass = line()
    bass.write(cue(0, "C"))
    (note,) = bass.change(cue(0, "F", start_ticks=240, is_new=True))
    assert note.pitch % 12 == 5


def test_under_a_hymn_the_line_strikes_every_beat_and_steps_where_it_can():
    bass = line(90)
    sing(bass)
    found = written(bass, "C G C F")
    assert None not in found
    assert classes(found)[:2] == [0, 11]  # the third of G is a step away
    assert abs(found[1] - found[2]) <= 2


@pytest.mark.parametrize(
    ("bpm", "frames"),
    [(200, range(0, 64, 4)), (90, range(64)), (90, range(0, 4 * FEWEST - 4, 4))],
)
def test_a_fast_or_syncopated_or_unknown_melody_is_no_hymn(bpm, frames):
    bass = line(bpm)
    sing(bass, frames)
    assert not bass.is_sung


def test_after_a_rest_the_line_begins_with_a_root():
    bass = line()
    bass.write(cue(0, "C"))
    bass.rest()
    assert bass.write(cue(1, "C", is_new=False))[0].pitch % 12 == 0


@pytest.mark.parametrize(("low", "high"), [(36, 96), (60, 71), (24, 40), (100, 127)])
def test_the_line_stays_in_the_register_and_low(low, high):
    bass = line(low=low, high=high, busy=24.0)
    found = written(bass, "C C C C F F F# F# Bb B D7 Dm7 Cdim C C Eb")
    assert all(low <= pitch <= high for pitch in found)
    assert max(found) <= max(BASS_REGISTER[1], low + 11)
