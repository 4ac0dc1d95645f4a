"""Bass and keys: which notes of a section each plays, and what a new chord ends."""

import pytest
from tests.seated import BEAT_NS, SPAN_TICKS, Seated, cue, pitches

from ripieno.conduct.cue import Section
from ripieno.music.spans import FRAME_TICKS, Note

SECTION = Section([Note(0, 43, 16)], [Note(0, 64, 16), Note(2, 67, 16)])
ROLES = ("bass", "keys")


def playing(role, **play):
    """A seat that has begun a section on C."""
    seated = Seated(role=role, **play)
    seated["solo"].on_cue(cue(0, "C"), 0)
    seated["solo"].on_section(cue(0, "C"), SECTION, 0)
    return seated


@pytest.mark.parametrize(("role", "expected"), [("bass", [43]), ("keys", [64, 67])])
def test_each_role_plays_its_own_notes_of_a_section(role, expected):
    assert pitches(playing(role).scheduled(), "solo") == expected


@pytest.mark.parametrize("role", ROLES)
def test_a_cue_alone_schedules_nothing(role):
    seated = Seated(role=role)
    seated["solo"].on_cue(cue(0, "C"), 0)
    assert not seated.scheduled()


def test_a_new_chord_ends_the_notes_that_are_not_in_it_and_keeps_the_others():
    seated = playing("keys")
    seated.take(300)
    seated.ended()
    seated["solo"].on_cue(cue(1, "G"), seated.at_beat(1))
    assert seated.ended() == {(0, 64)}
    assert seated.performance.ledger.sounding == 1


def test_a_chord_that_stays_ends_nothing():
    seated = playing("keys")
    seated.take(300)
    seated.ended()
    seated["solo"].on_cue(cue(1, "G", is_new=False), seated.at_beat(1))
    assert not seated.ended()


def test_a_chord_that_changes_within_a_span_strikes_what_sounds_again_on_it():
    seated = playing("keys")
    seated.take(100)
    seated.ended()
    seated.performance.now_ns = BEAT_NS // 4
    change = cue(0, "F", start_ticks=SPAN_TICKS // 4)
    seated["solo"].on_cue(change, BEAT_NS // 4)
    assert seated.ended() == {(0, 64)}
    assert [at for at, _, _ in seated.scheduled()] == [SPAN_TICKS // 4, 243]


def test_a_changed_chord_has_one_bass_even_where_a_moved_one_would_begin_with_it():
    seated = playing("bass")
    seated.take(100)
    seated.performance.now_ns = BEAT_NS // 4
    change = cue(0, "F", start_ticks=SPAN_TICKS // 4)
    seated["solo"].on_cue(change, BEAT_NS // 4)
    seated["solo"].on_section(change, Section([Note(0, 41, 8)], []), BEAT_NS // 4)
    assert [(at, pitch) for at, _, pitch in seated.scheduled()] == [
        (SPAN_TICKS // 4, 41)
    ]


def test_all_notes_of_one_frame_are_played_on_a_changed_chord():
    seated = Seated(role="keys")
    change = cue(0, "F", start_ticks=FRAME_TICKS)
    seated["solo"].on_cue(change, 0)
    section = Section([], [Note(2, 65, 2), Note(2, 65 + 4, 2)])
    seated["solo"].on_section(change, section, 0)
    assert sorted(pitches(seated.scheduled(), "solo")) == [65, 69]


def test_a_note_on_the_beat_that_comes_late_begins_now():
    seated = Seated(role="bass")
    seated["solo"].on_cue(cue(0, "C"), 0)
    late_ns = seated.performance.now_ns = BEAT_NS // 10
    seated["solo"].on_section(cue(0, "C"), SECTION, late_ns)
    assert [at for at, _, _ in seated.scheduled()] == [SPAN_TICKS // 10]


@pytest.mark.parametrize("role", ROLES)
def test_a_rest_ends_what_sounds_and_forgets_what_is_to_come(role):
    seated = playing(role)
    seated.take(100)
    seated["solo"].on_rest(BEAT_NS // 2)
    assert seated.performance.ledger.sounding == 0
    assert not seated.scheduled()


def test_swing_delays_the_off_beat_eighth():
    def off_beat(swing):
        return playing("keys", swing=swing).scheduled()[-1][0]

    assert off_beat(1.0) - off_beat(0.0) == 80  # a sixth of a beat
