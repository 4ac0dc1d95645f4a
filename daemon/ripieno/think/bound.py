"""Graphs in ONNX Runtime, with bound buffers: the only module that runs them.

Buffers are allocated once and bound once: on the CPU an OrtValue shares numpy's memory,
so a step writes a few integers and calls ``run``. On a GPU a graph is recorded once and
replayed where it can be (`CapturedGraph`), else it is launched node by node
(`FarGraph`).

It knows nothing of music, and nothing of time.
"""

import ctypes
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any, Final, Self

import numpy as np
import numpy.typing as npt

from ripieno.errors import ModelError, OutputError
from ripieno.think import interfaces
from ripieno.think.controls import State
from ripieno.think.lines import POSITION, TOTAL
from ripieno.think.manifest import Part, Tensor
from ripieno.think.onnx_runtime import ort
from ripieno.think.outputs import Finite
from ripieno.think.tuning import Threads

CPU: Final = "CPUExecutionProvider"
CUDA: Final = "CUDAExecutionProvider"
_DEVICES: Final = {CUDA: "cuda", CPU: "cpu"}


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
        states = {out for _, out in part.state}
        self._finite = Finite({n: a for n, a in self.out.items() if n not in states})
        self.out |= {out: self.put[into] for into, out in self._cached}
        self._binding = session.io_binding()
        self._bind()

    @staticmethod
    def load(
        path: Path, part: Part, provider: str, name: str, threads: Threads | None = None
    ) -> "Graph":
        """Load, check and bind.

        Args:
            path: of the ONNX file.
            part: what the manifest says of it.
            provider: as ONNX Runtime names it.
            name: of the model, for messages.
            threads: on the CPU; one that does not spin by default.

        Raises:
            ModelError: the graph is not what the manifest says.
        """
        if provider != CPU and (captured := CapturedGraph.tried(path, part, provider)):
            return captured
        session = _open(path, provider, threads or Threads())
        interfaces.check_graph(session, part, name)
        is_here = session.get_providers()[0] == CPU
        return (Graph if is_here else FarGraph)(session, part)

    def twin(self) -> Self:
        """The same graph with buffers of its own."""
        return type(self)(self._session, self._part)

    @property
    def provider(self) -> str:
        """The provider that ONNX Runtime really uses, as it names it."""
        return str(self._session.get_providers()[0])

    def run(self) -> None:
        """Outputs from inputs; the state goes on.

        A state is not checked: the outputs that are made from it are.

        Raises:
            OutputError: the graph failed, or an output is not finite.
        """
        try:
            self._launch()
        except Exception as error:  # ONNX Runtime's own errors share no nearer base
            why = first_line(error)
            raise OutputError(f"ONNX Runtime cannot run it: {why}") from error
        self._finite.check()
        for into, out in self._carried:
            self.put[into][...] = self.out[out]

    def _launch(self) -> None:
        """Outputs from inputs."""
        self._session.run_with_iobinding(self._binding)

    def follow(self, other: Self, rows: int | None = None, first: int = 0) -> None:
        """Take over a twin's state; of caches, the rows ``first:rows`` (None: all)."""
        part = ... if rows is None else (..., slice(first, rows), slice(None))
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

    def _launch(self) -> None:
        """Outputs from inputs."""
        for name, array in self.put.items():
            if name not in self._caches:
                self._binding.bind_cpu_input(name, array)
        self._session.run_with_iobinding(self._binding)
        own = {out for _, out in self._cached}
        for name, value in zip(self.out, self._binding.get_outputs(), strict=True):
            if name not in own:
                self.out[name][...] = value.numpy()

    def follow(self, other: Self, rows: int | None = None, first: int = 0) -> None:
        """Take over a twin's state, whole."""
        super().follow(other, rows, first)
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


