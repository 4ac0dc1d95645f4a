"""What a pad holds, and when it is struck again."""

import pytest
from tests.seated import BEAT_NS, SPAN_TICKS, Seated, classes, cue, pitches

from ripieno.conduct.cue import Section
from ripieno.music import chords
from ripieno.music.chords import named
from ripieno.music.spans import Note
from ripieno.roles.pad import AGAIN_BARS, RINGS_BARS, VOICES


def struck(seated):
    return pitches(seated.scheduled(), "solo")


def test_a_pad_alone_strikes_the_chord_of_its_first_cue():
    seated = Seated(role="pad")
    seated["solo"].on_cue(cue(4, "Am"), seated.at_beat(4))
    scheduled = seated.scheduled()
    assert [ticks for ticks, _, _ in scheduled] == [4 * SPAN_TICKS] * VOICES
    assert classes(scheduled, "solo") == set(chords.pitch_classes(named("Am")))


def test_a_pad_moves_to_the_next_chord_by_small_steps():
    seated = Seated(role="pad")
    seated["solo"].on_cue(cue(0, "C"), 0)
    before = sorted(struck(seated))
    seated["solo"].on_cue(cue(1, "Am"), seated.at_beat(1))
    after = sorted(struck(seated))
    assert all(abs(a - b) <= 2 for a, b in zip(before, after, strict=True))


def test_a_new_chord_ends_the_one_before():
    seated = Seated(role="pad")
    seated["solo"].on_cue(cue(0, "C"), 0)
    seated.take(0)
    held = {(0, note.pitch) for note in seated["solo"]._notes.begun.values()}
    seated.ended()
    seated["solo"].on_cue(cue(1, "F"), seated.at_beat(1))
    assert seated.ended() == held


def test_a_chord_that_stays_is_struck_again_where_it_has_faded():
    seated = Seated(role="pad")
    for index in range(4 * AGAIN_BARS + 1):
        again = cue(index, "C", is_new=not index)
        seated["solo"].on_cue(again, seated.at_beat(index))
    ticks = {at for at, _, _ in seated.scheduled()}
    assert ticks == {0, 4 * AGAIN_BARS * SPAN_TICKS}


def test_a_chord_that_changes_within_a_span_is_struck_at_once():
    seated = Seated(role="pad")
    seated.performance.now_ns = BEAT_NS // 2
    late = cue(0, "C", start_ticks=SPAN_TICKS // 2)
    seated["solo"].on_cue(late, BEAT_NS // 2)
    assert {at for at, _, _ in seated.scheduled()} == {SPAN_TICKS // 2}


@pytest.mark.parametrize(("melody", "expected"), [((72,), {0, 4, 7}), ((68,), {0, 4})])
def test_a_fifth_that_rubs_against_the_melody_is_left_out(melody, expected):
    seated = Seated(role="pad")
    seated["solo"].on_cue(cue(0, "C", melody=melody), 0)
    assert classes(seated.scheduled(), "solo") == expected


def test_a_pad_that_nothing_ends_rings_for_three_bars():
    seated = Seated(role="pad")
    seated["solo"].on_cue(cue(0, "C"), 0)
    ends = {due.ticks for due in seated.take(1 << 20) if not due.velocity}
    assert ends == {RINGS_BARS * 4 * SPAN_TICKS}


def test_a_rest_ends_what_sounds_and_forgets_what_is_to_come():
    seated = Seated(role="pad")
    seated["solo"].on_cue(cue(0, "C"), 0)
    seated.take(0)
    seated["solo"].on_cue(cue(1, "F"), 0)
    seated["solo"].on_rest(BEAT_NS // 2)
    assert seated.performance.ledger.sounding == 0
    assert not struck(seated)


def test_a_pad_is_as_loud_as_the_soloist():
    def loudest(velocity):
        seated = Seated(role="pad")
        seated["solo"].on_cue(cue(0, "C", velocity=velocity), 0)
        return max(due.velocity for due in seated.take(0))

    assert loudest(30.0) < loudest(70.0) < loudest(110.0)


def test_a_pad_sounds_below_the_soloist_where_there_is_room():
    seated = Seated(role="pad")
    seated["solo"].on_cue(cue(0, "C", soloist=(62, 79)), 0)
    assert max(struck(seated)) < 62


def test_a_pad_goes_above_a_low_soloist():
    seated = Seated(role="pad")
    seated["solo"].on_cue(cue(0, "C", soloist=(43, 62)), 0)
    assert min(struck(seated)) > 62


def test_a_pad_keeps_off_the_pitches_of_the_texture():
    seated = Seated(role="pad")
    low = Section([], [Note(frame, pitch, 2) for frame in (0, 2) for pitch in (52, 55)])
    for index in range(8):
        seated["solo"].on_section(cue(index, "C"), low, 0)
    seated["solo"].on_cue(cue(8, "C", soloist=(72, 84)), 0)
    assert not {52, 55} & set(struck(seated))


@pytest.mark.parametrize(
    ("chord", "upcoming", "melody", "has_seventh"),
    [
        ("G", "C", (79,), True),
        ("C", "F", (72,), True),
        ("G", "F", (79,), False),
        ("Gm", "C", (79,), False),
        ("G", "C", (76,), False),
    ],
)
def test_a_triad_that_leads_a_fifth_down_gets_its_seventh(
    chord, upcoming, melody, has_seventh
):
    seated = Seated(role="pad")
    leading = cue(0, chord, melody=melody, upcoming=named(upcoming))
    seated["solo"].on_cue(leading, 0)
    seventh = (chords.root_of(named(chord)) + 10) % 12
    assert (seventh in {pitch % 12 for pitch in struck(seated)}) == has_seventh


def test_the_seventh_comes_when_the_next_chord_is_known():
    seated = Seated(role="pad")
    seated["solo"].on_cue(cue(0, "G", melody=(79,), upcoming=named("G")), 0)
    struck(seated)
    later = cue(1, "G", melody=(79,), upcoming=named("C"), is_new=False)
    seated["solo"].on_cue(later, 0)
    assert [pitch % 12 for pitch in struck(seated)] == [5]


@pytest.mark.parametrize("own", [{"chart": "G@1"}, {"scale": "C major"}])
def test_what_the_musician_prescribes_gets_no_seventh(own):
    seated = Seated(role="pad", **own)
    seated["solo"].on_cue(cue(0, "G", melody=(79,), upcoming=named("C")), 0)
    assert 5 not in {pitch % 12 for pitch in struck(seated)}
