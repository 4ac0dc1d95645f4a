"""The human's notes on the grid of sixteenths."""

from hypothesis import given
from hypothesis import strategies as st

from ripieno.hear.beats import KEPT_FRAMES, MOST_NOTES, Beats, frame_of
from ripieno.music.spans import FRAME_TICKS, Span

BEAT = 4 * FRAME_TICKS
C, E, G = 60, 64, 67


def heard(*notes):
    """Beats that heard notes of (first tick, last tick or None, pitch)."""
    beats = Beats()
    events = [(start, 1, pitch) for start, _, pitch in notes]
    events += [(end, 0, pitch) for _, end, pitch in notes if end is not None]
    for ticks, is_down, pitch in sorted(events):
        if is_down:
            beats.down(ticks, pitch)
        else:
            beats.up(ticks, pitch)
    return beats


def test_a_note_belongs_to_the_nearest_sixteenth_and_a_tie_to_the_later():
    assert [frame_of(t) for t in (-61, -60, 0, 59, 60, 179, 180)] == [
        -1, 0, 0, 0, 1, 1, 2,
    ]  # fmt: skip
    assert Beats().down(BEAT - 20, C) == 4


def test_a_quarter_note_is_struck_once_and_sounds_for_four_frames():
    beats = heard((0, BEAT, C))
    assert beats.span(0, 4) == Span(((C,), (), (), ()), ((C,),) * 4)
    assert beats.span(4, 4) == Span(((),) * 4, ((),) * 4)


def test_a_key_that_is_down_sounds_in_all_that_is_to_come():
    beats = heard((0, None, C))
    assert beats.span(40, 4) == Span(((),) * 4, ((C,),) * 4)


def test_a_note_shorter_than_a_frame_sounds_for_one():
    beats = heard((0, 30, C))
    assert beats.span(0, 2).sounding == ((C,), ())


def test_a_chord_is_told_from_the_bottom():
    beats = heard((10, BEAT, G), (0, BEAT, C), (5, BEAT, E))
    span = beats.span(0, 4)
    assert span.struck[0] == span.sounding[0] == (C, E, G)
    assert span.onsets == 3


def test_a_key_that_is_struck_again_within_its_note_sounds_once():
    beats = heard((0, None, C), (BEAT, None, C))
    assert beats.span(4, 1) == Span(((C,),), ((C,),))


def test_an_early_note_is_of_the_beat_that_it_was_meant_for():
    beats = heard((BEAT - 40, 2 * BEAT - 40, C))
    assert beats.span(0, 4).onsets == 0
    assert beats.span(4, 4).struck[0] == (C,)
    assert beats.span(4, 4).sounding == ((C,),) * 4


def test_a_span_of_six_frames_is_a_dotted_beat():
    beats = heard((0, 360, C), (360, 720, E))
    assert beats.span(0, 6).sounding == ((C,), (C,), (C,), (E,), (E,), (E,))


def test_notes_before_bar_1_are_kept_like_others():
    beats = heard((-BEAT, 0, C))
    assert beats.span(-4, 4).sounding == ((C,),) * 4
    assert beats.span(0, 1).sounding == ((),)


def test_old_notes_are_forgotten_and_held_ones_kept():
    beats = heard((0, None, C), (0, BEAT, E))
    beats.down((KEPT_FRAMES + 5) * FRAME_TICKS, G)
    assert beats.span(0, 1) == Span(((C,),), ((C,),))


def test_a_cleared_history_is_empty():
    beats = heard((0, None, C))
    beats.clear()
    beats.up(BEAT, C)
    assert beats.span(0, 4) == Span(((),) * 4, ((),) * 4)


notes = st.lists(
    st.tuples(st.integers(-5000, 5000), st.integers(0, 3000), st.integers(40, 90)),
    max_size=20,
)


@given(notes, st.integers(-40, 40), st.sampled_from([1, 2, 4, 6]))
def test_spans_of_any_cut_hold_the_same_frames(played, first, frames):
    beats = heard(*[(at, at + length, pitch) for at, length, pitch in played])
    whole = beats.span(first, 2 * frames)
    halves = beats.span(first, frames), beats.span(first + frames, frames)
    assert whole.struck == halves[0].struck + halves[1].struck
    assert whole.sounding == halves[0].sounding + halves[1].sounding
    for struck, sounding in zip(whole.struck, whole.sounding, strict=True):
        assert set(struck) <= set(sounding)
        assert list(sounding) == sorted(set(sounding))


def test_a_burst_keeps_its_newest_notes():
    beats = Beats()
    for place in range(2 * MOST_NOTES):
        beats.down(0, place * 128 // (2 * MOST_NOTES))
    (struck,) = beats.span(0, 1).struck
    assert len(struck) == MOST_NOTES
    assert set(struck) == set(range(64, 128))
