"""The thinker: what it says while it loads, besides what it plays."""

from ripieno.clock import SystemClock
from ripieno.ipc import notes
from ripieno.ipc.block import LOADING_NS, Block
from ripieno.music.plan import Ask, Limits, Plan, Ready
from ripieno.music.timeline import Timeline
from ripieno.waking import minds_for


def test_while_a_model_is_loaded_its_heart_may_rest():
    block = Block()
    block.set_word("thinker_beat_ns", 5)
    before_ns = SystemClock().now_ns()
    ready = minds_for("event-gru", "cpu", block).load("answer")
    beat_ns = block.word("thinker_beat_ns") - LOADING_NS
    assert before_ns <= beat_ns <= SystemClock().now_ns()
    told = block.ring("thinker_notes").read()
    assert [notes.decode(record) for record in told] == [ready]
    block.close()


def test_a_role_that_the_named_model_does_not_play_is_anothers():
    block = Block()
    minds = minds_for("event-gru", "cpu", block)
    assert minds.load("answer").model == "event-gru"
    assert "harmonize" in minds.load("harmonize").roles
    block.close()


def due_already():
    """An Ask whose first note should have sounded long ago."""
    return Ask(
        revision=1,
        timeline=Timeline(),
        start_ticks=0,
        until_ticks=480,
        closing=True,
        pulse_ticks=240,
        grid_ticks=0,
        seed=1,
        limits=Limits(),
    )


def test_under_a_heavier_model_than_the_roles_own_that_one_is_ready_to_play():
    block = Block()
    minds = minds_for("event-transformer", "cpu", block)
    assert minds.load("answer").model == "event-transformer"
    # Nobody can be in time: so the lightest one plays.
    minds.told(due_already())
    said = [minds.answer() for _ in range(2)]
    assert isinstance(said[0], Ready)
    assert (said[0].model, said[0].shift, said[0].since) == ("event-gru", -1, 1)
    assert isinstance(said[1], Plan)
    block.close()


def test_under_the_roles_own_model_there_is_none():
    block = Block()
    minds = minds_for("event-gru", "cpu", block)
    minds.load("answer")
    minds.told(due_already())
    assert isinstance(minds.answer(), Plan)
    block.close()
