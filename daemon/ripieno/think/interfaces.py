"""What each interface needs of its graphs, and whether a graph is what it says.

Three things must agree: the file, the manifest beside it, and the mind that writes into
the one and reads from the other by name. Nothing is run to find out.

Knows ONNX Runtime by the names and shapes that it tells, no more.
"""

from collections.abc import Sequence
from typing import Any, Final, Protocol

from ripieno.errors import ModelError
from ripieno.think.lines import LOGITS, MASKS, SAMPLED
from ripieno.think.manifest import Manifest, Part, Tensor

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
    "phrase": {
        "encode": (("tokens", "meter"), ("mean",)),
        "conduct": (
            ("latent", "noise", "distance", "moves", "meter"),
            ("cues", "begun"),
        ),
        "model": (("cue", "before", "state"), ("logits",)),
    },
    "likeness": {"model": (("roll",), ("embedding",))},
    "pattern": {"model": (("noise", "chords", "before", "manner"), ("roll", "logits"))},
}
"""What each interface writes into its graphs by name, and reads from them."""

_DTYPES: Final = {
    "tensor(float)": "float32",
    "tensor(float16)": "float16",
    "tensor(int32)": "int32",
    "tensor(int64)": "int64",
    "tensor(bool)": "bool",
}
"""ONNX Runtime's names for numpy's, as far as a step needs them."""


class Sides(Protocol):
    """A loaded graph, as far as it is looked at here."""

    def get_inputs(self) -> Sequence[Any]:
        """Nodes with name, type and shape."""
        ...

    def get_outputs(self) -> Sequence[Any]:
        """Nodes with name, type and shape."""
        ...


def check_graph(session: Sides, part: Part, name: str) -> None:
    """Whether a graph is what its manifest says.

    Raises:
        ModelError: it is not.
    """
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


def check(manifest: Manifest) -> None:
    """Whether each graph has all that its interface writes and reads.

    Raises:
        ModelError: something is missing.
    """
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


def _check_side(side: str, found: Sequence[Any], told: tuple[Tensor, ...]) -> None:
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
