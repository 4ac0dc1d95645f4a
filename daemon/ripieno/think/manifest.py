"""What a model says of itself: `models/<name>/manifest.json`, and when it is refused.

A model is a folder: `model.onnx`, `manifest.json`, `golden.npz`, `README.md` (a card).
The manifest is checked before ONNX Runtime sees the graph: the file's hash, then the
vocabulary's fingerprint, then (by `ripieno.think.session`) the graph's inputs and
outputs. Anything that does not match is refused with a sentence that says what to do.

This module does not know ONNX Runtime: it reads two files and compares.
"""

import hashlib
import os
import sysconfig
from pathlib import Path
from typing import Final

import msgspec

from ripieno.errors import ModelError
from ripieno.music import vocabulary

MANIFEST: Final = "manifest.json"
GRAPH: Final = "model.onnx"
GOLDEN: Final = "golden.npz"
CARD: Final = "README.md"


class Tensor(msgspec.Struct, frozen=True):
    """One input or output of the graph.

    Attributes:
        name: as in the graph.
        dtype: numpy's name for it (``float32``, ``int64``, ``bool``).
        shape: all sizes fixed; the batch is 1.
    """

    name: str
    dtype: str
    shape: tuple[int, ...]


class Source(msgspec.Struct, frozen=True):
    """Where training data came from, so that a listener can be told."""

    name: str
    licence: str
    origin: str
    commit: str
    pieces: int


class Sampling(msgspec.Struct, frozen=True):
    """The defaults that the model's makers liked, one number per event field."""

    temperature: tuple[float, float, float, float] = (1.0, 1.0, 1.0, 1.0)
    top_p: tuple[float, float, float, float] = (1.0, 1.0, 1.0, 1.0)


class Manifest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The model contract, version 1.

    Attributes:
        name: the folder's name.
        family: ``gru``, ``lstm``, …
        interface: ``step``: (event, state, controls) → (event, state).
        roles: the roles that this model can play.
        vocabulary: its name, for people.
        fingerprint: `ripieno.music.vocabulary.fingerprint` when it was trained.
        inputs, outputs: the graph's, in its own order.
        state: pairs (input name, output name) that carry the state.
        context_events: how many past events can matter; 0 for no limit.
        parameters: how many numbers were learned.
        licence: SPDX name for the weights.
        sources: the music it was trained on.
        quality: measured figures by name; see the card for their meaning.
        sampling: defaults.
        sha256: of `model.onnx`.
    """

    name: str
    family: str
    interface: str
    roles: tuple[str, ...]
    vocabulary: str
    fingerprint: str
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]
    state: tuple[tuple[str, str], ...]
    context_events: int
    parameters: int
    licence: str
    sources: tuple[Source, ...]
    quality: dict[str, float]
    sampling: Sampling
    sha256: str
    contract: int = 1


def digest(path: Path) -> str:
    """The SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def load(folder: Path) -> Manifest:
    """Read a model's manifest and check its files against it.

    Raises:
        ModelError: something is missing, damaged, changed, or from another vocabulary.
    """
    path = folder / MANIFEST
    if not folder.is_dir():
        raise ModelError(
            f"There is no model folder {folder}; `ripieno models` lists what is there."
        )
    try:
        manifest = msgspec.json.decode(path.read_bytes(), type=Manifest)
    except OSError as error:
        raise ModelError(
            f"The model {folder} has no readable {MANIFEST} ({error.strerror}); "
            "copy the whole folder again."
        ) from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ModelError(
            f"{path} is not a manifest that this release understands ({error}); "
            "publish the model again with this release's ripieno-export."
        ) from error
    _check(manifest, folder)
    return manifest


def _check(manifest: Manifest, folder: Path) -> None:
    if manifest.contract != 1 or manifest.interface != "step":
        raise ModelError(
            f"The model {folder.name} speaks contract {manifest.contract} "
            f"({manifest.interface}); this daemon speaks contract 1 (step). "
            "Use the Ripieno release that it was made for."
        )
    if manifest.fingerprint != vocabulary.fingerprint():
        raise ModelError(
            f"The model {folder.name} was trained on another vocabulary "
            f"({manifest.fingerprint}; this daemon reads {vocabulary.fingerprint()}). "
            "Train and publish it again with this release's ripieno-export."
        )
    graph = folder / GRAPH
    if not graph.is_file():
        raise ModelError(f"{graph} is missing; copy the whole model folder again.")
    if (found := digest(graph)) != manifest.sha256:
        raise ModelError(
            f"{graph} is not the file that its manifest describes (SHA-256 "
            f"{found[:12]}…, expected {manifest.sha256[:12]}…). "
            "It was damaged or replaced: copy the whole model folder again."
        )


def folders() -> tuple[Path, ...]:
    """Where models are looked for: RIPIENO_MODELS, the checkout, the data folder."""
    places = [
        Path(__file__).parents[3] / "models",
        Path(sysconfig.get_path("data")) / "share" / "ripieno" / "models",
    ]
    if (extra := os.environ.get("RIPIENO_MODELS")) is not None:
        places.insert(0, Path(extra))
    return tuple(place for place in places if place.is_dir())


def installed() -> tuple[Path, ...]:
    """Every model folder found, the first of each name, sorted by name."""
    found: dict[str, Path] = {}
    for place in folders():
        for path in sorted(place.glob(f"*/{MANIFEST}")):
            found.setdefault(path.parent.name, path.parent)
    return tuple(found[name] for name in sorted(found))


def find(name: str) -> Path:
    """The folder of a model, given its name or a path to it.

    Raises:
        ModelError: there is none; the message names those that there are.
    """
    if os.sep in name or Path(name).is_dir():
        return Path(name)
    for path in installed():
        if path.name == name:
            return path
    names = ", ".join(path.name for path in installed()) or "none is installed"
    raise ModelError(f"There is no model called {name!r} (there is: {names}).")
