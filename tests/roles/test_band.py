"""Pad, bass and texture: what is scheduled for a span's chord, and what is cut."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ripieno.music import chords, messages
from ripieno.music.chords import NO_CHORD, named
from ripieno.music.spans import Note, Phase
from ripieno.music.voicing import BASS_REGISTER, CHORD_REGISTER
from ripieno.play.ledger import Ledger
from ripieno.play.performance import Performance
from ripieno.play.seat import Seat
from ripieno.protocol import BASS, CHORDS, TEXTURE
from ripieno.roles.band import BASS_BELOW, Band
from ripieno.roles.performer import Send
from ripieno.settings.beginning import Beginning
from ripieno.settings.params import Params

BEAT_NS = 500_000_000
"""A beat at 120 bpm."""
SPAN_TICKS = 480


class Rehearsal:
    """A band with a performance of its own; a span is a beat of 4/4 at 120 bpm."""

    def __init__(self, **play):
        params = Params(**{"role": "accompany", **play})
        begins = Beginning(params, seed=5)
        self.performance = Performance(begins, Ledger())
        self.band = Band(Seat(begins, self.performance, None))

    def change(self, index, chord, melody=()):
        """The chord of a span, right on its beat."""
        self.performance.now_ns = index * BEAT_NS
        self.band.change(index, phase_at(index), named(chord), index * BEAT_NS, melody)

    def play(self, index, notes=None, planned_for=None):
        """A texture that was planned for a chord; without notes, none was."""
        chord = None if planned_for is None else named(planned_for)
        now_ns = self.performance.now_ns
        self.band.play(index, phase_at(index), notes, chord, now_ns)

    def scheduled(self):
        """What is to start, in order: (ticks, part, pitch)."""
        notes = [entry for entry in self.take(1 << 20) if entry.velocity]
        return [(due.ticks, due.part, due.pitch) for due in notes]

    def take(self, until_ticks):
        """What is due until a tick; it is sent, as the engine sends it."""
        due = self.performance.scheduler.take(until_ticks, 0)
        for each in due:
            self.performance.send_due(each, self.performance.timeline.ns_at(each.ticks))
            if each.velocity:
                self.band.on_sent(each)
        return due

    def ended(self):
        """The channels and pitches of the note-offs that went out since the last."""
        sent = [
            effect.data for effect in self.performance.out if isinstance(effect, Send)
        ]
        self.performance.out.clear()
        return {
            (messages.channel_of(data), data[1])
            for data in sent
            if messages.is_note_off(data)
        }


def phase_at(index):
    return Phase(index % 4, 4, index // 4)


def pitches(scheduled, part):
    return [pitch for _, which, pitch in scheduled if which == part]


def classes(scheduled, part):
    return {pitch % 12 for pitch in pitches(scheduled, part)}


def test_a_new_chord_strikes_a_pad_of_three_of_its_notes_on_the_beat():
    rehearsal = Rehearsal()
    rehearsal.change(4, "Am")
    scheduled = rehearsal.scheduled()
    assert [ticks for ticks, _, _ in scheduled] == [4 * SPAN_TICKS] * 3
    assert classes(scheduled, CHORDS) == set(chords.pitch_classes(named("Am")))
    assert all(
        CHORD_REGISTER[0] <= pitch <= CHORD_REGISTER[1]
        for pitch in pitches(scheduled, CHORDS)
    )


@pytest.mark.parametrize(("melody", "expected"), [((72,), {0, 4, 7}), ((68,), {0, 4})])
def test_a_pad_leaves_out_a_fifth_that_rubs_against_the_melody(melody, expected):
    rehearsal = Rehearsal()
    rehearsal.change(0, "C", melody)
    assert classes(rehearsal.scheduled(), CHORDS) == expected


def test_a_chord_that_stays_does_not_strike_the_pad_again_in_its_bar():
    rehearsal = Rehearsal()
    rehearsal.change(0, "C")
    rehearsal.scheduled()
    for index in range(1, 8):
        rehearsal.change(index, "C")
    assert not rehearsal.scheduled()


def test_a_chord_that_stays_strikes_the_pad_again_after_two_bars():
    rehearsal = Rehearsal()
    for index in range(9):
        rehearsal.change(index, "C")
    struck = {ticks for ticks, _, _ in rehearsal.scheduled()}
    assert struck == {0, 8 * SPAN_TICKS}


def test_a_low_note_of_the_texture_is_the_basss_and_the_rest_is_the_textures():
    rehearsal = Rehearsal()
    rehearsal.change(0, "C")
    rehearsal.play(0, [Note(0, 43, 2), Note(0, 64, 2), Note(2, 67, 2)], "C")
    scheduled = rehearsal.scheduled()
    assert pitches(scheduled, BASS) == [43]
    assert pitches(scheduled, TEXTURE) == [64, 67]


def test_a_new_chord_without_a_low_note_on_its_beat_is_given_its_root():
    rehearsal = Rehearsal()
    rehearsal.change(0, "F")
    rehearsal.play(0, [Note(0, 65, 2)], "F")
    (bass,) = pitches(rehearsal.scheduled(), BASS)
    assert bass % 12 == 5
    assert BASS_REGISTER[0] <= bass <= BASS_REGISTER[1]


def test_a_chord_that_stays_is_given_no_other_root():
    rehearsal = Rehearsal()
    rehearsal.change(0, "F")
    rehearsal.play(0, [Note(0, 65, 2)], "F")
    rehearsal.scheduled()
    rehearsal.change(1, "F")
    rehearsal.play(1, [Note(0, 65, 2)], "F")
    assert not pitches(rehearsal.scheduled(), BASS)


def test_a_texture_planned_for_another_chord_moves_to_the_one_that_sounds():
    rehearsal = Rehearsal(parts="texture")
    rehearsal.change(0, "Cm")
    rehearsal.play(0, [Note(0, 64, 2), Note(2, 67, 2)], "C")
    assert pitches(rehearsal.scheduled(), TEXTURE) == [63, 67]


def test_a_span_without_a_plan_repeats_the_last_pattern_of_its_place_in_the_bar():
    rehearsal = Rehearsal(parts="texture")
    rehearsal.change(1, "C")
    rehearsal.play(1, [Note(0, 64, 1), Note(2, 67, 1)], "C")
    rehearsal.scheduled()
    rehearsal.change(5, "Cm")
    rehearsal.play(5)
    scheduled = rehearsal.scheduled()
    assert pitches(scheduled, TEXTURE) == [63, 67]
    assert scheduled[0][0] == 5 * SPAN_TICKS


def test_a_span_without_plan_or_pattern_has_a_bass_and_a_note_of_the_pad():
    rehearsal = Rehearsal(parts="bass texture")
    rehearsal.change(0, "G")
    rehearsal.play(0)
    scheduled = rehearsal.scheduled()
    assert classes(scheduled, BASS) == {7}
    assert len(pitches(scheduled, TEXTURE)) == 1
    assert classes(scheduled, TEXTURE) <= set(chords.pitch_classes(named("G")))


@pytest.mark.parametrize(
    ("parts", "expected"),
    [("chords", {CHORDS}), ("bass", {BASS}), ("texture", {TEXTURE}), ("", set())],
)
def test_only_the_parts_that_are_wanted_are_scheduled(parts, expected):
    rehearsal = Rehearsal(parts=parts)
    rehearsal.change(0, "C")
    rehearsal.play(0, [Note(0, 43, 2), Note(0, 64, 2)], "C")
    assert {part for _, part, _ in rehearsal.scheduled()} == expected


def test_a_new_chord_ends_the_pad_and_every_note_that_is_not_in_it():
    rehearsal = Rehearsal()
    rehearsal.change(0, "C")
    rehearsal.play(0, [Note(0, 43, 16), Note(0, 64, 16)], "C")
    pad = pitches([(d.ticks, d.part, d.pitch) for d in rehearsal.take(240)], CHORDS)
    rehearsal.ended()
    rehearsal.change(1, "G")
    ended = rehearsal.ended()
    assert {(0, pitch) for pitch in pad} <= ended
    assert (2, 64) in ended
    assert (1, 43) not in ended


def test_a_chord_that_stays_ends_nothing():
    rehearsal = Rehearsal()
    rehearsal.change(0, "C")
    rehearsal.play(0, [Note(0, 43, 16), Note(0, 62, 16)], "C")
    rehearsal.take(240)
    rehearsal.ended()
    rehearsal.change(1, "C")
    assert not rehearsal.ended()


def test_no_chord_ends_what_sounds_and_forgets_what_is_scheduled():
    rehearsal = Rehearsal()
    rehearsal.change(0, "C")
    rehearsal.play(0, [Note(0, 43, 16), Note(2, 64, 2)], "C")
    rehearsal.take(120)
    assert rehearsal.performance.ledger.sounding == 4
    rehearsal.change(1, "-")
    assert rehearsal.band.chord == NO_CHORD
    assert rehearsal.performance.ledger.sounding == 0
    assert not rehearsal.scheduled()


def test_a_resting_band_plays_no_texture():
    rehearsal = Rehearsal()
    rehearsal.play(0, [Note(0, 64, 2)], "C")
    assert not rehearsal.scheduled()


def test_what_was_played_in_a_span_is_its_chord_and_its_notes_in_order():
    rehearsal = Rehearsal()
    rehearsal.change(0, "C")
    rehearsal.play(0, [Note(2, 67, 2), Note(0, 43, 2)], "C")
    assert rehearsal.band.sent(0) == (
        named("C"), (Note(0, 43, 2), Note(2, 67, 2)),
    )  # fmt: skip
    assert rehearsal.band.sent(1) == (NO_CHORD, ())


def test_a_note_that_a_rest_cut_before_it_began_was_not_played():
    rehearsal = Rehearsal()
    rehearsal.change(0, "C")
    rehearsal.play(0, [Note(0, 43, 2), Note(2, 67, 2)], "C")
    rehearsal.take(120)
    rehearsal.band.rest(BEAT_NS // 4)
    assert rehearsal.band.sent(0) == (named("C"), (Note(0, 43, 2),))


def test_a_band_is_louder_after_the_human_plays_louder():
    def loudest(struck):
        rehearsal = Rehearsal()
        for _ in range(20):
            rehearsal.band.human.add(struck)
        rehearsal.change(0, "C")
        return max(due.velocity for due in rehearsal.take(0))

    assert loudest(30) < loudest(70) < loudest(110)


def test_swing_delays_the_off_beat_eighth():
    def off_beat(swing):
        rehearsal = Rehearsal(parts="texture", swing=swing)
        rehearsal.change(0, "C")
        rehearsal.play(0, [Note(2, 67, 2)], "C")
        return rehearsal.scheduled()[0][0]

    assert off_beat(1.0) - off_beat(0.0) == 80  # a sixth of a beat


def test_a_narrow_register_of_the_musician_holds_for_the_pad():
    rehearsal = Rehearsal(low=72, high=80, parts="chords")
    rehearsal.change(0, "C")
    struck = pitches(rehearsal.scheduled(), CHORDS)
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
def test_every_note_lies_in_the_register_and_every_bass_is_low(
    chord, planned_for, notes, low, width
):
    high = min(127, low + width)
    rehearsal = Rehearsal(low=low, high=high)
    rehearsal.band.change(0, phase_at(0), chord, 0, ())
    rehearsal.band.play(0, phase_at(0), notes, planned_for, 0)
    scheduled = rehearsal.scheduled()
    assert all(low <= pitch <= high for _, _, pitch in scheduled)
    assert all(pitch < BASS_BELOW for pitch in pitches(scheduled, BASS))
    assert all(ticks >= 0 for ticks, _, _ in scheduled)
