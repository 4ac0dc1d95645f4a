"""Model folders: what `manifest.json` says, and when a model is refused.

A model is a folder: `manifest.json`, a card (`README.md`), `figures.json`, and the
files that the manifest names: `model.onnx` and further graphs, or tables, and for
likeness `runs.npy`. `golden.npz` is for the tests and `weights.npz` for fine-tuning;
neither is read here.

`load` checks the contract, the layout's fingerprint and the hash of each named file
before ONNX Runtime sees a graph. `ripieno.inference.session` then checks the graphs'
inputs and outputs. A refusal is a sentence that says what to do.
"""

import hashlib
import math
import os
import sysconfig
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final

import msgspec

from ripieno.errors import ModelError
from ripieno.inference.interfaces import INTERFACES
from ripieno.settings.paths import is_file, is_folder, read_file

MANIFEST: Final = "manifest.json"
GRAPH: Final = "model.onnx"
GOLDEN: Final = "golden.npz"
RUNS: Final = "runs.npy"
TABLES: Final = "tables.npz"
CARD: Final = "README.md"
LARGEST_BYTES: Final = 1024 * 1024
"""The limit for a manifest, which has some kilobytes."""
LARGEST_GRAPH_BYTES: Final = 4 * 1024**3
"""The limit for a graph. Its hash takes seconds; a model that large cannot keep up."""
MOST_NUMBERS: Final = 2**26
"""The limit for a tensor: 256 MiB, as each one gets a buffer."""

Text = Annotated[str, msgspec.Meta(max_length=1000)]
"""Text for people. It may hold anything: `settings.output` makes it safe to print."""
Name = Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
Count = Annotated[int, msgspec.Meta(ge=0, le=10**12)]
Sha256 = Annotated[str, msgspec.Meta(pattern=r"\A[0-9a-f]{64}\Z")]
Temperature = Annotated[float, msgspec.Meta(ge=0.01, le=10)]
"""The musician's knob multiplies it by 0.1 … 2. Graphs use at least 1e-4."""
TopP = Annotated[float, msgspec.Meta(gt=0, le=1)]
Size = Annotated[int, msgspec.Meta(ge=1, le=MOST_NUMBERS)]
State = Annotated[tuple[tuple[Name, Name], ...], msgspec.Meta(max_length=256)]


class Tensor(msgspec.Struct, frozen=True):
    """One input or output of the graph.

    Attributes:
        name: as in the graph.
        dtype: numpy's name for it (``float32``, ``int64``, ``bool``).
        shape: all sizes fixed; the batch is 1.
    """

    name: Name
    dtype: Name
    shape: tuple[Size, ...]

    def __post_init__(self) -> None:
        """Refuse a tensor that is too large."""
        if len(self.shape) > 8 or math.prod(self.shape) > MOST_NUMBERS:
            raise ValueError(
                f"The shape {self.shape} has more than 8 sizes, or more than "
                f"{MOST_NUMBERS} numbers"
            )


Tensors = Annotated[tuple[Tensor, ...], msgspec.Meta(max_length=256)]


class Part(msgspec.Struct, frozen=True):
    """A graph: its tensors, its state and its file's hash."""

    inputs: Tensors
    outputs: Tensors
    state: State
    sha256: Sha256


PartName = Annotated[str, msgspec.Meta(pattern=r"\A[A-Za-z0-9_-]{1,60}\Z")]
"""The name of a graph's file without the ending."""


class Runs(msgspec.Struct, frozen=True):
    """The runs of intervals of a *likeness* model; see `ripieno.similarity.runs`.

    Attributes:
        weight: of the runs; the graph has the weight 1.
        sha256: of `runs.npy`.
    """

    weight: Annotated[float, msgspec.Meta(ge=0, le=100)]
    sha256: Sha256


class Source(msgspec.Struct, frozen=True):
    """Where training data came from."""

    name: Text
    licence: Text
    origin: Text
    commit: Text
    pieces: Count


