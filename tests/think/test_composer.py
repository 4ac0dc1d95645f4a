from collections import Counter

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ripieno.music import scales
from ripieno.music.plan import FOLLOW_HUMAN, Ask, Limits, PlannedNote, Played
from ripieno.music.timeline import Timeline
from ripieno.music.vocabulary import SIZES, Event
from ripieno.testing import ScriptedModel
from ripieno.think.composer import LONGEST_NOTE_S, Composer
from ripieno.think.controls import Controls
from ripieno.think.sampling import sample

S = 1_000_000_000


class RandomModel:
    """A step model that knows nothing: any event that the masks allow."""

    def line(self):
        return self

    def reset(self):
        pass

    def follow(self, other):
        pass

    def step(self, event, controls):
        del event
        zeros = [np.zeros(n, np.float32) for n in SIZES]
        source, delta, key, velocity = (
            sample(z, mask, noise=noise)
            for z, mask, noise in zip(
                zeros, controls.masks, controls.noise, strict=True
            )
        )
        return Event(source, delta, key, max(1, velocity))


limits = st.builds(
    Limits,
    low=st.integers(30, 60),
    high=st.integers(61, 100),
    polyphony=st.integers(1, 6),
    density=st.floats(0.25, 40.0),
    scale=st.sampled_from([0xFFF, FOLLOW_HUMAN, sum(1 << p for p in (0, 2, 4, 7, 9))]),
)


def ask(limit=None, *, revision=1, seconds=4.0, closing=True, grid_ticks=0):
    return Ask(
        revision=revision,
        timeline=Timeline(),
        start_ticks=4800,
        until_ticks=4800 + int(480 * seconds),
        closing=closing,
        pulse_ticks=240,
        grid_ticks=grid_ticks,
        seed=3,
        limits=limit or Limits(),
    )


def hear(composer, pitches=(60, 62, 64, 65, 67)):
    for beat, pitch in enumerate(pitches):
        composer.played(Played(beat * S // 2, 0, pitch, 70))
        composer.played(Played(beat * S // 2 + S // 3, 0, pitch, 0))


def planned(composer, an_ask):
    composer.begin(an_ask)
    notes = []
    while (plan := composer.section()) is not None:
        notes += plan.notes
    return sorted(notes, key=lambda note: (note.start_ticks, note.pitch))


@settings(deadline=None, max_examples=40)
@given(limits, st.booleans())
def test_a_plan_keeps_every_limit(limit, closing):
    composer = Composer(RandomModel(), Controls())
    hear(composer)
    notes = planned(composer, ask(limit, closing=closing))
    allowed = limit.scale if limit.scale != FOLLOW_HUMAN else 0xFFF
    end = 4800 + 480 * 4
    assert notes
    for note in notes:
        assert limit.low <= note.pitch <= limit.high
        assert allowed >> note.pitch % 12 & 1
        assert 4800 <= note.start_ticks <= note.end_ticks
        assert note.end_ticks - note.start_ticks <= 480 * (LONGEST_NOTE_S + 0.4)
        if closing:
            assert note.start_ticks <= end
            assert note.end_ticks <= end + 480 * 1.1
    for note in notes:
        sounding = [
            n for n in notes if n.start_ticks <= note.start_ticks < n.end_ticks - 20
        ]
        assert len(sounding) <= limit.polyphony + 1  # the tick in which one is lifted


@settings(deadline=None, max_examples=30)
@given(st.floats(0.5, 8.0))
def test_density_bounds_the_onsets_of_every_second(density):
    composer = Composer(RandomModel(), Controls())
    hear(composer)
    notes = planned(composer, ask(Limits(density=density), seconds=8.0))
    onsets = sorted({note.start_ticks / 480 for note in notes})
    merged = [t for i, t in enumerate(onsets) if i == 0 or t - onsets[i - 1] > 0.012]
    window_s = max(1.0, 1.0 / density)
    for start in merged:
        within = sum(start <= t < start + window_s - 0.02 for t in merged)
        assert within <= max(1, int(density * window_s))


def test_the_first_note_is_where_it_was_asked_for():
    composer = Composer(ScriptedModel(), Controls())
    hear(composer)
    assert planned(composer, ask())[0].start_ticks == 4800


def test_the_same_ask_gives_the_same_plan():
    plans = []
    for _ in range(2):
        composer = Composer(RandomModel(), Controls())
        hear(composer)
        plans.append(planned(composer, ask()))
    assert plans[0] == plans[1]


def test_another_seed_gives_another_plan():
    composer = Composer(RandomModel(), Controls())
    hear(composer)
    assert planned(composer, ask(revision=1)) != planned(composer, ask(revision=2))


def test_more_of_a_plan_follows_on_what_was_planned():
    composer = Composer(RandomModel(), Controls())
    hear(composer)
    first = planned(composer, ask(seconds=4.0, closing=False))
    more = planned(composer, ask(seconds=8.0, closing=False))
    assert more
    assert min(n.start_ticks for n in more) >= 4800 + 480 * 4 - 1
    assert max((Counter(first) + Counter(more)).values()) == 1


def test_an_automatic_scale_follows_the_human():
    composer = Composer(RandomModel(), Controls())
    hear(composer, [62, 66, 69, 62, 64, 66, 67, 69, 71, 73, 74, 69, 66, 62])
    notes = planned(composer, ask(Limits(scale=FOLLOW_HUMAN), seconds=16.0))
    assert {note.pitch % 12 for note in notes} <= scales.named("D major")


def test_hearing_more_does_not_disturb_a_plan_in_the_making():
    plans = []
    for disturb in (False, True):
        composer = Composer(ScriptedModel(), Controls())
        hear(composer)
        composer.begin(ask(seconds=6.0))
        notes: list[PlannedNote] = []
        while (plan := composer.section()) is not None:
            notes += plan.notes
            if disturb:
                composer.played(Played(20 * S, 1, 72, 60))
        plans.append(notes)
    assert plans[0] == plans[1]


def test_sections_are_numbered_and_keep_their_promise():
    composer = Composer(RandomModel(), Controls())
    hear(composer)
    composer.begin(ask(seconds=9.0))
    promised = number = 0
    while (plan := composer.section()) is not None:
        assert plan.section == number
        assert all(note.start_ticks >= promised for note in plan.notes)
        promised, number = plan.until_ticks, number + 1
    assert number > 1


@settings(deadline=None, max_examples=20)
@given(st.integers(50, 200), limits)
def test_full_tightness_puts_every_onset_on_the_grid(grid_ticks, limit):
    tight = msgspec.structs.replace(limit, tightness=1.0, density=40.0)
    composer = Composer(RandomModel(), Controls())
    hear(composer)
    notes = planned(composer, ask(tight, grid_ticks=grid_ticks))
    for note in notes:
        step = (note.start_ticks - 4800) / (grid_ticks / 2)
        pushed = [  # by the end of another one, which came after the grid's point
            n for n in notes if 0 <= n.end_ticks - note.start_ticks <= 21 and n != note
        ]
        assert abs(step - round(step)) * grid_ticks / 2 < 1.1 or pushed


def test_without_an_ask_there_is_no_plan():
    assert Composer(ScriptedModel(), Controls()).section() is None


@pytest.mark.parametrize("heard", [(), (60,)])
def test_a_composer_that_heard_next_to_nothing_still_plays(heard):
    composer = Composer(RandomModel(), Controls())
    hear(composer, heard)
    assert planned(composer, ask())
