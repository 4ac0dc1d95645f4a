"""Whether a model's graphs are what its manifest and its interface say.

Three things must agree: the graph's file, the manifest beside it, and the mind, which
writes and reads tensors by name. The check does not run the model.
"""

from collections.abc import Sequence
from typing import Any, Final

from ripieno.errors import ModelError
from ripieno.inference.interfaces import INTERFACES, Tensors
from ripieno.inference.lines import POSITION, TOTAL
from ripieno.inference.manifest import Manifest, Part, Tensor

_DTYPES: Final = {
    "tensor(float)": "float32",
    "tensor(float16)": "float16",
    "tensor(int32)": "int32",
    "tensor(int64)": "int64",
    "tensor(bool)": "bool",
}
"""ONNX Runtime's names of types → numpy's; models use no others."""
Nodes = Sequence[Any]
"""ONNX Runtime's nodes, with name, type and shape."""
_COPY: Final = "the two files are not from one release: copy the folder again."
_PUBLISH: Final = "publish it again with this release's ripieno-export."


def check_graph(inputs: Nodes, outputs: Nodes, part: Part, name: str) -> None:
    """Check that the nodes of a graph's file are what the manifest says of it.

    Raises:
        ModelError: it is not.
    """
    _check_side("input", inputs, part.inputs)
    _check_side("output", outputs, part.outputs)
    put = {tensor.name: tensor.shape for tensor in part.inputs}
    got = {tensor.name: tensor.shape for tensor in part.outputs}
    for into, out in part.state:
        if not (into in put and out in got and put[into] == got[out]):
            raise ModelError(
                f"The model {name} names a state {into!r} that comes back as "
                f"{out!r}, which its graph has not; publish it again."
            )


def check(manifest: Manifest) -> None:
    """Check that each graph has all that its interface writes and reads.

    Raises:
        ModelError: something is missing, or has another dtype or shape.
    """
    interface, parts = INTERFACES[manifest.interface], manifest.parts
    sizes: dict[str, int] = {}
    for graph, (inputs, outputs) in interface.graphs.items():
        if (part := parts.get(graph)) is None:
            raise ModelError(
                f"The model {manifest.name} has no graph {graph!r}, which the "
                f"{manifest.interface} interface needs; publish it again."
            )
        _check_needed(manifest, "input", inputs, part.inputs, sizes)
        _check_needed(manifest, "output", outputs, part.outputs, sizes)
    if interface.is_stepped:
        _check_window(manifest)


def _check_needed(
    manifest: Manifest,
    side: str,
    needed: Tensors,
    have: tuple[Tensor, ...],
    sizes: dict[str, int],
) -> None:
    there = {tensor.name: tensor for tensor in have}
    for name, wanted in needed.items():
        if (tensor := there.get(name)) is None:
            raise ModelError(
                f"The model {manifest.name} has no {side} {name!r}, which "
                f"the {manifest.interface} interface needs; {_PUBLISH}"
            )
        dtype, *letters = wanted.split()
        shape = tuple(
            int(letter) if letter.isdecimal() else sizes.setdefault(letter, size)
            for letter, size in zip(letters, tensor.shape, strict=False)
        )
        found = (tensor.dtype, len(tensor.shape), tensor.shape)
        if found != (dtype, len(letters), shape):
            raise ModelError(
                f"The model {manifest.name} has an {side} {name!r} that is "
                f"{tensor.dtype} of the shape {tensor.shape}, and the "
                f"{manifest.interface} interface needs {wanted!r}; {_PUBLISH}"
            )


def _check_window(manifest: Manifest) -> None:
    """Check that the caches of a step model are as long as its manifest says."""
    inputs = {tensor.name: tensor for tensor in manifest.inputs}
    rows = manifest.context_events
    states = [inputs[into].shape for into, _ in manifest.state if into in inputs]
    places = {POSITION, TOTAL} & inputs.keys()
    if rows:
        lengths = {shape[-2] if len(shape) > 1 else 0 for shape in states}
        fits = rows > 1 and len(places) == 2 and lengths == {rows}
    else:
        fits = not places
    if not fits:
        raise ModelError(
            f"The model {manifest.name} says that context_events is {rows}, and its "
            f"graph's state has another length; {_PUBLISH}"
        )


def _check_side(side: str, found: Nodes, declared: tuple[Tensor, ...]) -> None:
    nodes = {node.name: node for node in found}
    for tensor in declared:
        if (node := nodes.get(tensor.name)) is None:
            raise ModelError(
                f"The manifest names an {side} {tensor.name!r} that the graph does not "
                f"have; {_COPY}"
            )
        dtype, shape = _DTYPES.get(node.type, node.type), tuple(node.shape)
        if (dtype, shape) != (tensor.dtype, tensor.shape):
            raise ModelError(
                f"The graph's {side} {tensor.name!r} is {dtype} of the shape {shape}, "
                f"the manifest says {tensor.dtype} of {tensor.shape}; {_COPY}"
            )
    if extra := nodes.keys() - {tensor.name for tensor in declared}:
        raise ModelError(
            f"The graph has an {side} {min(extra)!r} that its manifest does not "
            f"name; {_COPY}"
        )
