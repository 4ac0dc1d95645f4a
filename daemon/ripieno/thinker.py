"""The thinker: one loop that owns the model.

It is told of every note heard and of every note really sent, so the model's state is
always warm; when it is asked, it plans section by section and looks into its ring
between two sections, so that news is never more than one section old. If it dies, the
player plays on by itself; the next thinker is told the whole history.
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
from ripieno.ipc.ring import Ring
from ripieno.music import plan
from ripieno.music.plan import Ask, Played, Ready
from ripieno.think.composer import Composer
from ripieno.think.controls import Controls
from ripieno.think.manifest import find
from ripieno.think.packages import both_are_installed

TURN_NS: Final = 500_000
CHECK_NS: Final = 100_000_000


class Thinker:
    """Moves messages between two rings and a composer. Thread: one."""

    def __init__(self, composer: Composer, inbox: Ring, outbox: Ring) -> None:
        self._composer, self._inbox, self._outbox = composer, inbox, outbox

    def turn(self) -> bool:
        """Hear the news, then plan one section; whether there was anything to do."""
        records = self._inbox.read()
        for record in records:
            self._hear(plan.decode_to_thinker(record))
        section = self._composer.section()
        if section is not None:
            self._outbox.write(plan.encode(section))
        return bool(records) or section is not None

    def _hear(self, message: plan.ToThinker) -> None:
        if isinstance(message, Played):
            if message.is_human_onset:
                self._composer.drop()  # whatever was asked for, the human came first
            self._composer.played(message)
        elif isinstance(message, Ask):
            self._composer.begin(message)
        else:
            self._composer.reset()


def wake(model: str, provider: str) -> tuple[Composer, Ready]:
    """Load a model, warm it up, and introduce it.

    Raises:
        ModelError: the model, the provider or ONNX Runtime is not to be had.
    """
    try:
        from ripieno.think.session import Session
    except ImportError as error:
        raise ModelError(
            f"ONNX Runtime cannot be loaded ({error}): install Ripieno again."
        ) from error
    session = Session(find(model), provider)
    session.warm_up()
    manifest = session.manifest
    defaults = Controls(
        temperature=manifest.sampling.temperature, top_p=manifest.sampling.top_p
    )
    why = session.choice.why
    if both_are_installed():
        why += "; two ONNX Runtime packages are installed: see `ripieno doctor`"
    ready = Ready(manifest.name, manifest.sha256, session.provider, why)
    return Composer(session, defaults), ready


def run(block_name: str, model: str, provider: str) -> None:
    """The thinker process, until it is told to stop or its parent is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    block = Block(block_name)
    told = block.ring("thinker_notes")
    try:
        composer, ready = wake(model, provider)
    except ModelError as error:
        told.write(notes.encode(notes.Failure(str(error), error.exit_code)))
        block.close()
        sys.exit(notes.FAILED)
    inbox = block.ring("to_thinker")
    inbox.skip()
    block.ring("to_player").write(plan.encode(ready))
    told.write(notes.encode(ready))
    gc.freeze()
    clock = SystemClock()
    thinker = Thinker(composer, inbox, block.ring("to_player"))
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
