"""The duet mind with its own graphs: what it decides, and what it is told of it."""

from collections import Counter

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.command import MODELS

from ripieno.inference.manifest import GOLDEN
from ripieno.inference.session import Loaded
from ripieno.layouts import duet
from ripieno.minds.duet import Duet
from ripieno.music import chords, scales
from ripieno.music.chords import N_CHORDS, NO_CHORD, QUALITIES
from ripieno.music.spans import Manner, Note, Phase, Span
from ripieno.protocol import FORBIDDEN, Beat, Decide, Reset

TOLERANCE = 1e-4
FREE = (0.0,) * N_CHORDS
TUNE = (60, 64, 67, 65, 69, 65, 67, 62, 71, 67, 64, 60)
C, AM, G7 = map(chords.named, ("C", "Am", "G7"))


@pytest.fixture(scope="module")
def graphs():
    """Both graphs, shared by all tests: every mind begins with a reset."""
    return Loaded(MODELS / "duet-gru", "cpu").graphs


@pytest.fixture
def mind(graphs):
    return Duet(graphs["harmony"], graphs["model"])


def span(*pitches, frames=4):
    """A beat whose notes are struck on it and held through it."""
    nothing = ((),) * (frames - 1)
    return Span((pitches, *nothing), (pitches,) * frames)


