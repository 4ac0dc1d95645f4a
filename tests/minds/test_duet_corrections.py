"""The state of the duet mind follows what was really played, not what it planned."""

import numpy as np
from tests.duets import AM, TUNE, C, answered, ask, played, span

from ripieno.minds.duet import Duet
from ripieno.music.chords import NO_CHORD
from ripieno.music.spans import Note
from ripieno.protocol import Beat


def states(mind):
    """Where both networks stand, as bytes."""
    return (
        [array.tobytes() for array in mind._ahead],
        [array.tobytes() for array in mind._line.state],
        (mind._line.token, mind._line.length, sorted(mind._line.ringing)),
    )


def test_a_span_played_other_than_planned_changes_the_state(graphs):
    told = []
    for chord, notes in ((C, None), (AM, (Note(0, 45, 4), Note(2, 60, 2)))):
        mind = Duet(graphs["harmony"], graphs["model"])
        played(mind, 5)
        planned = answered(mind, ask(5, 64))
        real = planned if notes is None else (chord, notes)
        mind.receive(Beat(5, span(64), *real))
        told.append(states(mind))
    assert told[0][0] == told[1][0]  # harmony does not receive what was played
    assert told[0][1:] != told[1][1:]


def test_a_corrected_mind_goes_on_like_one_that_planned_the_played_notes(graphs):
    """Two minds plan differently and play the same: they continue alike."""
    minds = [Duet(graphs["harmony"], graphs["model"]) for _ in range(2)]
    real: list[tuple[int, tuple[Note, ...]]] = []
    for mind, seed in zip(minds, (1, 2), strict=True):
        played(mind, 5)
        plan = answered(mind, ask(5, 64, seed=seed))
        real = real or [plan]
        mind.receive(Beat(5, span(64), *real[0]))
    assert minds[1]._done[5].notes != real[0][1]
    answers = [answered(mind, ask(6, 65)) for mind in minds]
    assert answers[0] == answers[1]
    one, two = map(states, minds)
    assert one[0] == two[0]
    assert one[2] == two[2]
    for a, b in zip(minds[0]._line.state, minds[1]._line.state, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-6)


def test_a_correction_also_changes_the_plans_that_follow_it(graphs):
    """Two spans were planned before the first one was played differently."""
    minds = [Duet(graphs["harmony"], graphs["model"]) for _ in range(2)]
    for mind, is_otherwise in zip(minds, (False, True), strict=True):
        chord, notes = answered(mind, ask(0, staleness=0))
        answered(mind, ask(1, 64, staleness=1))
        other = (*notes, Note(3, 71, 1))
        mind.receive(Beat(0, span(60), chord, other if is_otherwise else notes))
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
    prompt.receive(other)
    late.receive(ask(4, 64))  # none of its sections is taken
    late.receive(other)
    assert answered(late, ask(5, 67)) == answered(prompt, ask(5, 67))
    assert states(late) == states(prompt)


def test_a_new_mind_told_the_last_beats_has_the_same_context(graphs):
    old, new = (Duet(graphs["harmony"], graphs["model"]) for _ in range(2))
    for index, (chord, notes) in enumerate(played(old, 16)):
        new.receive(Beat(index, span(TUNE[index % len(TUNE)]), chord, notes))
    heard, told = (mind._ear.rows(span(60)) for mind in (old, new))
    np.testing.assert_array_equal(heard, told)


def test_plans_for_silent_beats_leave_no_trace_in_the_state(graphs):
    """The plans for eight silent beats were not played, so no state has them."""
    mind = Duet(graphs["harmony"], graphs["model"])
    for index in range(8):
        answered(mind, ask(index, TUNE[index], before=NO_CHORD))
        mind.receive(Beat(index, span(TUNE[index]), NO_CHORD, ()))
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
