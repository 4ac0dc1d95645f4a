"""The thinker: one loop that owns the models.

It is told of every note heard and of every note really sent, so a model's state is
always warm; when it is asked, it answers section by section, and a composer looks into
the ring between two steps, so that news is never more than one step old. If it dies,
the player plays on by itself; the next thinker is told the whole history.
"""

import gc
import multiprocessing
import signal
import sys
from collections.abc import Callable
from typing import Final

from ripieno.clock import Clock, SystemClock
from ripieno.errors import ModelError
from ripieno.ipc import notes
from ripieno.ipc.block import Block
from ripieno.ipc.naming import show_name
from ripieno.ipc.ring import Ring
from ripieno.music import plan
from ripieno.params import ROLES
from ripieno.think.manifest import for_role
from ripieno.think.minds import Mind
from ripieno.waking import minds_for

TURN_NS: Final = 500_000
CHECK_NS: Final = 100_000_000


class Thinker:
    """Moves messages between two rings and a mind. Thread: one."""

    def __init__(self, mind: Mind, inbox: Ring, outbox: Ring) -> None:
        self._mind, self._inbox, self._outbox = mind, inbox, outbox

    def turn(self) -> bool:
        """Hear the news, then say one thing; whether there was anything to do."""
        records = self._inbox.read()
        for record in records:
            self._mind.told(plan.decode_to_thinker(record))
        said = self._mind.answer()
        if said is not None:
            self._outbox.write(plan.encode(said))
        return bool(records) or said is not None


def run(block_name: str, model: str, provider: str, role: str) -> None:
    """The thinker process, until it is told to stop or its parent is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    show_name("thinker")
    block = Block(block_name)
    told = block.ring("thinker_notes")
    minds = minds_for(model, provider, block)
    try:
        for_role(role, model)  # a model that was named has to play what it is asked
        ready = minds.load(role)
    except ModelError as error:
        told.write(notes.encode(notes.Failure(str(error), error.exit_code)))
        block.close()
        sys.exit(notes.FAILED)
    inbox = block.ring("to_thinker")
    inbox.skip()
    block.ring("to_player").write(plan.encode(ready))
    # The player opens its ports meanwhile, or lets its fallback play.
    minds.load_all(ROLES)
    gc.freeze()
    clock = SystemClock()
    thinker = Thinker(minds, inbox, block.ring("to_player"))
    _loop(thinker.turn, block, clock)
    block.close()


def _loop(turn: Callable[[], bool], block: Block, clock: Clock) -> None:
    parent, check_ns = multiprocessing.parent_process(), 0
    while True:
        busy = turn()
        now_ns = clock.now_ns()
        if now_ns >= check_ns:
            check_ns = now_ns + CHECK_NS
            block.set_word("thinker_beat_ns", now_ns)
            if block.word("stop") or (parent is not None and not parent.is_alive()):
                return
        if not busy:
            clock.wait_until(now_ns + TURN_NS)
