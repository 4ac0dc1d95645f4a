"""Models in ONNX Runtime: graphs with bound buffers, and the *step* interface.

``(event, state, controls) → (event, state)``: the graph is told what just happened,
advances its state, and samples what it would play next under the masks that it is
given. Sampling is inside the graph and its noise is an input, so the same noise gives
the same event on every run. Buffers are allocated once and bound once: on the CPU an
OrtValue shares numpy's memory, so a step writes a few integers and calls ``run``.

This is the only module that imports ONNX Runtime. It knows nothing of music but the
vocabulary's sizes, and nothing of time.
"""

import ctypes
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import onnxruntime as ort

from ripieno.errors import ModelError
from ripieno.music.vocabulary import FIELDS, Event
from ripieno.think import manifest as manifests
from ripieno.think.controls import Controls, Floats, State
from ripieno.think.manifest import Manifest, Part

MASKS: Final = tuple(f"mask_{name}" for name in FIELDS)
LOGITS: Final = tuple(f"logits_{name}" for name in FIELDS)
SAMPLED: Final = ("noise", "temperature", "top_p")
NEEDED: Final[dict[str, dict[str, tuple[tuple[str, ...], tuple[str, ...]]]]] = {
    "step": {"model": (("event", *SAMPLED, *MASKS), ("next_event", *LOGITS))},
    "duet": {
        "model": (
            ("token", "length", "context", "mask", *SAMPLED),
            ("next_token", "next_length"),
        ),
        "harmony": (("rows", "scalars"), ("logits",)),
    },
    "voices": {
        "model": (
            ("melody", "before", "gap_s", "style", "bias", "strictness", *SAMPLED),
            ("voices",),
        ),
    },
}
"""What each interface writes into its graphs by name, and reads from them."""

_DTYPES: Final = {
    "tensor(float)": "float32",
    "tensor(int64)": "int64",
    "tensor(bool)": "bool",
}
"""ONNX Runtime's names for numpy's, as far as a step needs them."""


@dataclass(frozen=True, slots=True)
class Choice:
    """The provider that runs, and why, in one line."""

    provider: str
    why: str


class Graph:
    """One ONNX graph with its buffers, allocated and bound once.

    On the CPU an OrtValue shares numpy's memory: writing into `put` is all it takes to
    feed it, and `out` holds what came.

    Thread: one. Cost of a run: one ``run_with_iobinding``, no allocation.

    Attributes:
        put: the inputs by name, the state's too.
        out: the outputs by name.
    """

    def __init__(self, path: Path, part: Part, provider: str, name: str) -> None:
        """Load, check and bind.

        Args:
            path: of the ONNX file.
            part: what the manifest says of it.
            provider: as ONNX Runtime names it.
            name: of the model, for messages.

        Raises:
            ModelError: the graph is not what the manifest says.
        """
        self._session = _open(path, provider)
        _check_graph(self._session, part, name)
        self._state = part.state
        self.put = {t.name: _zeros(t) for t in part.inputs}
        self.out = {t.name: _zeros(t) for t in part.outputs}
        binding = self._session.io_binding()
        for tensor, array in self.put.items():
            value = ort.OrtValue.ortvalue_from_numpy(array)
            binding.bind_ortvalue_input(tensor, value)
        for tensor, array in self.out.items():
            value = ort.OrtValue.ortvalue_from_numpy(array)
            binding.bind_ortvalue_output(tensor, value)
        self._binding = binding

    @property
    def provider(self) -> str:
        """The provider that ONNX Runtime really uses, as it names it."""
        return str(self._session.get_providers()[0])

    def run(self) -> None:
        """Outputs from inputs; the state goes on."""
        self._session.run_with_iobinding(self._binding)
        for into, out in self._state:
            self.put[into][...] = self.out[out]

    def reset(self) -> None:
        """Forget everything heard."""
        for name, _ in self._state:
            self.put[name][...] = 0

    def state(self) -> State:
        """A copy of the state."""
        return tuple(self.put[name].copy() for name, _ in self._state)

    def restore(self, state: State) -> None:
        """Go back to a state that `state` returned."""
        for (name, _), array in zip(self._state, state, strict=True):
            self.put[name][...] = array

    def warm_up(self, runs: int = 16) -> None:
        """Run on scratch, then forget: the first runs allocate and are slow."""
        state = self.state()
        for _ in range(runs):
            self.run()
        self.restore(state)


