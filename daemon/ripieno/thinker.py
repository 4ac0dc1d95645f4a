"""The thinker: one loop that owns the models.

It is told of every note heard and of every note really sent, so a model's state is
always warm; when it is asked, it answers section by section, and a composer looks into
the ring between two steps, so that news is never more than one step old. If it dies,
the player plays on by itself; the next thinker is told what the player still has of the
history.
"""

import gc
import multiprocessing
import signal
import sys
from collections.abc import Callable
from typing import Final

from ripieno.clock import SystemClock
from ripieno.errors import ModelError
from ripieno.ipc import notes, realtime
from ripieno.ipc.block import Block
from ripieno.ipc.naming import show_name
from ripieno.ipc.ring import Ring
from ripieno.ipc.waking import Bell, Bells, RungRing
from ripieno.music import plan
from ripieno.music.plan import ToThinker
from ripieno.params import ROLES
from ripieno.think.manifest import for_role
from ripieno.think.minds import Busy, Mind
from ripieno.waking import minds_for

TURN_NS: Final = 500_000
"""How long to wait for news between two pieces of work that can wait."""
REST_NS: Final = 20_000_000
"""How long to wait for news where there is no work."""
CHECK_NS: Final = 100_000_000
URGENT_NS: Final = 50_000_000
"""An answer on the beat takes 4 to 10 ms. Work without a pause for longer goes on at
the normal priority: where real-time threads use 95 % of a core, Linux stops all of them
on that core, the audio server's too."""


class Thinker:
    """Moves messages between two rings and a mind. Thread: one."""

    def __init__(self, mind: Mind, inbox: Ring, outbox: Ring | RungRing) -> None:
        self._mind, self._inbox, self._outbox = mind, inbox, outbox

    @property
    def rests(self) -> bool:
        """Whether there is no work left that can wait."""
        return not isinstance(self._mind, Busy) or self._mind.rests

    def hear(self) -> list[ToThinker]:
        """The news, which is not told to the mind yet."""
        return [plan.decode_to_thinker(record) for record in self._inbox.read()]

    def tell(self, message: ToThinker) -> None:
        """Tell the mind one message. Cost: up to one span of each model."""
        self._mind.told(message)

    def answer(self) -> bool:
        """Say the next thing; whether there was one."""
        said = self._mind.answer()
        if said is not None:
            self._outbox.write(plan.encode(said))
        return said is not None


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
    thinker, bell = Thinker(minds, inbox, outbox), Bell(bells.to_thinker.waits)
    _Loop(thinker, block, bell, minds.is_urgent).run()
    block.close()


class _Loop:
    """Works until it is told to stop; chooses the priority. Thread: one.

    It waits at real-time priority, below the player's, and answers so what is wanted
    within a beat. Everything else is done at the normal priority.
    """

    def __init__(
        self,
        thinker: Thinker,
        block: Block,
        bell: Bell,
        is_urgent_ask: Callable[[ToThinker], bool],
    ) -> None:
        self._thinker, self._block, self._bell = thinker, block, bell
        self._is_urgent_ask = is_urgent_ask
        self._clock = SystemClock()
        self._parent = multiprocessing.parent_process()
        self._check_ns, self._over = 0, False
        self._is_urgent = False

    def run(self) -> None:
        """Go on until the end."""
        while not self._is_over():
            self._go_urgent()  # to be woken in time
            self._bell.wait(REST_NS if self._thinker.rests else TURN_NS)
            self._work()

    def _work(self) -> None:
        """Answer until all is said; the priority depends on what was asked."""
        began_ns, is_urgent = self._clock.now_ns(), False
        while not self._is_over():
            news = self._thinker.hear()
            is_urgent |= any(map(self._is_urgent_ask, news))
            urgent_until_ns = began_ns + URGENT_NS if is_urgent else began_ns
            for message in news:
                self._choose_priority(urgent_until_ns)
                self._thinker.tell(message)
                if self._is_over():  # a full ring takes seconds: the heart has to beat
                    return
            self._choose_priority(urgent_until_ns)
            if not self._thinker.answer() and not news:
                return

    def _choose_priority(self, urgent_until_ns: int) -> None:
        if self._clock.now_ns() < urgent_until_ns:
            self._go_urgent()
        else:
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
        """Whether it is to stop; once True it stays True."""
        now_ns = self._clock.now_ns()
        if not self._over and now_ns >= self._check_ns:
            self._check_ns = now_ns + CHECK_NS
            self._block.set_word("thinker_beat_ns", now_ns)
            is_orphan = self._parent is not None and not self._parent.is_alive()
            self._over = is_orphan or bool(self._block.word("stop"))
        return self._over
