"""From a model to a mind that plays: load it, warm it up, describe it.

Where a heavier model than the role's own is named, the role's own is loaded beside it
and plays while the heavier one is too slow (`ripieno.minds.ladder`).
"""

import contextlib
from collections.abc import Iterable
from pathlib import Path
from pkgutil import resolve_name
from typing import TYPE_CHECKING, Final

from ripieno.clock import SystemClock
from ripieno.errors import ModelError
from ripieno.inference.interfaces import INTERFACES
from ripieno.inference.manifest import Library, Model, find, read
from ripieno.inference.outputs import naming
from ripieno.inference.packages import both_are_installed
from ripieno.ipc import notes
from ripieno.ipc.block import LOADING_NS, Block
from ripieno.minds.composer import Composer
from ripieno.minds.ladder import Ladder, Rung
from ripieno.minds.minds import Minds, ModelMind
from ripieno.protocol import Ready

if TYPE_CHECKING:
    from ripieno.inference.session import Loaded

CHECK_NS: Final = 100_000_000
"""How often a working thinker says that it is alive, and looks whether to stop."""


Shelf = dict[tuple[str, str], "Loaded"]
"""Loaded models by hash and provider: of several minds each model is loaded once."""


def wake(
    model: Model | Path, provider: str, shelf: Shelf | None = None
) -> tuple[ModelMind, Ready]:
    """Load a model and warm it up; return its mind and how it introduces itself.

    Args:
        model: a model, or its folder.
        provider: auto, cpu or cuda.
        shelf: models that are loaded; this one is taken from it, or put there.

    Raises:
        ModelError: the model, the provider or ONNX Runtime cannot be used.
    """
    try:
        from ripieno.inference import session as sessions
    except ImportError as error:
        raise ModelError(
            f"ONNX Runtime cannot be loaded ({error}): install Ripieno again."
        ) from error
    model = read(model)
    manifest = model.manifest
    plays = INTERFACES[manifest.interface].plays
    if plays is None:
        raise ModelError(
            f"The model {manifest.name} plays no role ({manifest.interface}): "
            "`ripieno models` lists those that do."
        )
    with naming(manifest.name):
        shelf = {} if shelf is None else shelf
        kept = shelf.get((manifest.sha256, provider))
        loaded = sessions.Loaded(model, provider) if kept is None else kept.twin()
        shelf.setdefault((manifest.sha256, provider), loaded)
        loaded.warm_up()
        mind: ModelMind = resolve_name(plays)(loaded)
    why = loaded.choice.why
    if both_are_installed():
        why += "; two ONNX Runtime packages are installed: see `ripieno doctor`"
    sha256 = manifest.sha256
    return mind, Ready(manifest.name, sha256, loaded.provider, why, manifest.roles)


def minds_for(
    model: str, provider: str, block: Block, library: Library | None = None
) -> Minds:
    """Return minds that play a role by the named model if it can, else by its own.

    The supervisor is told of each model that is loaded. While one is loading, the
    process need not say that it is alive for `LOADING_NS`: a large model on a cold GPU
    takes tens of seconds.

    Args:
        model: a name or a folder; empty for each role's own model.
        provider: auto, cpu or cuda.
        block: the shared block.
        library: the models; a new one if None.
    """
    library, clock, shelf = library or Library(), SystemClock(), Shelf()
    notices, inbox = block.ring("thinker_notes"), block.ring("to_thinker")

    def show(ready: Ready) -> None:
        notices.write(notes.encode(ready))

    def wake_for(role: str) -> tuple[ModelMind, Ready]:
        block.set_word("thinker_beat_ns", clock.now_ns() + LOADING_NS)
        found = chosen(library, role, model)
        mind, ready = wake(found, provider, shelf)
        show(ready)
        if not isinstance(mind, Composer):
            return mind, ready
        rungs = [Rung(mind, ready), *_lighter(library, role, found, shelf)]
        return Ladder(rungs, now_ns=clock.now_ns, is_news=is_news), ready

    def is_news() -> bool:
        return not inbox.is_empty

    def is_interrupted() -> bool:
        alive_ns = block.word("thinker_beat_ns")
        return is_news() or clock.now_ns() - alive_ns >= CHECK_NS

    return Minds(wake_for, show, is_interrupted)


def chosen(library: Library, role: str, model: str) -> Model:
    """Return the named model if it plays a role, else the role's own.

    Raises:
        ModelError: there is no such model, or none that plays the role.
    """
    is_named = model and role in library.read(find(model)).manifest.roles
    return library.for_role(role, model if is_named else "")


def check_plays(library: Library, model: str, roles: Iterable[str]) -> None:
    """Check that a model that was named plays one of the roles.

    Raises:
        ModelError: it plays none of them, or cannot be read.
    """
    if model and not set(library.read(find(model)).manifest.roles) & set(roles):
        for role in roles:
            library.for_role(role, model)  # says what it plays


def _lighter(library: Library, role: str, named: Model, shelf: Shelf) -> list[Rung]:
    """Return the role's own model, on the CPU, if another one was named.

    It runs on the CPU so that it is there even when a GPU goes away.
    """
    with contextlib.suppress(ModelError):
        own = library.for_role(role)
        if own.manifest.sha256 != named.manifest.sha256:
            mind, ready = wake(own, "cpu", shelf)
            return [Rung(mind, ready)] if isinstance(mind, Composer) else []
    return []
