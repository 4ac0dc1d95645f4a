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
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self

import numpy as np
import numpy.typing as npt
import onnxruntime as ort

from ripieno.errors import ModelError
from ripieno.music.vocabulary import Event
from ripieno.think import interfaces
from ripieno.think import manifest as manifests
from ripieno.think.controls import Controls, State
from ripieno.think.lines import POSITION, Scored, line_of
from ripieno.think.manifest import Manifest, Part

_DEVICES: Final = {"CUDAExecutionProvider": "cuda"}


@dataclass(frozen=True, slots=True)
class Choice:
    """The provider that runs, and why, in one line."""

    provider: str
    why: str


class Graph:
    """One ONNX graph with its buffers, allocated and bound once.

    On the CPU an OrtValue shares numpy's memory: writing into `put` is all it takes to
    feed it, and `out` holds what came.

    A state is copied from its output to its input after every run; that of a graph with
    positions is a cache which is written in place: there both are one buffer.

    Thread: one. Cost of a run: one ``run_with_iobinding``, no allocation.

    Attributes:
        put: the inputs by name, the state's too.
        out: the outputs by name.
    """

    def __init__(self, session: ort.InferenceSession, part: Part) -> None:
        """Bind buffers of its own; see `load` and `twin`.

        Args:
            session: that runs it.
            part: what the manifest says of it.
        """
        self._session, self._part = session, part
        is_cached = any(tensor.name == POSITION for tensor in part.inputs)
        self._cached = part.state if is_cached else ()
        self._carried = () if is_cached else part.state
        self.put = {t.name: _zeros(t) for t in part.inputs}
        self.out = {t.name: _zeros(t) for t in part.outputs}
        self.out |= {out: self.put[into] for into, out in self._cached}
        self._binding = session.io_binding()
        self._bind()

    @staticmethod
    def load(path: Path, part: Part, provider: str, name: str) -> "Graph":
        """Load, check and bind.

        Args:
            path: of the ONNX file.
            part: what the manifest says of it.
            provider: as ONNX Runtime names it.
            name: of the model, for messages.

        Raises:
            ModelError: the graph is not what the manifest says.
        """
        session = _open(path, provider)
        interfaces.check_graph(session, part, name)
        is_here = session.get_providers()[0] == "CPUExecutionProvider"
        return (Graph if is_here else FarGraph)(session, part)

    def twin(self) -> Self:
        """The same graph with buffers of its own."""
        return type(self)(self._session, self._part)

    @property
    def provider(self) -> str:
        """The provider that ONNX Runtime really uses, as it names it."""
        return str(self._session.get_providers()[0])

    def run(self) -> None:
        """Outputs from inputs; the state goes on."""
        self._session.run_with_iobinding(self._binding)
        for into, out in self._carried:
            self.put[into][...] = self.out[out]

    def follow(self, other: Self, rows: int | None = None) -> None:
        """Take over a twin's state; of caches, so many positions (None: all)."""
        part = ... if rows is None else (..., slice(rows), slice(None))
        for into, _ in self._part.state:
            self.put[into][part] = other.put[into][part]

    def reset(self) -> None:
        """Forget everything heard."""
        for name, _ in self._part.state:
            self.put[name][...] = 0

    def state(self) -> State:
        """A copy of the state."""
        return tuple(self.put[name].copy() for name, _ in self._part.state)

    def restore(self, state: State) -> None:
        """Go back to a state that `state` returned."""
        for (name, _), array in zip(self._part.state, state, strict=True):
            self.put[name][...] = array

    def warm_up(self, runs: int = 16) -> None:
        """Run on scratch, then forget: the first runs allocate and are slow."""
        state = self.state()
        for _ in range(runs):
            self.run()
        self.restore(state)

    def _bind(self) -> None:
        values = {n: ort.OrtValue.ortvalue_from_numpy(a) for n, a in self.put.items()}
        for name, value in values.items():
            self._binding.bind_ortvalue_input(name, value)
        cached = {out: values[into] for into, out in self._cached}
        for name, array in self.out.items():
            value = cached.get(name) or ort.OrtValue.ortvalue_from_numpy(array)
            self._binding.bind_ortvalue_output(name, value)


class FarGraph(Graph):
    """The same on a device that shares no memory with numpy.

    What is bound there is a copy: inputs are bound anew and outputs fetched at every
    run; caches stay on the device.
    """

    def run(self) -> None:
        """Outputs from inputs; the state goes on."""
        for name, array in self.put.items():
            if name not in self._caches:
                self._binding.bind_cpu_input(name, array)
        self._session.run_with_iobinding(self._binding)
        own = {out for _, out in self._cached}
        for name, value in zip(self.out, self._binding.get_outputs(), strict=True):
            if name not in own:
                self.out[name][...] = value.numpy()
        for into, out in self._carried:
            self.put[into][...] = self.out[out]

    def follow(self, other: Self, rows: int | None = None) -> None:
        """Take over a twin's state, whole."""
        super().follow(other, rows)
        for name, value in self._caches.items():
            value.update_inplace(other._caches[name].numpy())  # a twin

    def _bind(self) -> None:
        device = _DEVICES[self.provider]
        self._caches = {
            into: ort.OrtValue.ortvalue_from_numpy(self.put[into], device, 0)
            for into, _ in self._cached
        }
        for name, value in self._caches.items():
            self._binding.bind_ortvalue_input(name, value)
        cached = {out: self._caches[into] for into, out in self._cached}
        for name in self.out:
            if (value := cached.get(name)) is not None:
                self._binding.bind_ortvalue_output(name, value)
            else:
                self._binding.bind_output(name)


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
            graph = Graph.load(path, part, wanted, m.name)
            if graph.provider != wanted:
                self.choice = _settle_for(graph.provider, wanted=provider)
            self.graphs[name] = graph
        interfaces.check(self.manifest)

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

    def line(self) -> Scored:
        """A line of play that has heard nothing yet."""
        return line_of(self._graph, self.manifest.context_events)

    def warm_up(self, steps: int = 16) -> None:
        """Run on scratch, then forget: the first runs allocate and are slow."""
        line = self.line()
        for _ in range(steps):
            line.step(Event(0, 0, 60, 16), Controls())


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


def _zeros(tensor: manifests.Tensor) -> npt.NDArray[Any]:
    return np.zeros(tensor.shape, np.dtype(tensor.dtype))
