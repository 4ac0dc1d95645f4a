"""The thinker: one loop that owns the models.

It is told of every note heard and of every note really sent, so a model's state is
always warm; when it is asked, it answers section by section, and a composer looks into
the ring between two steps, so that news is never more than one step old. If it dies,
the player plays on by itself; the next thinker is told the whole history.

Where a heavier model than the role's own was named, that one is loaded beside it, and
plays while the heavier one is too slow (`ripieno.think.ladder`).
"""

import contextlib
import gc
import multiprocessing
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ripieno.clock import Clock, SystemClock
from ripieno.errors import ModelError
from ripieno.ipc import notes
from ripieno.ipc.block import Block
from ripieno.ipc.ring import Ring
from ripieno.music import plan
from ripieno.music.plan import Ready
from ripieno.params import ROLES
from ripieno.think.composer import Composer
from ripieno.think.controls import Controls
from ripieno.think.duet import Duet
from ripieno.think.harmonizer import Harmonizer
from ripieno.think.ladder import Ladder, Rung
from ripieno.think.manifest import Manifest, find, for_role, load
from ripieno.think.minds import Mind, Minds
from ripieno.think.packages import both_are_installed
from ripieno.think.patterns import Patterns
from ripieno.think.variations import Variations
from ripieno.think.writer import Writer

if TYPE_CHECKING:
    from ripieno.think.session import Graph

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


def wake(folder: Path, provider: str) -> tuple[Mind, Ready]:
    """Load a model, warm it up, and introduce it.

    Raises:
        ModelError: the model, the provider or ONNX Runtime is not to be had.
    """
    try:
        from ripieno.think import session as sessions
    except ImportError as error:
        raise ModelError(
            f"ONNX Runtime cannot be loaded ({error}): install Ripieno again."
        ) from error
    manifest = load(folder)
    if manifest.interface == "step":
        session = sessions.Session(folder, provider)
        session.warm_up()
        loaded: sessions.Loaded = session
        mind: Mind = Composer(session, _defaults(manifest))
    else:
        loaded = sessions.Loaded(folder, provider)
        for graph in loaded.graphs.values():
            graph.warm_up()
        mind = _mind(manifest, loaded.graphs)
    why = loaded.choice.why
    if both_are_installed():
        why += "; two ONNX Runtime packages are installed: see `ripieno doctor`"
    sha256 = manifest.sha256
    return mind, Ready(manifest.name, sha256, loaded.provider, why, manifest.roles)


def _defaults(manifest: Manifest) -> Controls:
    return Controls(
        temperature=manifest.sampling.temperature, top_p=manifest.sampling.top_p
    )


def _mind(manifest: Manifest, graphs: "dict[str, Graph]") -> Mind:
    if manifest.interface == "duet":
        return Duet(graphs["harmony"], graphs["model"])
    if manifest.interface == "voices":
        return Harmonizer(graphs["model"])
    if manifest.interface == "phrase":
        return Variations(Writer(graphs))
    if manifest.interface == "pattern":
        return Patterns(graphs["model"])
    raise ModelError(
        f"The model {manifest.name} plays no role ({manifest.interface}): "
        "`ripieno models` lists those that do."
    )


def minds_for(model: str, provider: str, block: Block) -> Minds:
    """Minds by role: of the model that was named where it plays it, else of any.

    Whenever one is loaded the supervisor is told. Meanwhile no heart beats: a large
    model on a cold GPU takes tens of seconds, and is not hung.
    """
    told, inbox, clock = (
        block.ring("thinker_notes"), block.ring("to_thinker"), SystemClock(),
    )  # fmt: skip

    def wake_for(role: str) -> tuple[Mind, Ready]:
        block.set_word("thinker_beat_ns", 0)
        is_named = model and role in load(find(model)).roles
        mind, ready = wake(for_role(role, model if is_named else ""), provider)
        told.write(notes.encode(ready))
        if not isinstance(mind, Composer):
            return mind, ready
        rungs = [Rung(mind, ready), *_lighter(role, ready)]
        ladder = Ladder(rungs, now_ns=clock.now_ns, is_news=lambda: not inbox.is_empty)
        return ladder, ready

    return Minds(wake_for)


def _lighter(role: str, ready: Ready) -> list[Rung]:
    """The role's own model, on the CPU, where a heavier one was named; if it is there.

    On the CPU because it is there even when a GPU goes away.
    """
    with contextlib.suppress(ModelError):
        folder = for_role(role)
        if load(folder).sha256 != ready.sha256:
            mind, light = wake(folder, "cpu")
            return [Rung(mind, light)] if isinstance(mind, Composer) else []
    return []


def run(block_name: str, model: str, provider: str, role: str) -> None:
    """The thinker process, until it is told to stop or its parent is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
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
