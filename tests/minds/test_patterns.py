"""The mind of the loop: the inputs of its graph, and bars made of the outputs."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.command import MODELS

from ripieno.inference.graph import Graph
from ripieno.inference.manifest import GOLDEN
from ripieno.inference.session import Loaded
from ripieno.layouts import pattern
from ripieno.minds.patterns import Patterns, grounded, likeliest, limited, loudness
from ripieno.music import chords
from ripieno.music.chords import NO_CHORD
from ripieno.music.spans import Note
from ripieno.protocol import Groove, Limits, Reset

C, F, G, AM = (chords.named(name) for name in ("C", "F", "G", "Am"))
FOLDER = MODELS / "loop-gan"
SHAPE = (1, 2, pattern.STEPS, pattern.ROWS)
WRITTEN = (Note(0, 36, 8), Note(4, 64, 4), Note(8, 67, 8))


class Copyist:
    """A graph that writes the same notes for every bar, and keeps its inputs."""

    def __init__(self, notes=WRITTEN):
        self.put = {
            "noise": np.zeros((1, pattern.NOISE), np.float32),
            "chords": np.zeros((1, pattern.BEATS, pattern.CHORD), np.float32),
            "before": np.zeros(SHAPE, np.float32),
            "manner": np.zeros((1, pattern.MANNER), np.float32),
        }
        roll = pattern.roll_of(notes, 0)[None].astype(np.float32)
        self.out = {"roll": roll, "logits": 2 * roll - 1}
        self.told = []

    def run(self):
        self.told.append({name: array[0].copy() for name, array in self.put.items()})


def mind_on(graph):
    return Patterns(graph)


def asked(index=0, told=(C,) * 4, bar_ticks=1920, **how):
    fields = {"pattern": index // 4, "busy": None, "seed": 3, "limits": Limits()} | how
    return Groove(index, index, index * bar_ticks, bar_ticks, tuple(told), **fields)


def answered(mind, ask):
    mind.receive(ask)
    plan = mind.answer()
    assert plan is not None
    assert plan.revision == ask.revision
    return plan


def placed(plan, ask):
    """(sixteenth, sixteenths, pitch) of each note."""
    return [
        ((n.start_ticks - ask.start_ticks) // 120, (n.end_ticks - n.start_ticks) // 120,
         n.pitch)
        for n in plan.notes
    ]  # fmt: skip


# ── what the graph is told ───────────────────────────────────────────────────────────


def test_a_pattern_is_written_once_and_the_next_one_from_other_noise():
    graph = Copyist()
    mind = mind_on(graph)
    for index in range(5):
        answered(mind, asked(index))
    first, second = graph.told
    assert first["noise"].tolist() != second["noise"].tolist()
    assert not first["before"].any()
    assert not second["before"].any()


def test_all_bars_of_a_pattern_are_its_first_bar_on_their_own_chords():
    graph = Copyist()
    mind = mind_on(graph)
    bars = []
    for index, chord in enumerate((C, F, AM, C)):
        ask = asked(index, told=(chord,) * 4)
        bars.append(placed(answered(mind, ask), ask))
        graph.out["roll"][:] = 0.0  # what the graph would write now is not asked for
    assert bars[0] == bars[3] == [(0, 8, 36), (4, 4, 64), (8, 8, 67)]
    assert bars[1] == [(0, 8, 41), (4, 4, 69), (8, 8, 72)]
    assert [pitch for _, _, pitch in bars[2]] == [33, 60, 64]


def test_a_bar_without_a_chord_on_some_beat_is_no_pattern_for_others():
    graph = Copyist()
    mind = mind_on(graph)
    answered(mind, asked(0, told=(C, NO_CHORD, C, C)))
    ask = asked(1)
    assert len(placed(answered(mind, ask), ask)) == 3
    assert len(graph.told) == 2


def test_a_pattern_that_returns_is_known():
    graph = Copyist()
    mind = mind_on(graph)
    for index in (0, 4, 8, 1, 5):
        answered(mind, asked(index))
    assert len(graph.told) == 3


def test_the_same_seed_and_pattern_have_the_same_noise_wherever_asked():
    noises = []
    for seed, number in ((3, 1), (3, 1), (4, 1), (3, 2), (3, -1)):
        graph = Copyist()
        answered(mind_on(graph), asked(0, seed=seed, pattern=number))
        noises.append(graph.told[0]["noise"].tolist())
    assert noises[0] == noises[1]
    assert len({tuple(noise) for noise in noises}) == 4


def test_another_density_writes_the_pattern_anew():
    graph = Copyist()
    mind = mind_on(graph)
    answered(mind, asked(0))
    answered(mind, asked(1))
    answered(mind, asked(2, busy=40.0))
    classes = [int(told["manner"].argmax()) for told in graph.told]
    assert classes == [pattern.UNKNOWN, len(pattern.CROWDS)]


def test_as_many_notes_are_played_as_are_asked_for_the_likeliest_first():
    logits = np.full(SHAPE[1:], -5.0, np.float32)
    for place, row in enumerate((10, 20, 30, 40)):
        logits[pattern.ONSET, 4 * place, row] = -place
        logits[pattern.SOUND, 4 * place + 1, row] = 1.0
    for notes in (1, 2, 3):
        found = pattern.notes_of(likeliest(logits, notes), 0)
        assert found == tuple(Note(4 * n, 34 + 10 * n, 2) for n in range(notes))


def test_after_a_reset_no_pattern_is_known():
    graph = Copyist()
    mind = mind_on(graph)
    answered(mind, asked(0))
    mind.receive(Reset())
    answered(mind, asked(1))
    assert len(graph.told) == 2


def test_only_the_last_ask_is_answered_and_once():
    mind = mind_on(Copyist())
    mind.receive(asked(0))
    mind.receive(asked(1))
    plan = mind.answer()
    assert plan is not None
    assert (plan.revision, plan.complete, mind.answer()) == (1, True, None)


# ── metres and chords ────────────────────────────────────────────────────────────────


def test_a_bar_of_four_is_played_as_written():
    ask = asked(2)
    plan = answered(mind_on(Copyist()), ask)
    assert placed(plan, ask) == [(0, 8, 36), (4, 4, 64), (8, 8, 67)]
    assert plan.until_ticks == 3 * 1920


@pytest.mark.parametrize(
    ("bar_ticks", "spans", "expected"),
    [
        (1440, 3, [(0, 8, 36), (4, 4, 64), (8, 4, 67)]),  # 3/4
        (1440, 2, [(0, 6, 36), (4, 2, 64), (6, 6, 67)]),  # 6/8
        (2400, 5, [(0, 8, 36), (4, 4, 64), (8, 8, 67), (16, 4, 36)]),  # 5/4
    ],
)
def test_a_bar_of_another_metre_uses_parts_of_the_pattern(bar_ticks, spans, expected):
    ask = asked(0, told=(C,) * spans, bar_ticks=bar_ticks)
    assert placed(answered(mind_on(Copyist()), ask), ask) == expected


def test_a_fifth_beat_has_its_own_chord():
    ask = asked(0, told=(C, C, C, C, F), bar_ticks=2400)
    assert placed(answered(mind_on(Copyist()), ask), ask)[-1] == (16, 4, 41)


def test_a_beat_without_a_chord_is_silent():
    ask = asked(0, told=(C, NO_CHORD, C, C))
    steps = [step for step, _, _ in placed(answered(mind_on(Copyist()), ask), ask)]
    assert steps == [0, 8]
    silent = asked(0, told=(NO_CHORD,) * 4)
    assert answered(mind_on(Copyist()), silent).notes == ()


# ── limits ───────────────────────────────────────────────────────────────────────────


NOTES = st.builds(Note, st.integers(0, 15), st.integers(24, 96), st.integers(1, 16))


@given(
    st.lists(NOTES, max_size=40),
    st.integers(1, 6),
    st.integers(20, 60),
    st.integers(12, 40),
    st.sampled_from([-1, 0xFFF, 0b101010110101]),
)
def test_any_bar_keeps_its_limits(notes, polyphony, low, width, scale):
    limits = Limits(low=low, high=low + width, polyphony=polyphony, scale=scale)
    found = limited(notes, limits)
    assert bool(found) == bool(notes)
    for note in found:
        assert low <= note.pitch <= low + width
        assert scale < 0 or scale >> note.pitch % 12 & 1
        assert note.frames >= 1
    for frame in range(32):
        sounding = [n.pitch for n in found if n.frame <= frame < n.frame + n.frames]
        assert len(sounding) == len(set(sounding)) <= polyphony


def test_a_chord_above_the_polyphony_keeps_bass_and_top():
    notes = [Note(0, pitch, 4) for pitch in (36, 52, 55, 60)]
    found = limited(notes, Limits(polyphony=2))
    assert [note.pitch for note in found] == [36, 60]


def test_the_note_that_sounds_longest_ends_first():
    found = limited(
        [Note(0, 36, 16), Note(4, 60, 12), Note(8, 64, 8)], Limits(polyphony=2)
    )
    assert found == (Note(0, 36, 8), Note(4, 60, 12), Note(8, 64, 8))


def test_a_bar_that_begins_without_a_bass_is_given_its_root():
    high = Note(0, 64, 4)
    assert grounded([high], F) == (Note(0, 41, 8),)
    assert grounded([high, Note(6, 40, 2)], F) == (Note(0, 41, 6),)
    assert grounded([high, Note(2, 40, 2)], F) == ()
    assert grounded([high], NO_CHORD) == ()


def test_beats_are_louder_than_what_lies_between():
    ask = asked(0)
    loud = [loudness(Note(frame, 60, 1), ask) for frame in (0, 8, 4, 2, 1)]
    assert loud == sorted(loud, reverse=True)
    assert len(set(loud)) == 5
    assert loudness(Note(0, 40, 1), ask) > loud[0]


# ── the published model ──────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def graph() -> Graph:
    return Loaded(FOLDER, "cpu").graphs["model"]


def test_the_graph_answers_as_training_did(graph):
    with np.load(FOLDER / GOLDEN) as golden:
        arrays = {name: golden[name] for name in golden.files}
    for number in range(len(arrays["in/noise"])):
        for name in ("noise", "chords", "before", "manner"):
            graph.put[name][...] = arrays[f"in/{name}"][number]
        graph.run()
        logits, roll = arrays["out/logits"][number], arrays["out/roll"][number]
        assert np.abs(graph.out["logits"] - logits).max() < 1e-4
        if np.abs(logits).min() > 1e-4:  # else a note may fall to either side
            assert np.array_equal(graph.out["roll"], roll)


def test_the_model_never_leaves_a_bar_empty_and_starts_every_note(graph):
    mind = mind_on(graph)
    for index in range(64):
        told = (chords.chord(index % 12, index % 3),) * 4
        plan = answered(mind, asked(index, told=told))
        assert plan.notes
    roll = graph.out["roll"][0] > 0
    assert len(pattern.notes_of(roll, 0)) == roll[pattern.ONSET].sum()


def test_three_quarters_of_the_models_notes_are_longer_than_a_sixteenth():
    found = json.loads((FOLDER / "figures.json").read_text(encoding="utf-8"))
    assert found["bars"]["loop-gan"]["qualified"] >= 0.75
    assert found["holds_tried"][str(found["hold"])]["qualified"] >= 0.75


@pytest.mark.parametrize("busy", [4.0, 12.0, 24.0])
def test_the_model_plays_as_many_notes_as_are_wanted(graph, busy):
    mind = mind_on(graph)
    plans = [answered(mind, asked(n, busy=busy)) for n in range(16)]
    assert all(abs(len(plan.notes) - busy) <= 2 for plan in plans)


def test_in_seven_eight_each_felt_beat_has_its_chord():
    ask = asked(told=(C, F, C), bar_ticks=1680, starts=(0, 6, 10))
    graph = Copyist([Note(step, 48, 1) for step in range(14)])
    pitches = [pitch for _, _, pitch in placed(answered(mind_on(graph), ask), ask)]
    # The graph hears C, C, F, C on its even beats: a C there is a root, or F's fifth.
    assert [pitch % 12 for pitch in pitches[4:11]] == [0, 0, 5, 5, 0, 0, 7]
