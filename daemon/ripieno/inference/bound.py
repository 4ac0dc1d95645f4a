"""Graphs in ONNX Runtime, with bound buffers: the only module that runs them.

Buffers are allocated once and bound once. How they reach the device is a `Binding`: on
the CPU numpy and ONNX Runtime share the memory; on a GPU a graph is recorded once and
replayed where that works, else launched node by node.
"""

import ctypes
from collections.abc import Callable, Iterator
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any, Final, NamedTuple, Self

import numpy as np
import numpy.typing as npt

from ripieno.errors import ModelError, OutputError
from ripieno.inference import checks
from ripieno.inference.controls import State
from ripieno.inference.lines import POSITION, TOTAL
from ripieno.inference.manifest import Part
from ripieno.inference.onnx_runtime import ort
from ripieno.inference.outputs import Finite
from ripieno.inference.tuning import Threads

CPU: Final = "CPUExecutionProvider"
CUDA: Final = "CUDAExecutionProvider"
_DEVICES: Final = {CUDA: "cuda", CPU: "cpu"}

Arrays = dict[str, npt.NDArray[Any]]
Same = dict[str, str]
"""Output → the input that is the same buffer: the caches are written in place."""


class Graph:
    """One ONNX graph with its buffers, allocated and bound once.

    Write into `put`, call `run`, read `out`. A state is copied from its output to its
    input after every run. A graph with positions writes its caches in place: there the
    input and the output are one buffer.

    Thread: one. Cost of a run: one ``run_with_iobinding``, no allocation.

    Attributes:
        put: the inputs by name, the state's too.
        out: the outputs by name.
    """

    def __init__(self, session: ort.InferenceSession, part: Part, bind: "Bind") -> None:
        """Allocate buffers for a part of a manifest, and bind them with `bind`."""
        self._session, self._part, self._bind = session, part, bind
        self.put: Arrays = {t.name: np.zeros(t.shape, t.dtype) for t in part.inputs}
        self.out: Arrays = {t.name: np.zeros(t.shape, t.dtype) for t in part.outputs}
        states = {out for _, out in part.state}
        self._finite = Finite({n: a for n, a in self.out.items() if n not in states})
        same = {out: into for into, out in part.state} if POSITION in self.put else {}
        self._carried = () if same else part.state
        self.out |= {out: self.put[into] for out, into in same.items()}
        self._binding = bind(session, self.put, self.out, same)

    def twin(self) -> Self:
        """Return the same graph with buffers of its own."""
        return type(self)(self._session, self._part, self._bind)

    @property
    def provider(self) -> str:
        """The provider that ONNX Runtime really uses, as it names it."""
        return str(self._session.get_providers()[0])

    def run(self) -> None:
        """Compute the outputs from the inputs, and advance the state.

        The state is not checked; the outputs that are made from it are.

        Raises:
            OutputError: the graph failed, or an output is not finite.
        """
        try:
            self._binding.launch()
        except Exception as error:  # ONNX Runtime's own errors share no nearer base
            why = first_line(error)
            raise OutputError(f"ONNX Runtime cannot run it: {why}") from error
        self._finite.check()
        for into, out in self._carried:
            self.put[into][...] = self.out[out]

    def follow(self, other: Self, rows: int | None = None, first: int = 0) -> None:
        """Copy a twin's state; of caches, the rows ``first:rows`` (None: all)."""
        part = ... if rows is None else (..., slice(first, rows), slice(None))
        for into, _ in self._part.state:
            self.put[into][part] = other.put[into][part]
        for name, value in self._binding.caches.items():
            value.update_inplace(other._binding.caches[name].numpy())

    def reset(self) -> None:
        """Set the state to zero."""
        for name, _ in self._part.state:
            self.put[name][...] = 0

    def state(self) -> State:
        """Return a copy of the state."""
        return tuple(self.put[name].copy() for name, _ in self._part.state)

    def restore(self, state: State) -> None:
        """Go back to a state that `state` returned."""
        for (name, _), array in zip(self._part.state, state, strict=True):
            self.put[name][...] = array

    def warm_up(self, runs: int = 16) -> None:
        """Run, then restore the state: the first runs allocate and are slow."""
        state = self.state()
        for _ in range(runs):
            self.run()
        self.restore(state)


class Binding(NamedTuple):
    """How the buffers of one graph reach the device that runs it.

    Attributes:
        launch: runs the graph once, from its inputs to its outputs.
        caches: by input, the caches that lie on the device; empty where numpy shares
            their memory.
        fixed: every buffer on the device that `launch` uses again and again.
    """

    launch: Callable[[], None]
    caches: dict[str, ort.OrtValue]
    fixed: tuple[ort.OrtValue, ...] = ()


Bind = Callable[[ort.InferenceSession, Arrays, Arrays, Same], Binding]
"""Binds a graph's inputs and outputs, given by name, and the outputs in place."""


def shared(
    session: ort.InferenceSession, put: Arrays, out: Arrays, same: Same
) -> Binding:
    """Bind on the CPU, where an OrtValue shares numpy's memory: nothing is copied."""
    io = session.io_binding()
    values = {n: ort.OrtValue.ortvalue_from_numpy(a) for n, a in put.items()}
    for name, value in values.items():
        io.bind_ortvalue_input(name, value)
    for name, array in out.items():
        value = ort.OrtValue.ortvalue_from_numpy(array)
        io.bind_ortvalue_output(name, values[same[name]] if name in same else value)
    return Binding(lambda: session.run_with_iobinding(io), {})


