"""The thinker: what it says while it loads, besides what it plays."""

from ripieno.ipc import notes
from ripieno.ipc.block import Block
from ripieno.thinker import minds_for


def test_while_a_model_is_loaded_its_heart_counts_for_nothing():
    block = Block()
    block.set_word("thinker_beat_ns", 5)
    ready = minds_for("event-gru", "cpu", block).load("answer")
    assert block.word("thinker_beat_ns") == 0
    told = block.ring("thinker_notes").read()
    assert [notes.decode(record) for record in told] == [ready]
    block.close()


def test_a_role_that_the_named_model_does_not_play_is_anothers():
    block = Block()
    minds = minds_for("event-gru", "cpu", block)
    assert minds.load("answer").model == "event-gru"
    assert "harmonize" in minds.load("harmonize").roles
    block.close()