def ask(index, pitch=60, **changes):
    plain = Decide(
        revision=index + 1, index=index, phase=Phase(index % 4, 4, index // 4),
        frames=4, beat=span(pitch), staleness=0, chords=FREE, trust=1.0, before=C,
        manner=Manner(5, 2, 1), low=36, high=84, polyphony=4, scale=0xFFF,
        temperature=1.0, top_p=0.95, seed=1,
    )  # fmt: skip
    return msgspec.structs.replace(plain, **changes)


def answered(mind, asked):
    """The chord and all notes of an answer; its sections fit together."""
    mind.told(asked)
    found = []
    while (comp := mind.answer()) is not None:
        found.append(comp)
    assert [comp.section for comp in found] == list(range(len(found)))
    assert {comp.revision for comp in found} == {asked.revision}
    assert len({(comp.chord, comp.likely) for comp in found}) == 1
    assert [comp.complete for comp in found][-1]
    assert not any(comp.complete for comp in found[:-1])
    return found[0].chord, tuple(note for comp in found for note in comp.notes)


def played(mind, beats, **changes):
    """So many beats of the tune, decided and played as decided."""
    found = []
    for index in range(beats):
        pitch = TUNE[index % len(TUNE)]
        chord, notes = answered(mind, ask(index, pitch, **changes))
        mind.told(Beat(index, span(pitch), chord, notes))
        found.append((chord, notes))
    return found


def states(mind):
    """Where both networks stand, as bytes."""
    return (
        [array.tobytes() for array in mind._ahead],
        [array.tobytes() for array in mind._line.state],
        (mind._line.token, mind._line.length, sorted(mind._line.ringing)),
    )


# ── deciding ─────────────────────────────────────────────────────────────────────────


def test_a_chord_and_notes_come_for_every_span(mind):
    found = played(mind, 32)
    assert len({chord for chord, _ in found}) > 2
    assert sum(len(notes) for _, notes in found) > 16
    fits = [
        TUNE[i % len(TUNE)] % 12 in chords.pitch_classes(chord)
        for i, (chord, _) in enumerate(found)
    ]
    assert sum(fits) >= 24


def test_two_minds_with_the_same_seed_give_the_same_answers(graphs):
    one, two = (played(Duet(graphs["harmony"], graphs["model"]), 16) for _ in range(2))
    assert one == two


def test_a_reset_mind_equals_a_new_one(mind):
    first = played(mind, 8)
    mind.told(Reset())
    assert played(mind, 8) == first


def test_the_same_ask_twice_gives_the_same_answer(mind):
    played(mind, 8)
    first = answered(mind, ask(8, 67))
    assert answered(mind, ask(8, 67, revision=99)) == first
    mind.told(ask(8, 60))  # with other knowledge, and only half said
    mind.answer()
    assert answered(mind, ask(8, 67)) == first


def test_deciding_twice_leaves_the_state_of_deciding_once(graphs):
    """A backup that was not played is forgotten: the next beats are the same."""
    minds = [Duet(graphs["harmony"], graphs["model"]) for _ in range(2)]
    found = []
    for mind, decides_twice in zip(minds, (False, True), strict=True):
        played(mind, 6)
        for index in range(6, 14):
            pitch = TUNE[index % len(TUNE)]
            if decides_twice:
                answered(mind, ask(index, pitch + 1))
            chord, notes = answered(mind, ask(index, pitch))
            mind.told(Beat(index, span(pitch), chord, notes))
            found.append((chord, notes))
    assert found[:8] == found[8:]


def test_another_note_on_the_beat_may_lead_to_another_chord(mind):
    played(mind, 8)
    answers = {answered(mind, ask(8, pitch))[0] for pitch in range(60, 72)}
    assert len(answers) > 3


def test_another_seed_writes_other_notes_to_the_same_chord(mind):
    found = [answered(mind, ask(0, seed=seed)) for seed in range(8)]
    assert len({chord for chord, _ in found}) == 1
    assert len({notes for _, notes in found}) > 1


def test_the_first_section_is_the_first_frame(mind):
    played(mind, 4)
    mind.told(ask(4))
    first, rest = mind.answer(), mind.answer()
    assert mind.answer() is None
    assert (first.until_frame, rest.until_frame) == (1, 4)
    assert {note.frame for note in first.notes} <= {0}
    assert {note.frame for note in rest.notes} <= {1, 2, 3}


def test_a_dotted_beat_has_six_frames(mind):
    six = ask(0, frames=6, beat=span(60, frames=6), phase=Phase(0, 2, 0))
    _, notes = answered(mind, six)
    assert all(0 <= note.frame < 6 for note in notes)


# ── the musician's word ──────────────────────────────────────────────────────────────

allowed = st.lists(st.integers(0, N_CHORDS - 1), min_size=1, max_size=5)


@settings(deadline=None, max_examples=40)
@given(allowed, st.lists(st.integers(0, 127), min_size=1, max_size=4), st.data())
def test_a_forbidden_chord_is_never_chosen(graphs, open_chords, pitches, data):
    mind = Duet(graphs["harmony"], graphs["model"])
    weights = [FORBIDDEN] * N_CHORDS
    for chord in open_chords:
        weights[chord] = data.draw(st.floats(-30, 0))
    for index, pitch in enumerate(pitches):
        trust = data.draw(st.sampled_from([0.0, 1.0, 2.0]))
        chord, _ = answered(mind, ask(index, pitch, chords=tuple(weights), trust=trust))
        assert chord in open_chords


def test_a_span_with_all_chords_forbidden_is_silent(mind):
    assert answered(mind, ask(0, chords=(FORBIDDEN,) * N_CHORDS)) == (NO_CHORD, ())
    assert answered(mind, ask(1))[0] != NO_CHORD


def test_trust_0_chooses_the_players_chord(mind):
    weights = [-1.0] * N_CHORDS
    weights[G7] = 0.0
    assert answered(mind, ask(0, chords=tuple(weights), trust=0.0))[0] == G7


@settings(deadline=None, max_examples=25)
@given(
    st.tuples(st.integers(24, 84), st.integers(0, 40)),
    st.integers(1, 6),
    st.sampled_from(["C major", "F# blues", "D dorian"]),
    st.sampled_from([Manner(), Manner(8, 4, 1), Manner(8, 4, 2), Manner(1, 1, 0)]),
    st.sampled_from([0.1, 1.0, 2.0]),
)
def test_notes_keep_the_register_the_scale_and_the_polyphony(
    graphs, register, polyphony, scale, manner, temperature
):
    low, width = register
    mind = Duet(graphs["harmony"], graphs["model"])
    classes = scales.named(scale)
    found = played(
        mind, 6, low=low, high=low + width, polyphony=polyphony, manner=manner,
        scale=sum(1 << pc for pc in classes), temperature=temperature,
    )  # fmt: skip
    for _, notes in found:
        for note in notes:
            assert low <= note.pitch <= low + width
            assert note.pitch % 12 in classes
            assert note.frames in duet.LENGTHS
        for frame in range(4):
            struck = [note.pitch for note in notes if note.frame == frame]
            assert struck == sorted(set(struck))
            assert len(struck) <= polyphony


def test_a_manner_of_higher_density_has_more_notes(mind):
    counts = []
    for density in (1, 8):
        mind.told(Reset())
        found = played(mind, 32, manner=Manner(density, 2, 1))
        counts.append(sum(len(notes) for _, notes in found))
    assert counts[0] * 2 < counts[1]


# ── what was played otherwise ────────────────────────────────────────────────────────


def test_a_span_played_other_than_planned_changes_the_state(graphs):
    told = []
    for chord, notes in ((C, None), (AM, (Note(0, 45, 4), Note(2, 60, 2)))):
        mind = Duet(graphs["harmony"], graphs["model"])
        played(mind, 5)
        planned = answered(mind, ask(5, 64))
        real = planned if notes is None else (chord, notes)
        mind.told(Beat(5, span(64), *real))
        told.append(states(mind))
    assert told[0][0] == told[1][0]  # harmony never hears of it
    assert told[0][1:] != told[1][1:]


def test_a_corrected_mind_goes_on_like_one_that_planned_the_played_notes(graphs):
    """Two minds plan differently and play the same: they go on alike."""
    minds = [Duet(graphs["harmony"], graphs["model"]) for _ in range(2)]
    real: list[tuple[int, tuple[Note, ...]]] = []
    for mind, seed in zip(minds, (1, 2), strict=True):
        played(mind, 5)
        plan = answered(mind, ask(5, 64, seed=seed))
        real = real or [plan]
        mind.told(Beat(5, span(64), *real[0]))
    assert minds[1]._done[5].notes != real[0][1]
    answers = [answered(mind, ask(6, 65)) for mind in minds]
    assert answers[0] == answers[1]
    one, two = map(states, minds)
    assert one[0] == two[0]
    assert one[2] == two[2]
    for a, b in zip(minds[0]._line.state, minds[1]._line.state, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-6)


def test_a_correction_also_changes_the_plans_that_follow_it(graphs):
    """Two spans were planned when the first of them turned out otherwise."""
    minds = [Duet(graphs["harmony"], graphs["model"]) for _ in range(2)]
    for mind, is_otherwise in zip(minds, (False, True), strict=True):
        chord, notes = answered(mind, ask(0, staleness=0))
        answered(mind, ask(1, 64, staleness=1))
        other = (*notes, Note(3, 71, 1))
        mind.told(Beat(0, span(60), chord, other if is_otherwise else notes))
        answered(mind, ask(2, 67, staleness=1))
    one, two = map(states, minds)
    assert one[0] == two[0]
    assert one[1] != two[1]


def test_a_beat_that_ends_before_its_plan_is_written_corrects_the_state(graphs):
    prompt, late = (Duet(graphs["harmony"], graphs["model"]) for _ in range(2))
    for mind in (prompt, late):
        played(mind, 4)
    other = Beat(4, span(64), AM, (Note(0, 57, 4),))
    answered(prompt, ask(4, 64))
    prompt.told(other)
    late.told(ask(4, 64))  # and nobody has time to write what it asks for
    late.told(other)
    assert answered(late, ask(5, 67)) == answered(prompt, ask(5, 67))
    assert states(late) == states(prompt)


def test_a_new_mind_told_the_last_beats_has_the_same_context(graphs):
    old, new = (Duet(graphs["harmony"], graphs["model"]) for _ in range(2))
    for index, (chord, notes) in enumerate(played(old, 16)):
        new.told(Beat(index, span(TUNE[index % len(TUNE)]), chord, notes))
    heard, told = (mind._ear.rows(span(60)) for mind in (old, new))
    np.testing.assert_array_equal(heard, told)


def test_plans_for_silent_beats_leave_no_trace_in_the_state(graphs):
    """What was planned to eight silent beats was not played, and leaves no trace."""
    mind = Duet(graphs["harmony"], graphs["model"])
    for index in range(8):
        answered(mind, ask(index, TUNE[index], before=NO_CHORD))
        mind.told(Beat(index, span(TUNE[index]), NO_CHORD, ()))
    answered(mind, ask(8, before=NO_CHORD))
    assert not any(array.any() for array in mind._done[8].before.state)


def test_a_dropped_plan_leaves_the_state_unchanged(graphs):
    """Four spans are planned ahead, then the musician wants to be followed again."""
    minds = [Duet(graphs["harmony"], graphs["model"]) for _ in range(2)]
    for mind in minds:
        played(mind, 8)
    for index, staleness in ((8, 1), (9, 2), (10, 4), (11, 4)):
        answered(minds[1], ask(index, staleness=staleness))
    one, two = (answered(mind, ask(8, 65)) for mind in minds)
    assert one == two


def test_polyphony_limits_the_notes_struck_at_once(mind):
    found = played(mind, 48, polyphony=2, manner=Manner(8, 4, 1))
    struck = Counter(
        (index, note.frame) for index, (_, notes) in enumerate(found) for note in notes
    )
    assert max(struck.values()) == 2


# ── whatever happens ─────────────────────────────────────────────────────────────────

pitches = st.lists(st.integers(0, 127), max_size=4).map(lambda p: tuple(sorted(set(p))))
notes = st.builds(
    Note, st.integers(0, 3), st.integers(0, 127), st.sampled_from((1, 2, 5, 16, 40))
)
messages = st.one_of(
    st.builds(
        lambda index, heard, chord, sent: Beat(index, span(*heard), chord, tuple(sent)),
        st.integers(-2, 12),
        pitches,
        st.integers(-1, N_CHORDS - 1),
        st.lists(notes, max_size=5),
    ),
    st.builds(
        lambda index, heard, staleness, before, deaf: ask(
            index, staleness=staleness, before=before,
            beat=None if deaf else span(*heard),
        ),
        st.integers(-2, 12),
        pitches,
        st.sampled_from(duet.STALENESS),
        st.integers(-1, N_CHORDS - 1),
        st.booleans(),
    ),
    st.just(Reset()),
    st.none(),
)  # fmt: skip


@settings(deadline=None, max_examples=40)
@given(st.lists(messages, max_size=30))
def test_random_messages_raise_nothing_and_the_last_ask_alone_is_answered(graphs, sent):
    mind = Duet(graphs["harmony"], graphs["model"])
    last = None
    for message in sent:
        if message is not None:
            mind.told(message)
            last = message.revision if isinstance(message, Decide) else last
            continue
        said = mind.answer()
        assert said is None or said.revision == last
        assert said is None or all(0 <= note.pitch < 128 for note in said.notes)


# ── the graphs ───────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("kind", "name"), [("harmony", "harmony"), ("texture", "model")]
)
def test_the_golden_vectors_replay(graphs, kind, name):
    graph = graphs[name]
    with np.load(MODELS / "duet-gru" / GOLDEN) as file:
        golden = {n.removeprefix(f"{kind}/"): file[n] for n in file.files if kind in n}
    given = {n[3:]: a for n, a in golden.items() if n.startswith("in/")}
    expected = {n[4:]: a for n, a in golden.items() if n.startswith("out/")}
    assert set(given) | {"state"} == set(graph.put)
    assert set(expected) == set(graph.out)
    steps = len(next(iter(given.values())))
    assert steps >= 32
    graph.reset()
    for step in range(steps):
        for into, array in given.items():
            graph.put[into][...] = array[step]
        graph.run()
        for out, array in expected.items():
            assert np.abs(graph.out[out] - array[step]).max() <= TOLERANCE, (out, step)