class Loaded:
    """A model's folder: its manifest, and all of its graphs on one provider.

    Attributes:
        manifest: what it says of itself.
        choice: the provider that runs, and why.
        graphs: ``model`` and the names in the manifest's `more`; none for tables.
    """

    def __init__(self, folder: Path, provider: str = "auto") -> None:
        """Load, check and bind.

        Raises:
            ModelError: the folder, its manifest or a graph is not what it should be, or
                the provider that was asked for is not there.
        """
        self.manifest: Manifest = manifests.load(folder)
        self.choice = choose_provider(provider)
        m, self.graphs = self.manifest, dict[str, Graph]()
        if m.interface == "tables":
            return
        whole = Part(m.inputs, m.outputs, m.state, m.sha256)
        for name, part in {"model": whole, **m.more}.items():
            path, wanted = folder / f"{name}.onnx", self.choice.provider
            graph = Graph(path, part, wanted, m.name)
            if graph.provider != wanted:
                self.choice = _settle_for(graph.provider, wanted=provider)
            self.graphs[name] = graph
        _check_interface(self.manifest)

    @property
    def provider(self) -> str:
        """The provider that ONNX Runtime really uses, as it names it."""
        graphs = self.graphs.values()
        return next((graph.provider for graph in graphs), self.choice.provider)


class Session(Loaded):
    """A model of the *step* interface. Thread: one."""

    def __init__(self, folder: Path, provider: str = "auto") -> None:
        """Load, check and bind.

        Raises:
            ModelError: as `Loaded`; or it is no step model.
        """
        super().__init__(folder, provider)
        self._graph = self.graphs["model"]

    def reset(self) -> None:
        """Forget everything heard."""
        self._graph.reset()

    def state(self) -> State:
        """A copy of the state."""
        return self._graph.state()

    def restore(self, state: State) -> None:
        """Go back to a state that `state` returned."""
        self._graph.restore(state)

    def step(self, event: Event, controls: Controls) -> Event:
        """Tell the model what happened; get what it would do next.

        Args:
            event: what just happened.
            controls: masks, temperatures and noise for the event that comes back.
        """
        put = self._graph.put
        put["event"][0] = event
        put["noise"][0] = controls.noise
        put["temperature"][0] = controls.temperature
        put["top_p"][0] = controls.top_p
        for name, mask in zip(MASKS, controls.masks, strict=True):
            put[name][0] = mask
        self._graph.run()
        return Event(*self._graph.out["next_event"][0].tolist())

    def logits(self) -> tuple[Floats, ...]:
        """Unmasked logits of the last step, per field, each given the sampled ones."""
        return tuple(self._graph.out[name][0].copy() for name in LOGITS)

    def warm_up(self, steps: int = 16) -> None:
        """Run on scratch, then forget: the first runs allocate and are slow."""
        state = self.state()
        for _ in range(steps):
            self.step(Event(0, 0, 60, 16), Controls())
        self.restore(state)


def runtime_version() -> str:
    """ONNX Runtime's version."""
    return str(ort.__version__)


def choose_provider(wanted: str) -> Choice:
    """Decide between CUDA and the CPU, quietly.

    ONNX Runtime lists the providers that it was built with, not those that work, and
    prints red errors when one does not: the driver is tried first, by itself.

    Args:
        wanted: ``auto``, ``cpu`` or ``cuda``.

    Raises:
        ModelError: ``cuda`` was asked for and cannot be had.
    """
    if wanted == "cpu":
        return Choice("CPUExecutionProvider", "CPU, as asked")
    missing = _why_no_cuda()
    if missing is None:
        return Choice("CUDAExecutionProvider", "CUDA: a driver and its libraries work")
    if wanted == "cuda":
        raise ModelError(
            f"CUDA was asked for, but {missing}. "
            "Use --provider auto, or install the driver and ripieno[cuda]."
        )
    return Choice("CPUExecutionProvider", f"CPU, because {missing}")


