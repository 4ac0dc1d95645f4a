"""From a model's folder to a mind that plays: loads, warms up, introduces.

Where a heavier model than the role's own was named, that one is loaded beside it, and
plays while the heavier one is too slow (`ripieno.minds.ladder`).
"""

import contextlib
from pathlib import Path
from pkgutil import resolve_name

from ripieno.clock import SystemClock
from ripieno.errors import ModelError
from ripieno.inference.interfaces import INTERFACES
from ripieno.inference.manifest import find, for_role, load
from ripieno.inference.outputs import naming
from ripieno.inference.packages import both_are_installed
from ripieno.ipc import notes
from ripieno.ipc.block import LOADING_NS, Block
from ripieno.minds.composer import Composer
from ripieno.minds.ladder import Ladder, Rung
from ripieno.minds.minds import Mind, Minds
from ripieno.protocol import Ready


def wake(folder: Path, provider: str) -> tuple[Mind, Ready]:
    """Load a model, warm it up, and introduce it.

    Raises:
        ModelError: the model, the provider or ONNX Runtime is not to be had.
    """
    try:
        from ripieno.inference import session as sessions
    except ImportError as error:
        raise ModelError(
            f"ONNX Runtime cannot be loaded ({error}): install Ripieno again."
        ) from error
    manifest = load(folder)
    plays = INTERFACES[manifest.interface].plays
    if plays is None:
        raise ModelError(
            f"The model {manifest.name} plays no role ({manifest.interface}): "
            "`ripieno models` lists those that do."
        )
    with naming(manifest.name):
        loaded = sessions.Loaded(folder, provider)
        loaded.warm_up()
        mind: Mind = resolve_name(plays)(loaded)
    why = loaded.choice.why
    if both_are_installed():
        why += "; two ONNX Runtime packages are installed: see `ripieno doctor`"
    sha256 = manifest.sha256
    return mind, Ready(manifest.name, sha256, loaded.provider, why, manifest.roles)


def minds_for(model: str, provider: str, block: Block) -> Minds:
    """Minds by role: of the model that was named where it plays it, else of any.

    Whenever one is loaded the supervisor is told. Meanwhile its heart may rest for
    `LOADING_NS`: a large model on a cold GPU takes tens of seconds, and is not hung.
    """
    told, inbox, clock = (
        block.ring("thinker_notes"), block.ring("to_thinker"), SystemClock(),
    )  # fmt: skip

    def show(ready: Ready) -> None:
        told.write(notes.encode(ready))

    def wake_for(role: str) -> tuple[Mind, Ready]:
        block.set_word("thinker_beat_ns", clock.now_ns() + LOADING_NS)
        is_named = model and role in load(find(model)).roles
        mind, ready = wake(for_role(role, model if is_named else ""), provider)
        show(ready)
        if not isinstance(mind, Composer):
            return mind, ready
        rungs = [Rung(mind, ready), *_lighter(role, ready)]
        ladder = Ladder(rungs, now_ns=clock.now_ns, is_news=lambda: not inbox.is_empty)
        return ladder, ready

    return Minds(wake_for, show)


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
