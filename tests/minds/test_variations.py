from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests import asked
from tests.command import MODELS

from ripieno.inference.manifest import GOLDEN
from ripieno.inference.session import Loaded
from ripieno.layouts import phrase
from ripieno.layouts.phrase import ATTRIBUTES, GridNote, token_of
from ripieno.minds.moves import ROOM
from ripieno.minds.variations import Variations
from ripieno.minds.writer import FORBIDDEN, Wish, Writer
from ripieno.music.timeline import Timeline
from ripieno.protocol import Ask, Limits, Played, Reset, Variation

S = 1_000_000_000
STEP = 60
"""A sixteenth in ticks; in free time, an eighth of a second."""
STEP_NS = S // 8
TUNE = (
    (0, 2, 67), (2, 2, 64), (4, 2, 60), (6, 2, 64), (8, 4, 67), (12, 4, 72),
    (16, 2, 71), (18, 2, 69), (20, 2, 67), (22, 2, 65), (24, 4, 64), (28, 4, 62),
)  # fmt: skip
OTHER = (
    (0, 4, 60), (4, 4, 60), (8, 4, 62), (12, 4, 64),
    (16, 8, 65), (24, 4, 64), (28, 4, 62),
)  # fmt: skip
FOUR_BARS = (*TUNE, *((at + 32, length, pitch) for at, length, pitch in OTHER))
JIG = tuple(
    (at, 2, pitch)
    for at, pitch in zip(
        range(0, 24, 2), (67, 64, 60, 64, 67, 72, 71, 67, 62, 60, 64, 60), strict=True
    )
)


@pytest.fixture(scope="module")
def writer():
    graphs = Loaded(MODELS / "phrase-vae", "cpu").graphs
    return Writer(graphs)


@pytest.fixture
def mind(writer):
    return Variations(writer)


