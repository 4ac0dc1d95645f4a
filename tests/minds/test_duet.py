"""The duet mind with its own graphs: what it decides, and what limits it."""

from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.duets import G7, TUNE, answered, ask, played, span

from ripieno.layouts import duet
from ripieno.minds.duet import Duet
from ripieno.music import chords, scales
from ripieno.music.chords import N_CHORDS, NO_CHORD, named
from ripieno.music.spans import Manner, Note, Phase
from ripieno.protocol import FORBIDDEN, Beat, Decide, Reset


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
    mind.receive(Reset())
    assert played(mind, 8) == first


def test_the_same_ask_twice_gives_the_same_answer(mind):
    played(mind, 8)
    first = answered(mind, ask(8, 67))
    assert answered(mind, ask(8, 67, revision=99)) == first
    mind.receive(ask(8, 60))  # another melody note; only the first section is taken
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
            mind.receive(Beat(index, span(pitch), chord, notes))
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
    mind.receive(ask(4))
    first, rest = mind.answer(), mind.answer()
    assert mind.answer() is None
    assert (first.until_frame, rest.until_frame) == (1, 4)
    assert {note.frame for note in first.notes} <= {0}
    assert {note.frame for note in rest.notes} <= {1, 2, 3}


def test_a_dotted_beat_has_six_frames(mind):
    six = ask(0, frames=6, beat=span(60, frames=6), phase=Phase(0, 2, 0))
    _, notes = answered(mind, six)
    assert all(0 <= note.frame < 6 for note in notes)


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


def test_a_triad_gets_the_seventh_that_is_nearly_as_likely(mind):
    weights = [0.0] * N_CHORDS
    plain, rich = named("D"), named("Dmaj7")
    for seventh, chosen in ((9.0, rich), (6.0, plain)):
        weights[plain], weights[rich] = 10.0, seventh
        asked = ask(0, chords=tuple(weights), trust=0.0)
        assert answered(mind, asked)[0] == chosen
    weights[rich] = 9.0
    kept = ask(0, chords=tuple(weights), trust=0.0, before=plain)
    assert answered(mind, kept)[0] == plain


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
        mind.receive(Reset())
        found = played(mind, 32, manner=Manner(density, 2, 1))
        counts.append(sum(len(notes) for _, notes in found))
    assert counts[0] * 2 < counts[1]


def test_polyphony_limits_the_notes_struck_at_once(mind):
    found = played(mind, 48, polyphony=2, manner=Manner(8, 4, 1))
    struck = Counter(
        (index, note.frame) for index, (_, notes) in enumerate(found) for note in notes
    )
    assert max(struck.values()) == 2


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
            mind.receive(message)
            last = message.revision if isinstance(message, Decide) else last
            continue
        said = mind.answer()
        assert said is None or said.revision == last
        assert said is None or all(0 <= note.pitch < 128 for note in said.notes)
