"""The masks that keep a plan within its limits."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ripieno.layouts.vocabulary import (
    DELTA_EDGES_S,
    N_DELTAS,
    N_PITCHES,
    delta_of,
    up,
)
from ripieno.minds.constraints import LONGEST_REST_S, Constraints
from ripieno.music import scales
from ripieno.music.sources import MACHINE
from ripieno.protocol import Limits

C_MAJOR = scales.named("C major")


def constraints(scale=C_MAJOR, **limits):
    """The limits of a plan that has not begun."""
    return Constraints(Limits(**{"low": 48, "high": 72, **limits}), scale)


def starts(masks):
    """The pitches that may start."""
    return set(np.flatnonzero(masks[2][:N_PITCHES]).tolist())


def ends(masks):
    """The pitches that may end."""
    return {pitch for pitch in range(N_PITCHES) if masks[2][up(pitch)]}


def waits(masks):
    """The classes of the time until the event that are allowed."""
    return np.flatnonzero(masks[1]).tolist()


def test_the_first_event_is_a_note_of_scale_and_register_after_the_given_time():
    masks = constraints(low=60, high=72).first(0.5)
    assert starts(masks) == {60, 62, 64, 65, 67, 69, 71, 72}
    assert not ends(masks)
    assert waits(masks) == [delta_of(0.5)]


def test_every_event_is_the_machines_own_at_any_velocity():
    source, _, _, velocity = constraints().first(0.0)
    assert np.flatnonzero(source).tolist() == [MACHINE]
    assert velocity.all()


def test_a_register_without_a_note_of_the_scale_allows_all_of_its_pitches():
    assert starts(constraints(low=61, high=61).first(0.0)) == {61}


def test_a_sounding_pitch_may_end_and_may_not_start_again():
    masks = constraints().masks(1.0, {60: 9.0, 64: 9.0}, may_start=True)
    assert ends(masks) == {60, 64}
    assert starts(masks).isdisjoint({60, 64})
    assert 62 in starts(masks)


def test_a_pitch_that_does_not_sound_may_not_end():
    masks = constraints().masks(1.0, {60: 9.0}, may_start=True)
    assert 62 not in ends(masks)


def test_full_polyphony_allows_no_note_to_start():
    sounding = {60: 9.0, 64: 9.0}
    masks = constraints(polyphony=2).masks(1.0, sounding, may_start=True)
    assert not starts(masks)
    assert ends(masks) == {60, 64}


def test_a_plan_without_room_only_ends_its_notes():
    masks = constraints().masks(1.0, {60: 9.0}, may_start=False)
    assert not starts(masks)
    assert ends(masks) == {60}


def test_a_silent_plan_without_room_allows_nothing():
    assert constraints().masks(1.0, {}, may_start=False) is None


def test_an_overdue_note_has_to_end_before_anything_else_happens():
    masks = constraints().masks(1.0, {60: 1.0, 64: 9.0}, may_start=True)
    assert ends(masks) == {60}
    assert not starts(masks)
    assert waits(masks) == [0]


def test_no_event_comes_after_the_first_deadline():
    masks = constraints().masks(1.0, {60: 1.5, 64: 9.0}, may_start=True)
    assert max(waits(masks)) == delta_of(0.5)


def test_no_event_comes_later_than_the_longest_rest():
    masks = constraints().masks(1.0, {}, may_start=True)
    assert max(waits(masks)) == delta_of(LONGEST_REST_S)


def test_onsets_within_ten_milliseconds_count_as_one():
    limits = constraints(density=2.0)
    for at_s in (0.0, 0.004, 0.009):
        limits.started(at_s)
    assert limits.next_onset_s(0.01) == 0.01


def test_the_last_onset_that_density_allows_delays_the_next_one_to_the_windows_end():
    limits = constraints(density=2.0)
    limits.started(0.0)
    limits.started(0.25)
    assert limits.next_onset_s(0.5) == 1.0
    masks = limits.masks(0.5, {}, may_start=True)
    assert min(waits(masks)) == int(np.searchsorted(DELTA_EDGES_S, 0.5))


def test_a_sounding_note_ends_while_density_delays_the_next_onset():
    limits = constraints(density=2.0)
    limits.started(0.0)
    limits.started(0.25)
    masks = limits.masks(0.5, {60: 9.0}, may_start=True)
    assert not starts(masks)
    assert ends(masks) == {60}


@pytest.mark.parametrize("density", [0.25, 0.5, 1.0, 3.0, 40.0])
@given(gaps_s=st.lists(st.floats(0.0, 1.0), max_size=60))
def test_onsets_at_the_earliest_time_allowed_never_exceed_the_density(density, gaps_s):
    limits, now_s, onsets = constraints(density=density), 0.0, list[float]()
    for gap_s in gaps_s:
        now_s = max(now_s + gap_s, limits.next_onset_s(now_s + gap_s))
        limits.started(now_s)
        if not onsets or now_s - onsets[-1] >= 0.01:
            onsets.append(now_s)
    window_s = max(1.0, 1.0 / density)
    for first in onsets:
        within = [at for at in onsets if first <= at < first + window_s - 1e-9]
        assert len(within) <= max(1, int(density * window_s))


@settings(max_examples=200)
@given(
    deadlines=st.dictionaries(st.integers(48, 72), st.floats(0.0, 20.0), max_size=6),
    polyphony=st.integers(1, 6),
    onsets_s=st.lists(st.floats(0.0, 1.0), max_size=8).map(sorted),
    may_start=st.booleans(),
)
def test_masks_allow_only_legal_keys_and_at_least_one_time(
    deadlines, polyphony, onsets_s, may_start
):
    limits = constraints(polyphony=polyphony, density=4.0)
    for at_s in onsets_s:
        limits.started(at_s)
    masks = limits.masks(1.0, deadlines, may_start=may_start)
    if masks is None:
        assert not deadlines
        return
    assert masks[1].shape == (N_DELTAS,)
    assert masks[1].any()
    assert ends(masks) <= set(deadlines)
    assert starts(masks).isdisjoint(deadlines)
    assert all(pitch % 12 in C_MAJOR and 48 <= pitch <= 72 for pitch in starts(masks))
    if len(deadlines) >= polyphony or not may_start:
        assert not starts(masks)
