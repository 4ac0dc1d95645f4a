"""A leader and the seats of accompany: what is scheduled for a chord, what is cut."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.seated import BEAT_NS, SPAN_TICKS, Seated, classes, pitches

from ripieno.conduct.dynamics import ARC_BARS
from ripieno.conduct.leader import SOLO, Leader
from ripieno.conduct.span_clock import Key
from ripieno.conduct.spans import Spans
from ripieno.conduct.texture import BASS_BELOW
from ripieno.music import chords
from ripieno.music.chords import NO_CHORD, named
from ripieno.music.held import Held
from ripieno.music.sources import HUMAN, MACHINE
from ripieno.music.spans import Note
from ripieno.music.voicing import BASS_REGISTER
from ripieno.play.seat import Seat
from ripieno.protocol import CONDUCTOR
from ripieno.roles.pad import CHOICES, HEIGHT
from ripieno.settings.beginning import Beginning

PAD, BASS, KEYS = "pad", "bass", "keys"


class Rehearsal(Seated):
    """A leader, and the seats of accompany that follow it."""

    def __init__(self, follow=(PAD, BASS, KEYS), **play):
        super().__init__(**play)
        begins = Beginning(self.params, seed=5)
        seat = Seat(CONDUCTOR, "", self.params, begins, self.performance, None)
        self.spans = Spans(seat)
        self.leader = Leader(seat, self.spans, lambda: False)
        self.leader.followers = [self[name] for name in follow]

    def change(self, index, chord, melody=()):
        """The chord of a span, right on its beat."""
        for pitch in melody:
            self.spans.beats.down(index * SPAN_TICKS, pitch)
        self.leader.begin(index, named(chord), None, self.at_beat(index))

    def play(self, notes=None, planned_for=None):
        """A texture that was planned for a chord; without notes, none was."""
        chord = None if planned_for is None else named(planned_for)
        self.leader.write(notes, chord, self.performance.now_ns)

    def strike(self, pitch, velocity=80, source=HUMAN):
        """A key of the soloist."""
        self.leader.on_note(Key(0, 0, 0, pitch, velocity, source))


class Listener:
    """A follower that keeps what it is given."""

    def __init__(self):
        self.cues, self.sections, self.rests = [], [], 0

    def on_cue(self, cue, _now_ns):
        self.cues.append(cue)

    def on_section(self, cue, section, _now_ns):
        self.sections.append((cue, section))

    def on_rest(self, _at_ns):
        self.rests += 1


def test_a_new_chord_strikes_a_pad_of_three_of_its_notes_on_the_beat():
    rehearsal = Rehearsal()
    rehearsal.change(4, "Am")
    scheduled = rehearsal.scheduled()
    pad = [ticks for ticks, seat, _ in scheduled if seat == PAD]
    assert pad == [4 * SPAN_TICKS] * 3
    assert classes(scheduled, PAD) == set(chords.pitch_classes(named("Am")))
    assert all(
        CHOICES[0][0] <= pitch <= CHOICES[-1][0] + HEIGHT
        for pitch in pitches(scheduled, PAD)
    )


@pytest.mark.parametrize(("melody", "expected"), [((72,), {0, 4, 7}), ((68,), {0, 4})])
def test_a_pad_leaves_out_a_fifth_that_rubs_against_the_melody(melody, expected):
    rehearsal = Rehearsal()
    rehearsal.change(0, "C", melody)
    assert classes(rehearsal.scheduled(), PAD) == expected


def test_a_chord_that_stays_does_not_strike_the_pad_again_in_its_bar():
    rehearsal = Rehearsal()
    rehearsal.change(0, "C")
    rehearsal.scheduled()
    for index in range(1, 8):
        rehearsal.change(index, "C")
    assert not pitches(rehearsal.scheduled(), PAD)


def test_a_chord_that_stays_strikes_the_pad_again_after_two_bars():
    rehearsal = Rehearsal()
    for index in range(9):
        rehearsal.change(index, "C")
    struck = {ticks for ticks, seat, _ in rehearsal.scheduled() if seat == PAD}
    assert struck == {0, 8 * SPAN_TICKS}


def test_the_bass_line_replaces_a_low_note_on_the_beat():
    rehearsal = Rehearsal()
    rehearsal.change(0, "C")
    rehearsal.play([Note(0, 43, 2), Note(0, 64, 2), Note(2, 67, 2)], "C")
    scheduled = rehearsal.scheduled()
    assert pitches(scheduled, BASS) == [48]
    assert pitches(scheduled, KEYS) == [64, 67]


def test_a_low_note_off_the_beat_is_played_an_octave_higher():
    rehearsal = Rehearsal([KEYS])
    rehearsal.change(0, "C")
    rehearsal.play([Note(0, 36, 2), Note(1, 43, 2), Note(2, 67, 2)], "C")
    assert pitches(rehearsal.scheduled(), KEYS) == [55, 67]


def test_a_new_chord_is_given_its_root():
    rehearsal = Rehearsal()
    rehearsal.change(0, "F")
    rehearsal.play([Note(0, 65, 2)], "F")
    (bass,) = pitches(rehearsal.scheduled(), BASS)
    assert bass % 12 == 5
    assert BASS_REGISTER[0] <= bass <= BASS_REGISTER[1]


def test_a_chord_that_stays_is_given_no_other_root():
    rehearsal = Rehearsal()
    rehearsal.change(0, "F")
    rehearsal.play([Note(0, 65, 2)], "F")
    rehearsal.scheduled()
    rehearsal.change(1, "F")
    rehearsal.play([Note(0, 65, 2)], "F")
    assert not pitches(rehearsal.scheduled(), BASS)


def test_a_texture_planned_for_another_chord_moves_to_the_one_that_sounds():
    rehearsal = Rehearsal([KEYS])
    rehearsal.change(0, "Cm")
    rehearsal.play([Note(0, 64, 2), Note(2, 67, 2)], "C")
    assert pitches(rehearsal.scheduled(), KEYS) == [63, 67]


def test_a_span_without_a_plan_repeats_the_last_pattern_of_its_place_in_the_bar():
    rehearsal = Rehearsal([KEYS])
    rehearsal.change(1, "C")
    rehearsal.play([Note(0, 64, 1), Note(2, 67, 1)], "C")
    rehearsal.scheduled()
    rehearsal.change(5, "Cm")
    rehearsal.play()
    scheduled = rehearsal.scheduled()
    assert pitches(scheduled, KEYS) == [63, 67]
    assert scheduled[0][0] == 5 * SPAN_TICKS


def test_a_span_without_plan_or_pattern_has_a_bass_and_a_note_of_the_pad():
    rehearsal = Rehearsal([BASS, KEYS])
    rehearsal.change(0, "G")
    rehearsal.play()
    scheduled = rehearsal.scheduled()
    assert classes(scheduled, BASS) == {7}
    assert len(pitches(scheduled, KEYS)) == 1
    assert classes(scheduled, KEYS) <= set(chords.pitch_classes(named("G")))


@pytest.mark.parametrize("follow", [[PAD], [BASS], [KEYS], []])
def test_only_the_seats_that_follow_schedule_notes(follow):
    rehearsal = Rehearsal(follow)
    rehearsal.change(0, "C")
    rehearsal.play([Note(0, 43, 2), Note(0, 64, 2)], "C")
    assert {seat for _, seat, _ in rehearsal.scheduled()} == set(follow)


def test_a_new_chord_ends_the_pad_and_every_note_that_is_not_in_it():
    rehearsal = Rehearsal()
    rehearsal.change(0, "C")
    rehearsal.play([Note(0, 43, 16), Note(0, 64, 16)], "C")
    rehearsal.take(240)
    pad = [note.pitch for note in rehearsal[PAD]._notes.begun.values()]
    rehearsal.ended()
    rehearsal.change(1, "G")
    ended = rehearsal.ended()
    assert {(0, pitch) for pitch in pad} <= ended
    assert (2, 64) in ended
    assert (1, 43) not in ended


def test_a_chord_that_stays_ends_nothing():
    rehearsal = Rehearsal()
    rehearsal.change(0, "C")
    rehearsal.play([Note(0, 43, 16), Note(0, 62, 16)], "C")
    rehearsal.take(240)
    rehearsal.ended()
    rehearsal.change(1, "C")
    assert not rehearsal.ended()


def test_no_chord_ends_what_sounds_and_forgets_what_is_scheduled():
    rehearsal = Rehearsal()
    rehearsal.change(0, "C")
    rehearsal.play([Note(0, 43, 16), Note(2, 64, 2)], "C")
    rehearsal.take(120)
    assert rehearsal.performance.ledger.sounding == 4
    rehearsal.change(1, "-")
    assert rehearsal.leader.chord == NO_CHORD
    assert rehearsal.performance.ledger.sounding == 0
    assert not rehearsal.scheduled()


def test_a_resting_band_plays_no_texture():
    rehearsal = Rehearsal()
    rehearsal.play([Note(0, 64, 2)], "C")
    assert not rehearsal.scheduled()


def test_what_was_played_in_a_span_is_its_chord_and_its_notes_in_order():
    rehearsal = Rehearsal()
    rehearsal.change(0, "C")
    rehearsal.play([Note(2, 67, 2), Note(0, 43, 2)], "C")
    assert rehearsal.leader.sent(0) == (
        named("C"), (Note(0, 48, 8), Note(2, 67, 2)),
    )  # fmt: skip
    assert rehearsal.leader.sent(1) == (NO_CHORD, ())


def test_a_note_that_a_rest_cut_before_it_began_was_not_played():
    rehearsal = Rehearsal()
    rehearsal.change(0, "C")
    rehearsal.play([Note(0, 43, 2), Note(2, 67, 2)], "C")
    rehearsal.take(120)
    rehearsal.leader.rest(BEAT_NS // 4)
    assert rehearsal.leader.sent(0) == (named("C"), (Note(0, 48, 8),))


def test_a_band_is_louder_after_the_human_plays_louder():
    def loudest(struck):
        rehearsal = Rehearsal()
        for _ in range(20):
            rehearsal.strike(60, struck)
        rehearsal.change(0, "C")
        return max(due.velocity for due in rehearsal.take(0))

    assert loudest(30) < loudest(70) < loudest(110)


def test_swing_delays_the_off_beat_eighth():
    def off_beat(swing):
        rehearsal = Rehearsal([KEYS], swing=swing)
        rehearsal.change(0, "C")
        rehearsal.play([Note(2, 67, 2)], "C")
        return rehearsal.scheduled()[0][0]

    assert off_beat(1.0) - off_beat(0.0) == 80  # a sixth of a beat


def test_a_narrow_register_of_the_musician_holds_for_the_pad():
    rehearsal = Rehearsal([PAD], low=72, high=80)
    rehearsal.change(0, "C")
    struck = pitches(rehearsal.scheduled(), PAD)
    assert struck
    assert all(72 <= pitch <= 80 for pitch in struck)


@given(
    chord=st.integers(0, chords.N_CHORDS - 1),
    planned_for=st.integers(0, chords.N_CHORDS - 1),
    notes=st.lists(
        st.builds(Note, st.integers(0, 3), st.integers(0, 127), st.integers(1, 8)),
        max_size=8,
    ),
    low=st.integers(0, 115),
    width=st.integers(11, 60),
)
def test_every_note_lies_in_the_register_and_the_bass_in_its_lowest_octaves(
    chord, planned_for, notes, low, width
):
    high = min(127, low + width)
    rehearsal = Rehearsal(low=low, high=high)
    rehearsal.leader.begin(0, chord, None, 0)
    rehearsal.leader.write(notes, planned_for, 0)
    scheduled = rehearsal.scheduled()
    assert all(low <= pitch <= high for _, _, pitch in scheduled)
    highest = max(BASS_BELOW, low + 12)
    assert all(pitch < highest for pitch in pitches(scheduled, BASS))
    assert all(ticks >= 0 for ticks, _, _ in scheduled)


def test_a_seat_that_joins_within_a_chord_has_its_first_cue_as_a_new_chord():
    rehearsal, first, second = Rehearsal(), Listener(), Listener()
    rehearsal.leader.followers = [first]
    rehearsal.change(0, "C")
    rehearsal.leader.followers = [first, second]
    rehearsal.change(1, "C")
    assert [cue.is_new for cue in first.cues] == [True, False]
    assert [cue.is_new for cue in second.cues] == [True]


def test_a_cue_says_the_register_of_the_soloists_last_notes():
    rehearsal, follower = Rehearsal(), Listener()
    rehearsal.leader.followers = [follower]
    rehearsal.change(0, "C")
    rehearsal.strike(40)
    for pitch in (72, 76, 67):
        rehearsal.strike(pitch, source=MACHINE)
    rehearsal.change(1, "C")
    for _ in range(SOLO):
        rehearsal.strike(60)
    rehearsal.change(2, "C")
    assert [cue.soloist for cue in follower.cues] == [None, (40, 76), (60, 60)]


def test_a_reply_of_the_machine_does_not_change_how_loud_the_human_is():
    rehearsal, follower = Rehearsal(), Listener()
    rehearsal.leader.followers = [follower]
    phrase = 4 * ARC_BARS  # spans: all three cues lie at one place of the arc
    rehearsal.change(0, "C")
    rehearsal.strike(60, 127, MACHINE)
    rehearsal.change(phrase, "C")
    rehearsal.strike(60, 127, HUMAN)
    rehearsal.change(2 * phrase, "C")
    before, after_reply, after_human = (cue.velocity for cue in follower.cues)
    assert before == after_reply < after_human


def test_the_followers_rest_once_when_there_is_no_chord_any_more():
    rehearsal, follower = Rehearsal(), Listener()
    rehearsal.leader.followers = [follower]
    for index, chord in enumerate(["C", "-", "-"]):
        rehearsal.change(index, chord)
    assert follower.rests == 1
    assert len(follower.cues) == 1
    assert rehearsal.leader.chord_name == ""


def test_another_bass_under_the_same_chord_is_a_new_cue():
    rehearsal, follower = Rehearsal(), Listener()
    rehearsal.leader.followers = [follower]
    for index, bass in enumerate([0, 0, 4]):
        rehearsal.leader.begin(index, named("C"), bass, index * BEAT_NS)
    assert [cue.is_new for cue in follower.cues] == [True, False, True]
    assert rehearsal.leader.chord_name == "C/E"


def test_a_chord_changed_within_its_span_moves_bass_and_keys_at_once():
    rehearsal = Rehearsal([BASS, KEYS])
    rehearsal.change(0, "C")
    rehearsal.play([Note(0, 43, 4), Note(0, 64, 4), Note(2, 67, 2)], "C")
    rehearsal.take(100)
    quarter = SPAN_TICKS // 4
    rehearsal.performance.now_ns = now_ns = BEAT_NS // 4
    rehearsal.leader.change(0, Held(named("F"), 5), quarter, now_ns)
    assert {(1, 48), (2, 64)} <= rehearsal.ended()
    scheduled = rehearsal.scheduled()
    assert pitches(scheduled, BASS) == [41]
    assert classes(scheduled, KEYS) <= set(chords.pitch_classes(named("F")))
    assert all(ticks >= quarter for ticks, _, _ in scheduled)
    assert rehearsal.leader.sent(0)[0] == named("F")


@pytest.mark.parametrize(
    ("index", "play", "expected"),
    [(1, {}, [0]), (4, {}, [0, 240]), (4, {"busy": 8.0}, [0])],
)
def test_a_rest_of_the_soloist_is_filled_unless_a_density_is_wanted(
    index, play, expected
):
    rehearsal = Rehearsal([KEYS], **play)
    rehearsal.strike(72)  # in frame 0
    rehearsal.change(index, "C")
    rehearsal.play([Note(0, 64, 4)], "C")
    begin = index * SPAN_TICKS
    ticks = [at - begin for at, _, _ in rehearsal.scheduled()]
    assert [round(at, -1) for at in ticks] == expected
