"""The player's own weights of the chords, and what the musician rules out."""

from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ripieno.conduct.guide import Guide, landing_at, only
from ripieno.music import chords
from ripieno.music.chords import N_CHORDS, NO_CHORD, named
from ripieno.music.spans import Phase, Span
from ripieno.protocol import FORBIDDEN
from ripieno.settings.params import Guidance

SPANS = 4
C_MAJOR = frozenset({0, 2, 4, 5, 7, 9, 11})
SCALE_OF_C = ((60, 62, 64, 65), (67, 69, 71, 72))
FREE = Guidance()


def phase_at(index):
    return Phase(index % SPANS, SPANS, index // SPANS)


def arpeggio(*pitches):
    """A beat of sixteenths."""
    frames = tuple((pitch,) for pitch in pitches)
    return Span(frames, frames)


def listened(*beats, seed=1):
    """A guide that heard some beats from bar 1 on."""
    guide = Guide(None, seed)
    for index, pitches in enumerate(beats):
        guide.hear(arpeggio(*pitches), phase_at(index))
    return guide


def weigh(guide, index, guidance=FREE, *, beat=None, staleness=0, before=NO_CHORD):
    """The weights of a span's chords, where the rules decide alone."""
    return guide.weights(guidance, phase_at, index, beat, staleness, before).alone


def beside(guide, index, guidance=FREE, *, beat=None, before=NO_CHORD):
    """The weights of a span's chords beside a network."""
    return guide.weights(guidance, phase_at, index, beat, 0, before).beside


def allowed(weights):
    """The chords that are not ruled out."""
    return set(np.flatnonzero(weights > FORBIDDEN).tolist())


IN_C = [(60, 64, 67, 72)] * 8


def test_a_guide_that_heard_c_major_weighs_the_chord_of_c_highest():
    assert int(weigh(listened(*IN_C), 8).argmax()) == named("C")


def test_a_chord_struck_on_the_beat_weighs_more_than_without_it():
    guide = listened(*IN_C)
    struck = Span(((55, 59, 62), (), (), ()), ((55, 59, 62),) * 4)
    with_it = weigh(guide, 8, beat=struck)[named("G")]
    assert with_it > weigh(guide, 8)[named("G")]


def test_every_chord_is_allowed_where_the_musician_says_nothing():
    assert allowed(weigh(listened(*IN_C), 8)) == set(range(N_CHORDS))


def test_a_landing_allows_its_chord_alone_on_the_downbeat_of_its_bar():
    guidance = Guidance(landings={2: named("Ab7")})
    assert allowed(weigh(listened(*IN_C), 8, guidance)) == {named("Ab7")}


def test_a_landing_rules_out_nothing_after_the_downbeat():
    guidance = Guidance(landings={2: named("Ab7")})
    assert len(allowed(weigh(listened(*IN_C), 9, guidance))) == N_CHORDS


def test_a_landing_to_come_raises_the_chord_that_leads_there():
    guide, guidance = listened(*IN_C), Guidance(landings={2: named("C")})
    plain, led = weigh(guide, 7), weigh(guide, 7, guidance)
    gain = led - plain
    assert gain[named("G7")] > gain[named("F#dim")]


def test_a_landing_more_than_eight_spans_ahead_changes_nothing():
    guide, guidance = listened(*IN_C), Guidance(landings={5: named("Ab")})
    np.testing.assert_array_equal(weigh(guide, 11, guidance), weigh(guide, 11))
    assert (weigh(guide, 12, guidance) != weigh(guide, 12)).any()


def test_a_landing_holds_against_the_chord_lock_and_the_scale():
    guidance = Guidance(
        landings={2: named("Ab7")}, allowed_chords=(named("C"),), scale=C_MAJOR
    )
    assert allowed(weigh(listened(*IN_C), 8, guidance)) == {named("Ab7")}


def test_a_chord_lock_allows_its_chords_alone():
    lock = (named("F"), named("Gm7"))
    assert allowed(weigh(listened(*IN_C), 9, Guidance(allowed_chords=lock))) == set(
        lock
    )


def test_a_chord_lock_holds_against_the_scale():
    guidance = Guidance(allowed_chords=(named("Ab7"),), scale=C_MAJOR)
    assert allowed(weigh(listened(*IN_C), 9, guidance)) == {named("Ab7")}


def test_a_scale_allows_the_chords_that_lie_in_it():
    weights = weigh(listened(*IN_C), 9, Guidance(scale=C_MAJOR))
    inside = {
        chord
        for chord in range(N_CHORDS)
        if set(chords.pitch_classes(chord)) <= C_MAJOR
    }
    assert allowed(weights) == inside
    assert named("C") in inside


@pytest.mark.parametrize("scale", [frozenset(range(12)), frozenset({0, 1})])
def test_a_scale_of_all_notes_or_without_any_chord_rules_out_nothing(scale):
    weights = weigh(listened(*IN_C), 9, Guidance(scale=scale))
    assert len(allowed(weights)) == N_CHORDS


def test_a_phrase_raises_the_tonic_on_the_downbeat_where_it_begins():
    guide = listened(*SCALE_OF_C * 4)
    tonic, guidance = named("C"), Guidance(phrase=2)
    gain = weigh(guide, 8, guidance) - weigh(guide, 8)
    assert int(gain.argmax()) == tonic
    assert gain[tonic] - np.delete(gain, tonic).max() > 2.5


def test_a_phrase_changes_nothing_before_any_note_is_heard():
    guide = Guide(None, 1)
    np.testing.assert_array_equal(weigh(guide, 8, Guidance(phrase=2)), weigh(guide, 8))


def test_leading_with_the_same_seed_chooses_the_same_weights():
    lead = partial(weigh, index=9, guidance=Guidance(lead=1.0), before=named("C"))
    same = [lead(listened(*IN_C, seed=seed)) for seed in (3, 3, 4)]
    np.testing.assert_array_equal(same[0], same[1])
    assert (same[0] != same[2]).any()


def test_leading_changes_nothing_but_the_evidence_without_a_chord_before_it():
    guide, guidance = listened(*IN_C), Guidance(lead=1.0)
    heard = weigh(guide, 9, guidance, beat=arpeggio(55, 59, 62, 65))
    np.testing.assert_allclose(heard, weigh(guide, 9, guidance))


def test_the_tonic_is_no_chord_before_any_note_is_heard():
    assert Guide(None, 1).tonic() == NO_CHORD


@pytest.mark.parametrize(
    ("tune", "name"),
    [
        ([(60, 62, 64, 65), (67, 64, 62, 60)] * 4, "C"),
        ([(57, 60, 64, 62), (60, 59, 57, 57)] * 4, "Am"),
    ],
)
def test_the_tonic_is_that_of_the_key_that_was_heard(tune, name):
    assert listened(*tune).tonic() == named(name)


def test_the_likely_chord_ahead_is_the_one_that_was_heard():
    assert listened(*IN_C).likely([phase_at(8)]) == named("C")


def test_a_landing_lies_on_the_downbeat_of_its_bar_only():
    guidance = Guidance(landings={2: named("F")})
    found = {n: landing_at(guidance, phase_at(n)) for n in range(20)}
    assert {n: chord for n, chord in found.items() if chord is not None} == {
        8: named("F")
    }


@given(
    chosen=st.lists(st.integers(NO_CHORD, N_CHORDS - 1), max_size=6),
    seed=st.integers(0, 99),
)
def test_only_keeps_the_weights_of_the_chosen_chords(chosen, seed):
    weights = np.random.default_rng(seed).normal(size=N_CHORDS)
    real = set(chosen) - {NO_CHORD}
    kept = only(weights, chosen)
    if not real:
        np.testing.assert_array_equal(kept, weights)
        return
    assert allowed(kept) == real
    np.testing.assert_array_equal(kept[list(real)], weights[list(real)])


@settings(max_examples=40)
@given(
    index=st.integers(0, 40),
    staleness=st.integers(0, 4),
    before=st.integers(NO_CHORD, N_CHORDS - 1),
    guidance=st.builds(
        Guidance,
        lead=st.floats(0.0, 1.0),
        phrase=st.none() | st.integers(1, 4),
        scale=st.sampled_from([None, C_MAJOR]),
        landings=st.dictionaries(st.integers(0, 10), st.just(named("F")), max_size=1),
        allowed_chords=st.lists(st.integers(0, N_CHORDS - 1), max_size=3).map(tuple),
    ),
)
def test_weights_are_finite_and_always_leave_a_chord(
    index, staleness, before, guidance
):
    guide = listened(*SCALE_OF_C)
    weights = weigh(guide, index, guidance, staleness=staleness, before=before)
    assert weights.shape == (N_CHORDS,)
    assert np.isfinite(weights).all()
    assert allowed(weights)


def keeping_c():
    """A guide that has played C for a beat."""
    guide = listened(*IN_C)
    guide.played(8, arpeggio(60, 64, 67, 72), named("C"))
    return guide


def test_a_network_is_not_told_what_the_rules_believe():
    guide = listened(*IN_C)
    assert weigh(guide, 8)[named("C")] > weigh(guide, 8)[named("F#")] + 3.0
    assert abs(beside(guide, 8)[named("C")] - beside(guide, 8)[named("F#")]) < 1.0


def test_the_rules_hold_a_chord_that_was_played():
    guide, before = keeping_c(), listened(*IN_C)
    gain = weigh(guide, 9, before=named("C")) - weigh(before, 9)
    assert gain[named("C")] > np.delete(gain, named("C")).max()


def test_the_rules_alone_do_not_hold_a_chord_against_the_note_on_the_beat():
    guide = keeping_c()
    struck = Span(((66,), (), (), ()), ((66,),) * 4)
    held = weigh(guide, 9, beat=struck, before=named("C"))
    plain = weigh(guide, 9, beat=struck)
    assert held[named("C")] - plain[named("C")] <= 0.0


def test_what_is_ruled_out_stays_ruled_out():
    guidance = Guidance(allowed_chords=(named("F"),))
    weights = keeping_c().weights(guidance, phase_at, 9, None, 0, named("C"))
    assert allowed(weights.alone) == allowed(weights.beside) == {named("F")}


def test_a_leader_ignores_the_grammar():
    guide, other = keeping_c(), listened(*IN_C)
    guidance = Guidance(lead=1.0)
    for each in ("alone", "beside"):
        one, two = (
            getattr(g.weights(guidance, phase_at, 9, None, 0, named("C")), each)
            for g in (guide, other)
        )
        np.testing.assert_allclose(one, two, atol=1e-9)