@pytest.mark.parametrize("semitones", [1, 5, 11])
def test_the_same_tune_in_another_key_has_the_same_chords_there(graphs, semitones):
    """Harmony is the same in every key: the logits turn with the tune."""
    graph, lines = graphs["harmony"], []
    for moved in (0, semitones):
        ear, found = duet.Ear(), []
        graph.reset()
        for index, pitch in enumerate(TUNE):
            beat = span(pitch + moved)
            rows = ear.rows(beat)
            graph.put["rows"][0] = rows
            phase = Phase(index % 4, 4, index // 4)
            graph.put["scalars"][0] = duet.scalars(rows, phase, 0)
            graph.run()
            found.append(graph.out["logits"][0].copy())
            ear.heard(beat)
        lines.append(np.stack(found))
    turned = np.roll(lines[0], semitones * QUALITIES, axis=1)
    np.testing.assert_allclose(lines[1], turned, atol=TOLERANCE)


def test_a_reset_forgets_both_graphs(graphs, mind):
    played(mind, 4)
    mind.told(Reset())
    for graph in graphs.values():
        assert not any(array.any() for array in graph.state())


def test_the_mind_takes_both_of_its_parts_from_one_folder():
    loaded = Loaded(MODELS / "duet-gru", "cpu")
    assert set(loaded.graphs) == {"model", "harmony"}
    assert loaded.manifest.fingerprint == duet.fingerprint()
    assert loaded.provider == "CPUExecutionProvider"
