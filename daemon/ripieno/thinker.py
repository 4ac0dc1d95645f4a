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
from typing import Final

from ripieno.clock import SystemClock
from ripieno.errors import ModelError
from ripieno.ipc import notes, realtime
from ripieno.ipc.block import Block
from ripieno.ipc.naming import show_name
from ripieno.ipc.ring import Ring
from ripieno.ipc.waking import Bell, Bells, RungRing
from ripieno.music import plan
from ripieno.params import ROLES
from ripieno.think.manifest import for_role
from ripieno.think.minds import Busy, Mind
from ripieno.waking import minds_for

TURN_NS: Final = 500_000
"""Between two pieces of work that can wait: news is never more than one late …"""
REST_NS: Final = 20_000_000
"""… and where there is no such work."""
CHECK_NS: Final = 100_000_000
URGENT_NS: Final = 50_000_000
"""An answer on the beat takes 4 to 10 ms. What works for longer makes whole phrases: it
goes on at the normal priority, because the system stops every real-time thread, the
audio server's too, where one runs for 0.95 s."""


class Thinker:
    """Moves messages between two rings and a mind. Thread: one."""

    def __init__(self, mind: Mind, inbox: Ring, outbox: Ring | RungRing) -> None:
        self._mind, self._inbox, self._outbox = mind, inbox, outbox

    @property
    def rests(self) -> bool:
        """Whether there is no work left that can wait."""
        return not isinstance(self._mind, Busy) or self._mind.rests

    def turn(self) -> bool:
        """Hear the news, then say one thing; whether there was anything to do."""
        records = self._inbox.read()
        for record in records:
            self._mind.told(plan.decode_to_thinker(record))
        said = self._mind.answer()
        if said is not None:
            self._outbox.write(plan.encode(said))
        return bool(records) or said is not None


def run(block_name: str, model: str, provider: str, role: str, bells: Bells) -> None:
    """The thinker process, until it is told to stop or its parent is gone.

    Args:
        block_name: the shared block.
        model: a name or a folder; the one for the role where it is empty.
        provider: auto, cpu or cuda.
        role: what is played first.
        bells: what the player rings, and what wakes the player.
    """
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
    outbox = RungRing(block.ring("to_player"), Bell(bells.to_player.rings))
    _Loop(Thinker(minds, inbox, outbox), block, Bell(bells.to_thinker.waits)).run()
    block.close()


class _Loop:
    """Turns until it is told to stop; chooses the priority. Thread: one.

    Whatever the player has just said is answered at real-time priority, below the
    player's. What can wait is done at the normal one.
    """

    def __init__(self, thinker: Thinker, block: Block, bell: Bell) -> None:
        self._thinker, self._block, self._bell = thinker, block, bell
        self._clock = SystemClock()
        self._parent = multiprocessing.parent_process()
        self._check_ns = self._rang_ns = 0
        self._is_urgent = False

    def run(self) -> None:
        """Go on until the end."""
        while not self._is_over():
            self._go_urgent()
            if not self._bell.wait(REST_NS if self._thinker.rests else TURN_NS):
                self._go_normal()
            else:
                self._rang_ns = self._clock.now_ns()
            while self._thinker.turn() and not self._is_over():
                self._choose_priority()

    def _choose_priority(self) -> None:
        """Real-time for what is new, and for so long as an answer may take."""
        now_ns = self._clock.now_ns()
        if self._bell.wait(0):
            self._rang_ns = now_ns
            self._go_urgent()
        elif now_ns - self._rang_ns > URGENT_NS:
            self._go_normal()

    def _go_urgent(self) -> None:
        if not self._is_urgent:
            self._is_urgent = True
            realtime.set_fifo(realtime.THINKER)

    def _go_normal(self) -> None:
        if self._is_urgent:
            self._is_urgent = False
            realtime.set_normal()

    def _is_over(self) -> bool:
        now_ns = self._clock.now_ns()
        if now_ns < self._check_ns:
            return False
        self._check_ns = now_ns + CHECK_NS
        self._block.set_word("thinker_beat_ns", now_ns)
        is_orphan = self._parent is not None and not self._parent.is_alive()
        return is_orphan or bool(self._block.word("stop"))