class Sampling(msgspec.Struct, frozen=True):
    """The model's sampling defaults, one number per event field."""

    temperature: tuple[Temperature, Temperature, Temperature, Temperature] = (
        1.0, 1.0, 1.0, 1.0,
    )  # fmt: skip
    top_p: tuple[TopP, TopP, TopP, TopP] = (1.0, 1.0, 1.0, 1.0)


class Manifest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The model contract, version 1.

    Attributes:
        name: the folder's name.
        family: ``gru``, ``lstm``, …
        interface: a row of `INTERFACES`.
        roles: what it can play.
        vocabulary: the layout's name, for people.
        fingerprint: of the layout when it was trained.
        inputs, outputs: of `model.onnx`, in its order; none for tables.
        state: pairs (input name, output name).
        context_events: how many past events can matter, at least 2; 0 for no limit.
        parameters: how many numbers were learned.
        licence: SPDX name for the weights.
        sources: the music it was trained on.
        quality: measured figures by name; see the card for their meaning.
        sampling: defaults.
        sha256: of `model.onnx`, or of `tables.npz`.
        more: other graphs in the folder, by name; `<name>.onnx`.
        runs: of the *likeness* interface alone.
    """

    name: Name
    family: Name
    interface: Name
    roles: tuple[Name, ...]
    vocabulary: Name
    fingerprint: Name
    inputs: Tensors
    outputs: Tensors
    state: State
    context_events: Annotated[int, msgspec.Meta(ge=0, le=2**16)]
    parameters: Count
    licence: Text
    sources: tuple[Source, ...]
    quality: dict[Name, float]
    sampling: Sampling
    sha256: Sha256
    more: Annotated[dict[PartName, Part], msgspec.Meta(max_length=16)] = {}
    runs: Runs | None = None
    contract: int = 1

    @property
    def file(self) -> str:
        """The name of the file whose hash is `sha256`."""
        return GRAPH if INTERFACES[self.interface].graphs else TABLES

    @property
    def parts(self) -> dict[str, Part]:
        """All graphs by name, ``model`` first; none for tables."""
        if not INTERFACES[self.interface].graphs:
            return {}
        model = Part(self.inputs, self.outputs, self.state, self.sha256)
        return {"model": model, **self.more}


def digest(path: Path) -> str:
    """Return the SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def load(folder: Path) -> Manifest:
    """Read a model's manifest and check the folder's files against it.

    Raises:
        ModelError: a file is missing, damaged or changed, or the layout is another one.

    Cost: hashes every file that the manifest names.
    """
    path = folder / MANIFEST
    if not is_folder(folder):
        raise ModelError(
            f"There is no model folder {folder}; `ripieno models` lists what is there."
        )
    try:
        manifest = msgspec.json.decode(read_file(path, LARGEST_BYTES), type=Manifest)
    except OSError as error:
        raise ModelError(
            f"The model {folder} has no readable {MANIFEST} ({error.strerror}); "
            "copy the whole folder again."
        ) from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ModelError(
            f"{path} is not a manifest that this release understands ({error}); "
            "publish the model again with this release's ripieno-export."
        ) from error
    _check(manifest, folder)
    return manifest


def _check(manifest: Manifest, folder: Path) -> None:
    interface = INTERFACES.get(manifest.interface)
    if manifest.contract != 1 or interface is None:
        raise ModelError(
            f"The model {folder.name} speaks contract {manifest.contract} "
            f"({manifest.interface}); this daemon speaks contract 1 "
            f"({', '.join(INTERFACES)}). "
            "Use the Ripieno release that it was made for."
        )
    if manifest.fingerprint != (fingerprint := interface.fingerprint()):
        raise ModelError(
            f"The model {folder.name} was trained on another vocabulary "
            f"({manifest.fingerprint}; this daemon reads {fingerprint}). "
            "Train and publish it again with this release's ripieno-export."
        )
    _check_file(folder / manifest.file, manifest.sha256)
    for name, part in manifest.more.items():
        _check_file(folder / f"{name}.onnx", part.sha256)
    if manifest.runs is not None:
        _check_file(folder / RUNS, manifest.runs.sha256)


