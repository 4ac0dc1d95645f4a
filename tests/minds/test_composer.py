from collections import Counter

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests import asked

from ripieno.inference.controls import Controls
from ripieno.inference.sampling import sample
from ripieno.layouts.vocabulary import SIZES, Event
from ripieno.minds.call import LONGEST_NOTE_S
from ripieno.minds.composer import Composer
from ripieno.music import scales
from ripieno.protocol import Limits, Plan, PlannedNote, Played
from ripieno.testing import ScriptedModel

S = 1_000_000_000


class RandomModel:
    """A step model that knows nothing: any event that the masks allow."""

    def line(self):
        return self

    def reset(self):
        pass

    def follow(self, other):
        pass

    def idle(self):
        return False

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
    scale=st.sampled_from([0xFFF, None, sum(1 << p for p in (0, 2, 4, 7, 9))]),
)


def ask(limit=None, *, revision=1, seconds=4.0, closing=True, grid_ticks=0, **fields):
    return asked.ask(
        revision=revision,
        start_ticks=4800,
        until_ticks=4800 + int(480 * seconds),
        closing=closing,
        grid_ticks=grid_ticks,
        seed=3,
        limits=limit or Limits(),
        **fields,
    )


def hear(composer, pitches=(60, 62, 64, 65, 67)):
    for beat, pitch in enumerate(pitches):
        composer.played(Played(beat * S // 2, 0, pitch, 70))
        composer.played(Played(beat * S // 2 + S // 3, 0, pitch, 0))


def planned(composer, an_ask):
    composer.begin(an_ask)
    notes = []
    while (plan := composer.answer()) is not None:
        notes += plan.notes
    return sorted(notes, key=lambda note: (note.start_ticks, note.pitch))


@settings(deadline=None, max_examples=40)
@given(limits, st.booleans())
def test_a_plan_keeps_every_limit(limit, closing):
    composer = Composer(RandomModel(), Controls())
    hear(composer)
    notes = planned(composer, ask(limit, closing=closing))
    allowed = 0xFFF if limit.scale is None else limit.scale
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


def test_a_second_ask_of_a_revision_continues_its_plan():
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
    notes = planned(composer, ask(Limits(scale=None), seconds=16.0))
    assert {note.pitch % 12 for note in notes} <= scales.named("D major")


def test_an_event_heard_while_planning_does_not_change_the_plan():
    plans = []
    for disturb in (False, True):
        composer = Composer(ScriptedModel(), Controls())
        hear(composer)
        composer.begin(ask(seconds=6.0))
        notes: list[PlannedNote] = []
        while (plan := composer.answer()) is not None:
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
    while (plan := composer.answer()) is not None:
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


def test_a_composer_without_an_ask_plans_nothing():
    assert Composer(ScriptedModel(), Controls()).answer() is None


@pytest.mark.parametrize("heard", [(), (60,)])
def test_a_composer_that_heard_at_most_one_note_still_plays(heard):
    composer = Composer(RandomModel(), Controls())
    hear(composer, heard)
    assert planned(composer, ask())


class Every:
    """Says that there is news after every n-th step."""

    def __init__(self, steps):
        self._steps, self._left = steps, steps

    def __call__(self):
        self._left -= 1
        if self._left:
            return False
        self._left = self._steps
        return True


@pytest.mark.parametrize("steps", [1, 2, 7])
def test_an_interrupted_section_equals_an_uninterrupted_one(steps):
    plans = []
    for is_news in (lambda: False, Every(steps)):
        composer = Composer(RandomModel(), Controls())
        hear(composer)
        composer.begin(ask(seconds=15.0))
        made: list[Plan] = []
        while composer.wanted is not None:
            if (plan := composer.answer(is_news)) is not None:
                made.append(plan)
        plans.append(made)
    assert plans[0] == plans[1]
    assert len(plans[0]) > 2


def test_events_at_every_step_do_not_stop_a_plan():
    composer = Composer(RandomModel(), Controls())
    hear(composer)
    composer.begin(ask(seconds=2.0))
    tries = 0
    while composer.wanted is not None:
        composer.answer(lambda: True)
        tries += 1
    assert 3 < tries < 500


def test_a_speculative_ask_is_planned_for_one_section_until_confirmed():
    guess = msgspec.structs.replace(ask(seconds=6.0), foreseen=True)
    ahead, after = (Composer(RandomModel(), Controls()) for _ in range(2))
    hear(ahead)
    hear(after)
    ahead.receive(guess)
    made = [ahead.answer()]
    assert ahead.answer() is None
    ahead.receive(ask(seconds=6.0))
    made += iter(ahead.answer, None)
    after.receive(ask(seconds=6.0))
    assert made == list(iter(after.answer, None))


def test_a_short_reply_planned_speculatively_is_not_planned_again():
    guess = msgspec.structs.replace(ask(seconds=1.0), foreseen=True)
    composer = Composer(ScriptedModel(), Controls())
    hear(composer)
    composer.receive(guess)
    plan = composer.answer()
    assert plan is not None
    assert plan.complete
    composer.receive(ask(seconds=1.0))
    assert composer.answer() is None


@pytest.mark.parametrize(("pitch", "velocity"), [(64, 70), (64, 0), (128, 64)])
def test_any_human_event_voids_a_speculative_plan(pitch, velocity):
    composer = Composer(ScriptedModel(), Controls())
    hear(composer)
    composer.receive(msgspec.structs.replace(ask(), foreseen=True))
    composer.receive(Played(9 * S, 0, pitch, velocity))
    assert composer.wanted is None


@pytest.mark.parametrize("done", [0, 1, 2])
def test_a_composer_that_takes_over_continues_the_plan(done):
    first, second = (Composer(RandomModel(), Controls()) for _ in range(2))
    wanted = ask(seconds=15.0)
    plans: list[Plan] = []
    for composer in (first, second):
        hear(composer)
        composer.begin(wanted)
    while len(plans) < done:
        plan = first.answer()
        assert plan is not None
        plans.append(plan)
    second.take_over(wanted, plans)
    promised = plans[-1].until_ticks if plans else wanted.start_ticks
    while (plan := second.answer()) is not None:
        assert plan.section == len(plans)
        assert all(note.start_ticks >= promised for note in plan.notes)
        plans.append(plan)
        promised = plan.until_ticks
    assert plans[-1].complete
    assert len(plans) > 2


class Counting(ScriptedModel):
    """A model that counts the steps of all its lines."""

    steps = 0

    def step(self, event, controls):
        Counting.steps += 1
        return super().step(event, controls)


def test_a_composer_that_takes_over_hears_the_end_of_a_long_history():
    taken = []
    for count in (4, 400):
        composer = Composer(Counting(), Controls())
        hear(composer)
        wanted = ask(seconds=0.75 * (count + 2), closing=False)
        starts = [wanted.start_ticks + 360 * place for place in range(count)]
        plans = [
            Plan(1, i, (PlannedNote(t, t + 90, 60, 70),), t + 360, complete=False)
            for i, t in enumerate(starts)
        ]
        before = Counting.steps
        composer.take_over(wanted, plans)
        taken.append(Counting.steps - before)
        plan = composer.answer()
        assert plan is not None
        assert plan.section == count
        assert all(note.start_ticks >= plans[-1].until_ticks for note in plan.notes)
    assert 0 < taken[1] <= taken[0] + 2


class Stuck(ScriptedModel):
    """Strikes one key again and again, at one instant, whatever is allowed."""

    def step(self, event, controls):
        del event, controls
        return Event(1, 0, 60, 20)


def test_a_plan_whose_model_makes_no_progress_ends():
    composer = Composer(Stuck(), Controls())
    composer.begin(ask(Limits(tightness=1.0), grid_ticks=480))
    sections = []
    while (section := composer.answer()) is not None:
        sections.append(section)
        assert len(sections) < 10
    assert sections[-1].complete
