"""Chords last, follow one another and close as people's do."""

import numpy as np
import pytest

from ripieno.conduct import cadences
from ripieno.conduct.grammar import RULES, Grammar
from ripieno.conduct.harmonic_rhythm import CHANGES, changing
from ripieno.conduct.phrases import Phrases
from ripieno.conduct.tonic import Tonic
from ripieno.music.chords import N_CHORDS, NO_CHORD, named
from ripieno.music.lasting import Lasting
from ripieno.music.spans import Phase, Span
from ripieno.rules.harmony import Harmony

SPANS = 4


def phase_at(index):
    """Where a beat of 4/4 lies."""
    return Phase(index % SPANS, SPANS, index // SPANS)


def beat(*pitches):
    """A beat on which some keys are struck and held."""
    return Span((pitches, (), (), ()), (pitches,) * 4)


def grammar(*played):
    """A grammar that heard C to some chords, from beat 0 on."""
    found = Grammar(Harmony())
    for index, name in enumerate(played):
        found.hear(beat(60), phase_at(index))
        found.played(index, beat(60), named(name))
    return found


def kept(found, index, before, span=None):
    """By how many nats keeping a chord is likelier than the likeliest change."""
    weights = found.parts(phase_at, index, span, named(before), None).weights(RULES)
    return weights[named(before)] - np.delete(weights, named(before)).max()


# ── how long chords last ─────────────────────────────────────────────────────────────


def test_the_counted_shares_have_two_bars_for_each_beat_of_the_bar():
    for spans, rows in CHANGES.items():
        assert len(rows) == spans
        assert {len(row) for row in rows} == {2 * spans}
        assert all(0 < share < 1 for row in rows for share in row)


@pytest.mark.parametrize("spans", range(1, 13))
def test_a_chord_changes_on_a_downbeat_rather_than_on_the_last_beat(spans):
    last = changing(Phase(spans - 1, spans, 0), max(spans - 1, 1))
    assert changing(Phase(0, spans, 1), spans) >= last


def test_a_chord_that_lasts_longer_counts_as_one_that_is_whole_bars_shorter():
    row = CHANGES[4][2]
    found = [changing(Phase(2, 4, 0), lasted) for lasted in range(1, 17)]
    assert found == [*row, *row[4:], *row[4:]]


def test_a_chord_has_lasted_since_it_was_played_first():
    rhythm = Lasting()
    for index, chord in enumerate("CCGGGG"):
        rhythm.played(index, named(chord))
    assert rhythm.lasted(6, named("G")) == 4
    assert rhythm.lasted(8, named("G")) == 6
    assert rhythm.lasted(6, named("F")) == 1


def test_after_a_jump_a_chord_begins_anew():
    rhythm = Lasting()
    for index in (0, 1, 2, 17):
        rhythm.played(index, named("C"))
    assert rhythm.lasted(18, named("C")) == 1


def test_a_chord_is_kept_on_a_weak_beat_more_firmly_than_on_a_downbeat():
    weak, downbeat = grammar(*"FFFFC"), grammar(*"FFFFCCCC")
    assert kept(weak, 5, "C") > 0.8
    assert kept(weak, 5, "C") > kept(downbeat, 8, "C")


def test_a_struck_note_outside_the_chord_makes_keeping_it_less_likely():
    found = grammar(*"FFFFC")
    assert kept(found, 5, "C", beat(66)) < kept(found, 5, "C", beat(64))


def test_without_a_chord_before_nothing_is_kept():
    found = grammar(*"FFFFC")
    weights = found.parts(phase_at, 5, None, NO_CHORD, None).weights(RULES)
    assert weights.shape == (N_CHORDS,)
    assert abs(weights[named("C")]) < 1.0


# ── cadences ─────────────────────────────────────────────────────────────────────────


def cadence(index, before=NO_CHORD, tonic="C", every=4):
    """The weights of a beat where a phrase ends in every fourth bar."""
    return cadences.weights(Phrases(), phase_at, index, named(tonic), before, every)


def test_a_phrase_ends_on_the_tonic():
    assert int(cadence(12).argmax()) == named("C")


def test_the_dominant_makes_the_tonic_likelier():
    after = cadence(12, named("G7"))[named("C")]
    assert after > cadence(12, named("F"))[named("C")]


@pytest.mark.parametrize(
    ("tonic", "dominant"), [("C", {"G", "G7"}), ("Am", {"E", "E7"})]
)
def test_the_dominant_is_likeliest_in_the_half_bar_before_the_end(tonic, dominant):
    weights = cadence(11, tonic=tonic)
    best = np.flatnonzero(weights == weights.max()).tolist()
    assert best == sorted(map(named, dominant))


def test_what_prepares_the_dominant_comes_before_it():
    assert cadence(8)[named("Dm")] > 0
    assert cadence(8, tonic="Am")[named("Bm7b5")] > 0
    assert cadence(11)[named("Dm")] == 0


def test_nothing_leads_to_an_end_that_is_more_than_a_bar_away():
    assert not cadence(15).any()


def test_without_a_key_there_is_no_cadence():
    found = cadences.weights(Phrases(), phase_at, 16, NO_CHORD, NO_CHORD, 4)
    assert not found.any()


def test_the_first_of_two_phrases_may_end_on_the_dominant():
    phrases = Phrases()
    for index in range(8):
        phrases.hear(beat(60), phase_at(index))
    half, whole = (
        cadences.weights(phrases, phase_at, index, named("C"), NO_CHORD)
        for index in (12, 28)
    )
    assert half[named("G")] > 0
    assert whole[named("G")] <= 0
    assert whole[named("C")] > half[named("C")]


# ── the key ──────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("tune", "name"),
    [
        ((60, 64, 67, 65, 64, 62, 60), "C"),
        ((69, 71, 72, 76, 74, 72, 71, 69, 68, 69), "Am"),
        ((62, 66, 69, 67, 66, 64, 62), "D"),
    ],
)
def test_the_tonic_is_that_of_the_tune(tune, name):
    tonic = Tonic()
    for pitch in tune:
        tonic.hear(beat(pitch))
    assert tonic.chord() == named(name)


def test_before_any_note_there_is_no_tonic():
    assert Tonic().chord() == NO_CHORD
