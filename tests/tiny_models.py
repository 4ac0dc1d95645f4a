"""Model folders with tiny graphs whose outputs are constants, valid or not."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from tests.command import MODELS

from ripieno.inference.manifest import digest
from ripieno.layouts.vocabulary import N_DOWN

_KINDS = {
    "float32": TensorProto.FLOAT,
    "int32": TensorProto.INT32,
    "int64": TensorProto.INT64,
    "bool": TensorProto.BOOL,
}
OPSET = 17


def constant_model(
    folder: Path,
    name: str,
    *,
    floats: float = 0.0,
    ints: int = 0,
    bad: str = "",
    above: float | None = None,
    obeys: bool = False,
    told: dict[str, Any] | None = None,
    **changes: Any,
) -> Path:
    """Write a model folder like a shipped one, with graphs that return constants.

    Args:
        folder: where the model folder is made.
        name: the shipped model whose manifest is copied.
        floats: the value of every float output that carries no state.
        ints: the value of every integer output.
        bad: the one graph that returns them; the others return zeros. All, if empty.
        above: with a number, float outputs are NaN exactly while the largest absolute
            value of the graph's first float input is above it. A state counts the runs.
        obeys: a step model's event is the lowest that its masks allow; `ints` is not
            used.
        told: the manifest that is written; the shipped model's, if None.
        changes: other entries of the manifest.
    """
    told = told or json.loads((MODELS / name / "manifest.json").read_text())
    made = folder / name
    made.mkdir()
    for part, entry in {"model": told, **told["more"]}.items():
        is_meant = bad in ("", part)
        model = _graph(
            entry,
            floats if is_meant else 0.0,
            ints if is_meant else 0,
            above if is_meant else None,
            obeys=obeys,
        )
        onnx.save(model, made / f"{part}.onnx")
        entry["sha256"] = digest(made / f"{part}.onnx")
    (made / "manifest.json").write_text(json.dumps(told | changes))
    return made


def _graph(
    told: dict[str, Any],
    floats: float,
    ints: int,
    above: float | None,
    *,
    obeys: bool,
) -> onnx.ModelProto:
    state = {out: into for into, out in told["state"]}
    is_cached = any(tensor["name"] == "position" for tensor in told["inputs"])
    nodes, constants = [], []

    def constant(value: Any, dtype: str, label: str) -> str:
        array = np.asarray(value, np.dtype(dtype))
        constants.append(numpy_helper.from_array(array, label))
        return label

    inputs = [t["name"] for t in told["inputs"] if t["dtype"] == "float32"]
    is_limited = above is not None and bool(inputs)
    if is_limited:
        nodes += [
            helper.make_node("Abs", inputs[:1], ["size"]),
            helper.make_node("ReduceMax", ["size"], ["most"], keepdims=0),
            helper.make_node(
                "Sub", [constant(above, "float32", "edge"), "most"], ["left"]
            ),
            helper.make_node("Sqrt", ["left"], ["root"]),
            helper.make_node("Mul", ["root", constant(0, "float32", "zero")], ["odd"]),
        ]
    for tensor in told["outputs"]:
        out, shape = tensor["name"], tensor["shape"]
        if obeys and out == "next_event":
            nodes += _lowest_allowed(out, constant)
            continue
        if out in state:
            step = constant(0 if is_cached else 1, "float32", f"{out}_step")
            nodes.append(helper.make_node("Add", [state[out], step], [out]))
            continue
        is_float = tensor["dtype"] == "float32"
        value = floats if is_float else ints
        full = constant(np.full(shape, value), tensor["dtype"], f"{out}_value")
        if is_float and is_limited:
            nodes.append(helper.make_node("Add", [full, "odd"], [out]))
        else:
            nodes.append(helper.make_node("Identity", [full], [out]))
    graph = helper.make_graph(
        nodes,
        "constants",
        [_side(tensor) for tensor in told["inputs"]],
        [_side(tensor) for tensor in told["outputs"]],
        constants,
    )
    opset = [helper.make_opsetid("", OPSET)]
    return helper.make_model(graph, opset_imports=opset, ir_version=8)


def _lowest_allowed(
    out: str, constant: Callable[[Any, str, str], str]
) -> list[onnx.NodeProto]:
    """Nodes for the lowest source, delta and key; velocity 16 for a key that falls."""
    make, nodes = helper.make_node, []
    for field in ("source", "delta", "key"):
        nodes += [
            make("Cast", [f"mask_{field}"], [f"{field}_ones"], to=TensorProto.FLOAT),
            make("ArgMax", [f"{field}_ones"], [f"{field}_id"], axis=1),
        ]
    first_up = constant([[N_DOWN]], "int64", "first_up")
    level, none = constant([[16]], "int64", "level"), constant([[0]], "int64", "none")
    return [
        *nodes,
        make("Less", ["key_id", first_up], ["is_down"]),
        make("Where", ["is_down", level, none], ["velocity_id"]),
        make(
            "Concat", ["source_id", "delta_id", "key_id", "velocity_id"], [out], axis=1
        ),
    ]


def _side(tensor: dict[str, Any]) -> onnx.ValueInfoProto:
    kind = _KINDS[tensor["dtype"]]
    return helper.make_tensor_value_info(tensor["name"], kind, tensor["shape"])
