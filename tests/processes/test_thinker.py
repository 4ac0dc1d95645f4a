"""The thinker: its heartbeat, and the models that it loads for roles."""

import contextlib
import multiprocessing

import pytest
from tests.asked import ask
from tests.live_daemon import until

from ripieno import protocol
from ripieno.clock import SystemClock
from ripieno.ipc import notes
from ripieno.ipc.block import LOADING_NS, Block
from ripieno.ipc.waking import new_bells
from ripieno.processes import thinker
from ripieno.processes.loading import minds_for
from ripieno.protocol import Letter, Plan, Played, Ready, Reset
from ripieno.settings.roles import ROLES


def test_a_heartbeat_may_pause_while_a_model_loads():
    block = Block()
    block.set_word("thinker_beat_ns", 5)
    before_ns = SystemClock().now_ns()
    ready = minds_for("event-gru", "cpu", block).load("answer")
    beat_ns = block.word("thinker_beat_ns") - LOADING_NS
    assert before_ns <= beat_ns <= SystemClock().now_ns()
    told = block.ring("thinker_notes").read()
    assert [notes.decode(record) for record in told] == [ready]
    block.close()


def test_a_role_outside_the_named_model_gets_another_model():
    block = Block()
    minds = minds_for("event-gru", "cpu", block)
    assert minds.load("answer").model == "event-gru"
    assert "harmonize" in minds.load("harmonize").roles
    block.close()


SEATED = Letter(1, Reset("answer"))
DUE_ALREADY = Letter(1, ask())
"""An Ask whose first note should have sounded long ago."""


def test_a_late_heavier_model_is_replaced_by_the_roles_own_model():
    block = Block()
    minds = minds_for("event-transformer", "cpu", block)
    assert minds.load("answer").model == "event-transformer"
    # Nobody can be in time: so the lightest one plays.
    minds.receive(SEATED)
    minds.receive(DUE_ALREADY)
    shift, plan = minds.answer(), minds.answer()
    assert shift is not None
    assert isinstance(shift.message, Ready)
    assert (shift.message.model, shift.message.shift) == ("event-gru", -1)
    assert (shift.seat, shift.message.since) == (1, 1)
    assert plan is not None
    assert isinstance(plan.message, Plan)
    block.close()


def test_the_roles_own_model_has_no_lighter_one_below_it():
    block = Block()
    minds = minds_for("event-gru", "cpu", block)
    minds.load("answer")
    minds.receive(SEATED)
    minds.receive(DUE_ALREADY)
    plan = minds.answer()
    assert plan is not None
    assert isinstance(plan.message, Plan)
    block.close()


@contextlib.contextmanager
def running():
    """A thinker process that has loaded every role's model; its block."""
    block, bells = Block(), new_bells()
    process = multiprocessing.get_context("spawn").Process(
        target=thinker.run, args=(block.name, "", "cpu", ("answer",), bells)
    )
    process.start()
    roles: set[str] = set()

    def all_are_there():
        for record in block.ring("to_player").read():
            message = protocol.decode_reply(record).message
            assert isinstance(message, Ready)
            roles.update(message.roles)
        return roles >= {role.models for role in ROLES.values()}

    until(all_are_there, patience_s=120.0)
    yield block
    block.set_word("stop", 1)
    process.join(10.0)
    process.kill()
    process.join()
    block.close()


def fill(ring):
    """Write played notes of a seat until the ring is full; return their number."""
    count, letter = 0, SEATED
    while ring.write(protocol.encode(letter)):
        letter = Letter(1, Played(count, 0, 60 + count % 12, 80))
        count += 1
    return count


@pytest.mark.realtime
@pytest.mark.slow
def test_the_heartbeat_goes_on_while_a_full_ring_is_read():
    with running() as block:
        inbox, beats, said = block.ring("to_thinker"), set[int](), []
        assert fill(inbox) > 2000
        until(lambda: inbox.write(protocol.encode(DUE_ALREADY)))

        def has_answered():
            beats.add(block.word("thinker_beat_ns"))
            said.extend(block.ring("to_player").read())
            return said

        took_s = until(has_answered, patience_s=60.0)
    # A beat is due every 0.1 s, and is later on a busy machine.
    assert len(beats) > took_s * 10 / 3
    assert took_s > 0.5
