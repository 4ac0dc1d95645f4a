"""The thinker process: one loop that owns the models.

The loop reads what the player sent into the backlogs of the minds, then serves the most
urgent mind, and reads again. So news is at most one model step old when it is acted on.
If the process dies, the player plays on by itself; the next thinker receives what the
player has kept of the history.
"""

import gc
import multiprocessing
import signal
import sys
from typing import Final

from ripieno import protocol
from ripieno.clock import SystemClock
from ripieno.errors import ModelError
from ripieno.inference.manifest import Library
from ripieno.ipc import notes, realtime
from ripieno.ipc.block import Block
from ripieno.ipc.naming import show_name
from ripieno.ipc.ring import Ring
from ripieno.ipc.waking import Bell, Bells, RungRing
from ripieno.minds.minds import Minds
from ripieno.processes.loading import CHECK_NS, check_plays, minds_for
from ripieno.protocol import EVERYONE, Letter, Reply
from ripieno.settings.roles import ROLES

TURN_NS: Final = 500_000
"""How long to wait for news between two pieces of background work."""
REST_NS: Final = 20_000_000
"""How long to wait for news when there is no background work."""
URGENT_NS: Final = 50_000_000
"""How long the real-time priority is kept without a pause. An answer on the beat takes
4 to 10 ms. Linux stops all real-time threads of a core, the audio server's too, when
they use 95 % of it."""


class Thinker:
    """Moves messages between two rings and the minds. Thread: one."""

    def __init__(self, minds: Minds, inbox: Ring, outbox: Ring | RungRing) -> None:
        """Join the minds, the ring from the player and the ring to it."""
        self._minds, self._inbox, self._outbox = minds, inbox, outbox

    def hear(self) -> list[Letter]:
        """Read the messages that have come in; the minds do not have them yet."""
        return [protocol.decode_letter(record) for record in self._inbox.read()]

    def answer(self) -> bool:
        """Send the next answer; return whether to call again without waiting."""
        said = self._minds.answer()
        if said is not None:
            self._outbox.write(protocol.encode(said))
            return True
        return self._minds.was_interrupted


def run(
    block_name: str, model: str, provider: str, roles: tuple[str, ...], bells: Bells
) -> None:
    """Run the thinker process until it is stopped or its parent is gone.

    Args:
        block_name: the shared block.
        model: a name or a folder; empty for each role's own model.
        provider: auto, cpu or cuda.
        roles: what is played first: the names of the models, one for each mind.
        bells: what the player rings, and what wakes the player.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    show_name("thinker")
    block = Block(block_name)
    notices = block.ring("thinker_notes")
    library = Library()
    minds = minds_for(model, provider, block, library)
    try:
        check_plays(library, model, roles)
        ready = [minds.load(role) for role in roles]
    except ModelError as error:
        notices.write(notes.encode(notes.Failure(str(error), error.exit_code)))
        block.close()
        sys.exit(notes.FAILED)
    inbox = block.ring("to_thinker")
    inbox.skip()
    for each in dict.fromkeys(ready):
        block.ring("to_player").write(protocol.encode(Reply(EVERYONE, each)))
    # The player opens its ports meanwhile, or lets its fallback play.
    minds.load_all(role.models for role in ROLES.values())
    gc.freeze()
    outbox = RungRing(block.ring("to_player"), Bell(bells.to_player.rings))
    _Loop(minds, Thinker(minds, inbox, outbox), block, bells).run()
    block.close()


class _Loop:
    """Works until it is stopped, and chooses the priority. Thread: one.

    It waits, and gives urgent answers, at a real-time priority below the player's.
    Everything else runs at the normal priority.
    """

    def __init__(
        self, minds: Minds, thinker: Thinker, block: Block, bells: Bells
    ) -> None:
        self._minds, self._thinker, self._block = minds, thinker, block
        self._bell = Bell(bells.to_thinker.waits)
        self._clock = SystemClock()
        self._parent = multiprocessing.parent_process()
        self._check_ns, self._is_stopped = 0, False
        self._has_priority = False

    def run(self) -> None:
        """Work until the process is to stop."""
        while not self._is_over():
            self._set_priority(is_urgent=True)  # so that it wakes up in time
            self._bell.wait(REST_NS if self._minds.rests else TURN_NS)
            self._work()

    def _work(self) -> None:
        """Read and answer until all is said."""
        urgent_until_ns = self._clock.now_ns() + URGENT_NS
        while not self._is_over():
            news = self._thinker.hear()
            for message in news:
                self._minds.receive(message)
                if self._is_over():  # loading a model takes seconds
                    return
            is_early = self._clock.now_ns() < urgent_until_ns
            self._set_priority(is_urgent=self._minds.is_urgent and is_early)
            if not self._thinker.answer() and not news:
                return

    def _set_priority(self, *, is_urgent: bool) -> None:
        if is_urgent == self._has_priority:
            return
        self._has_priority = is_urgent
        if is_urgent:
            realtime.set_fifo(realtime.THINKER)
        else:
            realtime.set_normal()

    def _is_over(self) -> bool:
        """Whether to stop; also tells the supervisor that the process is alive."""
        now_ns = self._clock.now_ns()
        if not self._is_stopped and now_ns >= self._check_ns:
            self._check_ns = now_ns + CHECK_NS
            self._block.set_word("thinker_beat_ns", now_ns)
            is_orphan = self._parent is not None and not self._parent.is_alive()
            self._is_stopped = is_orphan or bool(self._block.word("stop"))
        return self._is_stopped