def _settle_for(provider: str, *, wanted: str) -> Choice:
    """CUDA loaded, and still could not run this graph."""
    why = "CUDA could not run this graph; recurrent ones need cuDNN: ripieno[cudnn]"
    if wanted == "cuda":
        raise ModelError(f"CUDA was asked for, but {why}.")
    return Choice(provider, f"CPU, because {why}")


def _why_no_cuda() -> str | None:
    if "CUDAExecutionProvider" not in ort.get_available_providers():
        return "this build of ONNX Runtime has no CUDA"
    for library in ("libcuda.so.1", "nvcuda.dll"):
        try:
            ctypes.CDLL(library)
            break
        except OSError:
            continue
    else:
        return "no NVIDIA driver was found"
    try:
        ort.preload_dlls()
    except (OSError, RuntimeError) as error:
        return f"the CUDA libraries do not load ({error})"
    return None


def _open(path: Path, provider: str) -> ort.InferenceSession:
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1  # faster than two up to 5 M parameters
    options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 3
    providers = list(dict.fromkeys([provider, "CPUExecutionProvider"]))
    try:
        return ort.InferenceSession(str(path), options, providers=providers)
    except Exception as error:  # ONNX Runtime's own errors share no nearer base
        first = str(error).splitlines()[0]
        raise ModelError(
            f"{path} is not a graph that ONNX Runtime can run ({first}). "
            "Copy the whole model folder again, or publish it again."
        ) from error


def _check_graph(session: ort.InferenceSession, part: Part, name: str) -> None:
    _check_side("input", session.get_inputs(), part.inputs)
    _check_side("output", session.get_outputs(), part.outputs)
    inputs = {t.name: t for t in part.inputs}
    outputs = {t.name: t for t in part.outputs}
    for into, out in part.state:
        told, comes = inputs.get(into), outputs.get(out)
        if told is None or comes is None or told.shape != comes.shape:
            raise ModelError(
                f"The model {name} names a state {into!r} that comes back as "
                f"{out!r}, which its graph has not; publish it again."
            )


def _check_interface(manifest: Manifest) -> None:
    """Whether each graph has all that its interface writes and reads."""
    whole = Part(manifest.inputs, manifest.outputs, manifest.state, manifest.sha256)
    parts = {"model": whole, **manifest.more}
    for graph, (inputs, outputs) in NEEDED.get(manifest.interface, {}).items():
        part = parts.get(graph)
        if part is None:
            raise ModelError(
                f"The model {manifest.name} has no graph {graph!r}, which the "
                f"{manifest.interface} interface needs; publish it again."
            )
        for side, needed, have in (
            ("input", inputs, part.inputs),
            ("output", outputs, part.outputs),
        ):
            names = {tensor.name for tensor in have}
            if missing := [name for name in needed if name not in names]:
                raise ModelError(
                    f"The model {manifest.name} has no {side} {missing[0]!r}, which "
                    f"the {manifest.interface} interface needs; publish it again with "
                    "this release's ripieno-export."
                )


def _check_side(
    side: str, found: Sequence[Any], told: tuple[manifests.Tensor, ...]
) -> None:
    shapes = {node.name: tuple(node.shape) for node in found}
    dtypes = {node.name: _DTYPES.get(node.type, node.type) for node in found}
    for tensor in told:
        if tensor.name not in shapes:
            raise ModelError(
                f"The manifest names an {side} {tensor.name!r} that the graph does not "
                "have; the two files are not from one release: copy the folder again."
            )
        there = (dtypes[tensor.name], shapes[tensor.name])
        if there != (tensor.dtype, tensor.shape):
            raise ModelError(
                f"The graph's {side} {tensor.name!r} is {there[0]} of the shape "
                f"{there[1]}, the manifest says {tensor.dtype} of {tensor.shape}; "
                "the two files are not from one release: copy the folder again."
            )
    if extra := set(shapes) - {tensor.name for tensor in told}:
        raise ModelError(
            f"The graph has an {side} {min(extra)!r} that its manifest does not "
            "name; the two files are not from one release: copy the folder again."
        )


def _zeros(tensor: manifests.Tensor) -> npt.NDArray[Any]:
    return np.zeros(tensor.shape, np.dtype(tensor.dtype))