def _check_file(path: Path, sha256: str) -> None:
    if not is_file(path):
        raise ModelError(f"{path} is missing; copy the whole model folder again.")
    if path.resolve().parent != path.parent.resolve():
        raise ModelError(
            f"{path} is a link to a file outside of the model's folder; put the file "
            "itself there."
        )
    if path.stat().st_size > LARGEST_GRAPH_BYTES:
        raise ModelError(
            f"{path} is larger than {LARGEST_GRAPH_BYTES:,} bytes; use a smaller model."
        )
    if (found := digest(path)) != sha256:
        raise ModelError(
            f"{path} is not the file that its manifest describes (SHA-256 "
            f"{found[:12]}…, expected {sha256[:12]}…). "
            "It was damaged or replaced: copy the whole model folder again."
        )


def folders() -> tuple[Path, ...]:
    """Return where models are looked for: RIPIENO_MODELS, checkout, data folder."""
    places = [
        Path(__file__).parents[3] / "models",
        Path(sysconfig.get_path("data")) / "share" / "ripieno" / "models",
    ]
    if (extra := os.environ.get("RIPIENO_MODELS")) is not None:
        places.insert(0, Path(extra))
    return tuple(place for place in places if is_folder(place))


def installed() -> tuple[Path, ...]:
    """Return every model folder, the first of each name, sorted by name."""
    found: dict[str, Path] = {}
    for place in reversed(folders()):
        found |= {path.parent.name: path.parent for path in place.glob(f"*/{MANIFEST}")}
    return tuple(found[name] for name in sorted(found))


def find(name: str) -> Path:
    """Return the folder of a model, given its name or a path; nothing is read.

    Raises:
        ModelError: there is none; the message names those that there are.
    """
    if os.sep in name or is_folder(Path(name)):
        return Path(name)
    found = {path.name: path for path in installed()}
    if name in found:
        return found[name]
    names = ", ".join(found) or "none is installed"
    raise ModelError(f"There is no model called {name!r} (there is: {names}).")


@dataclass(frozen=True, slots=True)
class Model:
    """A model folder whose files were checked against its manifest."""

    folder: Path
    manifest: Manifest


def read(model: Model | Path) -> Model:
    """Return a model as it is; read and check it first where a folder is given.

    Raises:
        ModelError: see `load`.
    """
    return model if isinstance(model, Model) else Model(model, load(model))


class Library:
    """Finds models, and reads and hashes each folder once. Thread: one."""

    def __init__(self) -> None:
        """Begin without having read anything."""
        self._models: dict[Path, Model] = {}

    def read(self, folder: Path) -> Model:
        """Return the model of a folder.

        Raises:
            ModelError: see `load`. A failure is not kept: the next call tries again.
        """
        if folder not in self._models:
            self._models[folder] = read(folder)
        return self._models[folder]

    def for_role(self, role: str, name: str = "") -> Model:
        """Return the model that plays a role: the one named, or the first found.

        A damaged folder is passed over if another one plays the role.

        Raises:
            ModelError: there is no such model, or it does not play this role.
        """
        if name:
            model = self.read(find(name))
            if role in (roles := model.manifest.roles):
                return model
            raise ModelError(
                f"The model {model.folder.name} does not play the role {role!r} "
                f"(it plays: {', '.join(roles) or 'none'})."
            )
        damaged: ModelError | None = None
        for folder in installed():
            try:
                model = self.read(folder)
            except ModelError as error:
                damaged = damaged or error
                continue
            plays = INTERFACES[model.manifest.interface].plays
            if plays and role in model.manifest.roles:
                return model
        raise damaged or ModelError(
            f"No model is installed that plays the role {role!r}; "
            "`ripieno models` lists what is there."
        )


def for_role(role: str, name: str = "") -> Model:
    """Return the model that plays a role; see `Library.for_role`."""
    return Library().for_role(role, name)