def play(mind, tune, start_ns=0, velocity=70):
    events = []
    for at, length, pitch in tune:
        events.append((start_ns + at * STEP_NS, velocity, pitch))
        events.append((start_ns + (at + length) * STEP_NS - S // 50, 0, pitch))
    for at_ns, level, pitch in sorted(events):
        mind.receive(Played(at_ns, 0, pitch, level))


def ask(tune=TUNE, *, limits=None, seed=1, revision=1, since_ns=0, grid=2, **how):
    steps = max(at + length for at, length, _ in tune)
    start = 480 * 60
    return Ask(
        revision=revision,
        timeline=Timeline(),
        start_ticks=start,
        until_ticks=start + steps * STEP,
        closing=True,
        pulse_ticks=4 * STEP,
        grid_ticks=grid * STEP,
        seed=seed,
        limits=limits or Limits(scale=None, low=36, high=96),
        role="vary",
        vary=Variation(since_ns=since_ns, **{"distance": 0.0, **how}),
    )


def varied(mind, tune=TUNE, **how):
    mind.reset()
    play(mind, tune)
    return answered(mind, ask(tune, **how))


def answered(mind, asked):
    mind.receive(asked)
    plan = mind.answer()
    assert plan is not None
    assert plan.complete
    assert plan.section == 0
    assert plan.revision == asked.revision
    assert mind.answer() is None
    return [
        (
            (note.start_ticks - asked.start_ticks) / STEP,
            (note.end_ticks - note.start_ticks) / STEP,
            note.pitch,
        )
        for note in plan.notes
    ]


def row(notes, steps=32):
    """A plan as tokens, to compare step by step."""
    line = [GridNote(round(at), round(at + n), pitch) for at, n, pitch in notes]
    return phrase.segment(line, 0, 0, 60)[:steps]


@pytest.mark.parametrize("tune", [TUNE, OTHER, FOUR_BARS])
def test_distance_0_repeats_the_phrase(mind, tune):
    assert varied(mind, tune) == list(tune)


def test_distance_0_repeats_a_jig(mind):
    assert varied(mind, JIG) == list(JIG)


@pytest.mark.parametrize("key", [-5, 3, 6, 12])
def test_distance_0_repeats_the_phrase_in_any_key(mind, key):
    moved = tuple((at, length, pitch + key) for at, length, pitch in TUNE)
    assert varied(mind, moved) == list(moved)


def test_a_larger_distance_keeps_less_of_the_phrase(mind):
    own = row(TUNE)
    away = []
    for distance in (0.0, 0.2, 0.5, 1.0):
        rows = [row(varied(mind, distance=distance, seed=s)) for s in range(12)]
        away.append(np.mean([(made != own).mean() for made in rows]))
    assert away == sorted(away)
    assert away[0] == 0.0
    assert 0.0 < away[1] < 0.3
    assert away[3] > 0.5


def runs_of(notes):
    """The runs of three intervals."""
    steps = [two[2] - one[2] for one, two in pairwise(notes)]
    return list(zip(steps, steps[1:], steps[2:], strict=False))


@pytest.mark.parametrize("tune", [TUNE, FOUR_BARS])
def test_halfway_the_motif_and_the_density_stay(mind, tune):
    kept, dense = [], []
    for seed in range(12):
        made = varied(mind, tune, distance=0.5, seed=seed)
        found = set(runs_of(made))
        kept.append(np.mean([run in found for run in runs_of(tune)]))
        dense.append(len(made) / len(tune))
    assert 0.3 <= np.mean(kept) < 0.95
    assert 0.8 <= np.mean(dense) <= 1.25


@pytest.mark.parametrize("name", ATTRIBUTES)
def test_a_knob_moves_its_attribute_in_its_direction_on_average(mind, name):
    def mean(turn):
        rows = [
            row(varied(mind, tune, seed=seed, **{name: turn}))
            for tune in (TUNE, OTHER)
            for seed in range(6)
        ]
        found = phrase.attributes(np.stack(rows), np.zeros(len(rows), np.int64))
        return found[:, ATTRIBUTES.index(name)].mean()

    assert mean(-1.0) < mean(0.0) < mean(1.0)


def test_a_blend_goes_from_the_phrase_to_the_one_before(mind):
    alike = []
    for blend in (0.0, 1.0):
        mind.reset()
        play(mind, OTHER)
        answered(mind, ask(OTHER))
        play(mind, TUNE, 20 * S)
        made = row(answered(mind, ask(TUNE, since_ns=20 * S, blend=blend, revision=2)))
        alike.append(((made == row(TUNE)).mean(), (made == row(OTHER)).mean()))
    assert alike[0][0] == 1.0
    assert alike[1][1] > alike[0][1]
    assert alike[1][1] > alike[1][0]


def test_a_blend_without_a_phrase_before_repeats_nothing_else(mind):
    assert varied(mind, blend=0.0) == list(TUNE)
    assert varied(mind, blend=0.01) == list(TUNE)


def test_the_same_ask_makes_the_same_plan(mind):
    assert varied(mind, distance=0.6) == varied(mind, distance=0.6)


def test_another_seed_makes_another_plan(mind):
    assert varied(mind, distance=0.6) != varied(mind, distance=0.6, seed=2)


@settings(max_examples=15, deadline=None)
@given(
    limits=st.builds(
        Limits,
        low=st.integers(48, 62),
        high=st.integers(66, 84),
        density=st.floats(1.0, 16.0),
        scale=st.sampled_from([0xFFF, None, sum(1 << p for p in (0, 2, 4, 7, 9))]),
    ),
    distance=st.floats(0.0, 1.0),
    fill=st.floats(-1.0, 1.0),
)
def test_a_variation_keeps_its_limits(writer, limits, distance, fill):
    mind = Variations(writer)
    made = varied(mind, limits=limits, distance=distance, fill=fill)
    assert made
    assert made[0][0] == 0
    for at, length, pitch in made:
        assert limits.low <= pitch <= limits.high
        assert limits.scale is None or limits.scale >> pitch % 12 & 1
        assert length > 0
        assert at + length <= 32
    for one, other in pairwise(made):
        assert other[0] >= one[0] + one[1]
        assert (other[0] - one[0]) / 8 >= 1 / limits.density - 0.01


def test_only_the_top_voice_of_chords_is_varied(mind):
    chords = [
        (at, length, pitch - down) for at, length, pitch in TUNE for down in (0, 5, 12)
    ]
    assert varied(mind, chords) == list(TUNE)


def test_a_variation_has_the_velocities_of_the_phrase(mind):
    play(mind, TUNE, velocity=33)
    mind.receive(ask(distance=0.7))
    plan = mind.answer()
    assert plan is not None
    assert {note.velocity for note in plan.notes} == {33}


def test_a_note_after_the_ask_cancels_the_variation(mind):
    play(mind, TUNE)
    mind.receive(ask())
    mind.receive(Played(9 * S, 0, 60, 70))
    assert mind.answer() is None


def test_silence_is_answered_with_no_notes(mind):
    mind.receive(Reset())
    mind.receive(ask())
    plan = mind.answer()
    assert plan is not None
    assert plan.complete
    assert not plan.notes


def test_an_ask_without_a_variation_is_ignored(mind):
    play(mind, TUNE)
    mind.receive(asked.ask())
    assert mind.answer() is None


def test_golden_vectors_pass_through_the_daemons_own_writer(writer):
    with np.load(MODELS / "phrase-vae" / GOLDEN) as file:
        golden = {name: file[name] for name in file.files}
    assert len(golden["segment"]) >= 16
    for number, meter in enumerate(golden["meter"][:, 0].tolist()):
        mean = writer.read(golden["segment"][number], meter)
        assert np.abs(mean - golden["mean"][number]).max() < 1e-4
        wish = Wish(
            latent=golden["latent"][number],
            toward=golden["toward"][number],
            distance=float(golden["distance"][number, 0]),
            turns=golden["moves"][number].tolist(),
            meter=meter,
            bias=golden["bias"][number],
            temperature=float(golden["temperature"][number, 0]),
            top_p=float(golden["top_p"][number, 0]),
        )
        before = tuple(golden["before"][number].tolist())
        told = writer.write(wish, before, golden["noise"][number].tolist())
        assert told.tolist() == golden["tokens"][number].tolist()


def test_a_bias_below_closed_is_never_written(writer):
    bias = np.full((phrase.STEPS, phrase.VOCABULARY), FORBIDDEN, np.float32)
    only = token_of(64, 60)
    bias[:, [phrase.REST, only]] = 0.0
    size = writer.latent_size
    wish = Wish(np.zeros(size, np.float32), np.ones(size, np.float32), 1.0,
                (0.0, 0.0, 0.0), 0, bias, 1.0, 1.0)  # fmt: skip
    told = writer.write(wish, (0, 0), np.linspace(0.0, 0.99, phrase.STEPS).tolist())
    assert set(told.tolist()) <= {phrase.REST, only}


def test_a_variation_stays_near_the_phrases_register(mind):
    pitches = [pitch for _, _, pitch in TUNE]
    for seed in range(8):
        made = varied(mind, distance=1.0, seed=seed)
        assert min(pitches) - ROOM <= min(pitch for _, _, pitch in made)
        assert max(pitch for _, _, pitch in made) <= max(pitches) + ROOM