def copied(
    session: ort.InferenceSession, put: Arrays, out: Arrays, same: Same
) -> Binding:
    """Bind on a device without shared memory: its caches stay there.

    All other inputs are bound anew and outputs fetched at every run.
    """
    io, device = session.io_binding(), _device_of(session)
    caches = {
        name: ort.OrtValue.ortvalue_from_numpy(put[name], device, 0)
        for name in same.values()
    }
    for name, value in caches.items():
        io.bind_ortvalue_input(name, value)
    for name in out:
        if name in same:
            io.bind_ortvalue_output(name, caches[same[name]])
        else:
            io.bind_output(name)

    def launch() -> None:
        for name, array in put.items():
            if name not in caches:
                io.bind_cpu_input(name, array)
        session.run_with_iobinding(io)
        for name, value in zip(out, io.get_outputs(), strict=True):
            if name not in same:
                out[name][...] = value.numpy()

    return Binding(launch, caches)


def recorded(
    session: ort.InferenceSession,
    put: Arrays,
    out: Arrays,
    same: Same,
    numbers: Iterator[int],
) -> Binding:
    """Bind a graph that is recorded as one CUDA graph and replayed.

    A recording reads and writes fixed addresses: every buffer is allocated on the
    device once, and inputs are copied into theirs. `TOTAL`, how far the caches count,
    is read on the host while it is recorded. So it is fixed at the most, and `POSITION`
    alone says what counts.

    The first runs are repeated while it is recorded. They write the same row, or a
    state that is not read yet, so nothing has to be undone.

    The session was opened to record. Each of its recordings takes the next of
    `numbers`.
    """
    io, device = session.io_binding(), _device_of(session)
    options = ort.RunOptions()
    options.add_run_config_entry("gpu_graph_id", str(next(numbers)))
    there = {
        name: ort.OrtValue.ortvalue_from_numpy(
            array.copy(), "cpu" if name == TOTAL else device, 0
        )
        for name, array in (put | out).items()
    }
    caches = {name: there[name] for name in same.values()}
    if caches:
        rows = put[next(iter(caches))].shape[-2]
        there[TOTAL].update_inplace(np.full_like(put[TOTAL], rows))
    for name in put:
        io.bind_ortvalue_input(name, there[name])
    for name in out:
        io.bind_ortvalue_output(name, there[same.get(name, name)])
    inputs = {n: there[n] for n in put if n not in {TOTAL, *caches}}
    outputs = {n: there[n] for n in out if n not in same}

    def launch() -> None:
        for name, value in inputs.items():
            value.update_inplace(put[name])
        session.run_with_iobinding(io, options)
        for name, value in outputs.items():
            out[name][...] = value.numpy()

    fixed = (*inputs.values(), *outputs.values(), *caches.values())
    return Binding(launch, caches, fixed)


def open_graph(
    path: Path, part: Part, provider: str, name: str, threads: Threads | None = None
) -> Graph:
    """Load a graph, check it, and bind it as its device allows.

    Args:
        path: of the ONNX file.
        part: what the manifest says of it.
        provider: as ONNX Runtime names it.
        name: of the model, for messages.
        threads: on the CPU; one that does not spin by default.

    Raises:
        ModelError: the graph is not what the manifest says.
    """
    if provider != CPU and (graph := maybe_recorded(path, part, provider)):
        return graph
    session = _open(path, provider, threads or Threads())
    checks.check_graph(session.get_inputs(), session.get_outputs(), part, name)
    is_here = session.get_providers()[0] == CPU
    return Graph(session, part, shared if is_here else copied)


def maybe_recorded(path: Path, part: Part, provider: str) -> Graph | None:
    """Load a graph and record it; None where that fails, whatever the reason.

    A graph with loops, or with a node that only the CPU has, cannot be recorded.
    """
    try:
        session = _open(path, provider, Threads(), is_recorded=True)
        if session.get_providers()[0] == CPU:
            return None
        checks.check_graph(
            session.get_inputs(), session.get_outputs(), part, path.parent.name
        )
        graph = Graph(session, part, partial(recorded, numbers=count(1)))
        graph.warm_up(3)
    except Exception:  # noqa: BLE001 (ONNX Runtime's own errors share no nearer base)
        return None
    return graph


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
    path: Path, provider: str, threads: Threads, *, is_recorded: bool = False
) -> ort.InferenceSession:
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads.count
    options.inter_op_num_threads = 1
    spins = str(int(threads.spinning))
    options.add_session_config_entry("session.intra_op.allow_spinning", spins)
    options.log_severity_level = 3
    how = {"enable_cuda_graph": "1"} if is_recorded else {}
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


def _device_of(session: ort.InferenceSession) -> str:
    return _DEVICES[str(session.get_providers()[0])]


def first_line(error: Exception) -> str:
    """What an error says first; its kind, where it says nothing."""
    return (str(error).splitlines() or [type(error).__name__])[0]
