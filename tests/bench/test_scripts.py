"""The events that the measuring musicians play."""

import itertools

import pytest
from benchmarks.effective import sounding
from hypothesis import given
from hypothesis import strategies as st

from ripieno.bench import planned, script
from ripieno.clock import NS_PER_MS, NS_PER_S
from ripieno.music import messages

seeds = st.integers(0, 10_000)


def overlapping(played):
    """How many keys are down at most."""
    down, most = 0, 0
    for _, data, _ in played:
        down += messages.is_note_on(data) - messages.is_note_off(data)
        most = max(most, down)
    return most


@given(seeds)
def test_keys_never_overlap_and_lie_at_least_sixty_milliseconds_apart(seed):
    played = script.keys(50, NS_PER_S, seed)
    ons = [each.at_ns for each in played if messages.is_note_on(each.data)]
    gaps = [b - a for a, b in itertools.pairwise(ons)]
    assert len(ons) == 50
    assert min(gaps) >= 60 * NS_PER_MS
    assert overlapping(played) == 1


@given(seeds)
def test_beats_bring_twenty_four_clocks_each(seed):
    played = script.beats(8, 0, seed)
    assert sum(each.data == script.CLOCK for each in played) == 8 * 24
    assert played[0].data == script.START
    assert played == sorted(played, key=lambda each: each.at_ns)


@pytest.mark.parametrize("count", [1, 300, 20_000])
def test_planned_messages_differ_and_every_note_ends(count):
    notes = tuple((4 * n, 4 * n + 10) for n in range(count))
    found = planned.planned(notes, 5)
    assert len({message.data for message in found}) == 2 * count
    assert found == sorted(found, key=lambda message: message.at_ns)
    assert (found[0].at_ns, found[-1].at_ns) == (5, 4 * (count - 1) + 15)
    assert sum(messages.is_note_on(message.data) for message in found) == count
    assert not sounding(each.data for each in found)