class CapturedGraph(FarGraph):
    """The same, recorded as one CUDA graph and replayed: nothing is launched by itself.

    What was recorded reads and writes fixed addresses: every buffer is allocated on the
    device once, inputs are copied into theirs. How far the caches count, `TOTAL`, is
    read on the host while it is recorded, so it is frozen at the most; `POSITION` alone
    says what counts. Each twin is a recording of its own.

    The first runs are repeated while it is recorded; they write the same row, or a
    state that is not read yet, so nothing has to be undone.
    """

    def __init__(
        self,
        session: ort.InferenceSession,
        part: Part,
        numbers: Iterator[int] | None = None,
    ) -> None:
        """Bind buffers of its own.

        Args:
            session: that runs it; it was opened to capture.
            part: what the manifest says of it.
            numbers: of the recordings, for all twins together.
        """
        self._numbers = numbers or count(1)
        self._options = ort.RunOptions()
        self._options.add_run_config_entry("gpu_graph_id", str(next(self._numbers)))
        super().__init__(session, part)

    @staticmethod
    def tried(path: Path, part: Part, provider: str) -> "CapturedGraph | None":
        """Load and record it; None where that cannot be, whatever the reason.

        A graph is refused that has loops, or a node that only the CPU has.
        """
        try:
            session = _open(path, provider, Threads(), is_captured=True)
            if session.get_providers()[0] == CPU:
                return None
            interfaces.check_graph(session, part, path.parent.name)
            graph = CapturedGraph(session, part)
            graph.warm_up(3)
        except Exception:  # noqa: BLE001 (ONNX Runtime's own errors share no nearer base)
            return None
        return graph

    def twin(self) -> Self:
        """The same graph with buffers, and a recording, of its own."""
        return type(self)(self._session, self._part, self._numbers)

    def _launch(self) -> None:
        """Outputs from inputs."""
        for name, value in self._fed.items():
            value.update_inplace(self.put[name])
        self._session.run_with_iobinding(self._binding, self._options)
        for name, value in self._said.items():
            self.out[name][...] = value.numpy()

    def _bind(self) -> None:
        device = _DEVICES[self.provider]
        there = {
            name: ort.OrtValue.ortvalue_from_numpy(
                array.copy(), "cpu" if name == TOTAL else device, 0
            )
            for name, array in (self.put | self.out).items()
        }
        self._caches = {into: there[into] for into, _ in self._cached}
        if self._cached:
            rows = self.put[self._cached[0][0]].shape[-2]
            there[TOTAL].update_inplace(np.full_like(self.put[TOTAL], rows))
        kept = {TOTAL, *self._caches, *(out for _, out in self._cached)}
        self._fed = {n: there[n] for n in self.put if n not in kept}
        self._said = {n: there[n] for n in self.out if n not in kept}
        for name in self.put:
            self._binding.bind_ortvalue_input(name, there[name])
        same = {out: there[into] for into, out in self._cached}
        for name in self.out:
            self._binding.bind_ortvalue_output(name, same.get(name, there[name]))


def runtime_version() -> str:
    """ONNX Runtime's version."""
    return str(ort.__version__)


def why_no_cuda() -> str | None:
    """Why there is no CUDA here, for a sentence; None where there is."""
    if CUDA not in ort.get_available_providers():
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


def _open(
    path: Path, provider: str, threads: Threads, *, is_captured: bool = False
) -> ort.InferenceSession:
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads.count
    options.inter_op_num_threads = 1
    spins = str(int(threads.spinning))
    options.add_session_config_entry("session.intra_op.allow_spinning", spins)
    options.log_severity_level = 3
    how = {"enable_cuda_graph": "1"} if is_captured else {}
    providers: list[tuple[str, dict[str, str]]] = [(provider, how)]
    if provider != CPU:
        providers.append((CPU, {}))
    try:
        return ort.InferenceSession(str(path), options, providers=providers)
    except Exception as error:  # ONNX Runtime's own errors share no nearer base
        raise ModelError(
            f"{path} is not a graph that ONNX Runtime can run ({first_line(error)}). "
            "Copy the whole model folder again, or publish it again."
        ) from error


def _zeros(tensor: Tensor) -> npt.NDArray[Any]:
    return np.zeros(tensor.shape, np.dtype(tensor.dtype))


def first_line(error: Exception) -> str:
    """What an error says first; its kind, where it says nothing."""
    return (str(error).splitlines() or [type(error).__name__])[0]
