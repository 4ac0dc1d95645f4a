"""A step graph in fewer bits: 8-bit weights for a CPU, half precision for a GPU.

*Eight bits*: every large matrix is stored in blocks of bytes with a scale and a zero
each, and multiplied in integers (MatMulNBits, accuracy level 4). Gemm has no such
kernel: it becomes MatMul and Add. The small maps that end in logits stay as they are.

*Half*: the backbone and its state become float16, which is what ONNX Runtime's CUDA
kernel of GroupQueryAttention computes in. What samples stays in float32: a sum of 260
probabilities does not fit into eleven bits.

Knows ONNX graphs; not what they are for. Changes nothing in place.
"""

import logging
from collections.abc import Iterable
from pathlib import Path
from typing import Final

import numpy as np
import onnx
from onnx import (
    GraphProto,
    ModelProto,
    NodeProto,
    TensorProto,
    helper,
    numpy_helper,
)

BITS: Final = {8: "int8", 16: "fp16"}
"""What each is called in a folder's name."""
BLOCK: Final = 16
"""Weights that share a scale. With 32, 64 and 128 the event GRU agreed with itself
less often (`export/NOTES.md`), and was no faster."""


def in_eight_bits(model: ModelProto) -> ModelProto:
    """The same graph with its large matrices in eight bits."""
    from ripieno.inference import onnx_runtime

    quantizer_class = onnx_runtime.quantizer()
    # It tells of every node that it leaves alone.
    logging.getLogger(quantizer_class.__module__).setLevel(logging.WARNING)
    own = ModelProto()
    own.CopyFrom(model)
    _unfold(own.graph)
    quantizer = quantizer_class(
        own, block_size=BLOCK, bits=8, is_symmetric=False, accuracy_level=4
    )
    quantizer.process()
    found: ModelProto = quantizer.model.model
    return found


def _unfold(graph: GraphProto) -> None:
    """Gemm with a constant matrix, as MatMul and Add; not where logits come out."""
    constants = {tensor.name: tensor for tensor in graph.initializer}
    said = {output.name for output in graph.output}
    nodes: list[NodeProto] = []
    for node in graph.node:
        is_plain = node.op_type == "Gemm" and not said & set(node.output)
        if is_plain and node.input[1] in constants:
            nodes += _apart(graph, node, constants[node.input[1]])
        else:
            nodes.append(node)
    del graph.node[:]
    graph.node.extend(nodes)


def _apart(
    graph: GraphProto, gemm: NodeProto, matrix: onnx.TensorProto
) -> list[NodeProto]:
    """``Gemm(x, W, b)`` with W transposed, in two nodes; W is laid out anew."""
    how = {a.name: helper.get_attribute_value(a) for a in gemm.attribute}
    assert how.get("transB") == 1, "torch exports linear maps so"
    assert how.get("alpha", 1.0) == how.get("beta", 1.0) == 1.0, "and unscaled"
    array = np.ascontiguousarray(numpy_helper.to_array(matrix).T)
    turned = numpy_helper.from_array(array, f"{matrix.name}_turned")
    graph.initializer.remove(matrix)
    graph.initializer.append(turned)
    product = f"{gemm.output[0]}_product"
    return [
        helper.make_node(
            "MatMul", [gemm.input[0], turned.name], [product], f"{gemm.name}_product"
        ),
        helper.make_node(
            "Add", [product, gemm.input[2]], list(gemm.output), f"{gemm.name}_sum"
        ),
    ]


def in_half(
    model: ModelProto, state: Iterable[str], controls: Iterable[str]
) -> ModelProto:
    """The same graph, its backbone in float16.

    Args:
        model: in float32, with the type of every value.
        state: inputs and outputs that become float16 as well; all others stay.
        controls: inputs of sampling; what depends on them stays in float32.
    """
    own = ModelProto()
    own.CopyFrom(model)
    graph, kept = own.graph, set(state)
    fine = _reached(graph, controls)
    rough = [node for node in graph.node if node.name not in fine]
    floats = _floats(graph)
    for node in rough:
        _halve(graph, node)
    said = {value.name for value in graph.output} | {
        name for node in graph.node if node.name in fine for name in node.input
    }
    nodes: list[NodeProto] = []
    for node in graph.node:
        nodes.append(node)
        leaving = set(node.output) & said & floats - kept
        if node.name not in fine:
            nodes += [_widened(name, rough) for name in sorted(leaving)]
    del graph.node[:], graph.value_info[:]
    graph.node.extend(nodes)
    for value in (*graph.input, *graph.output):
        if value.name in kept:
            value.type.tensor_type.elem_type = TensorProto.FLOAT16
    _swept(graph)
    return own


def _reached(graph: GraphProto, inputs: Iterable[str]) -> set[str]:
    """The names of the nodes that depend on some inputs."""
    values, names = set(inputs), set()
    for node in graph.node:  # in an order in which they can be computed
        if values & set(node.input):
            values |= set(node.output)
            names.add(node.name)
    return names


def _floats(graph: GraphProto) -> set[str]:
    """The names of the values that are float32."""
    values = (*graph.value_info, *graph.input, *graph.output)
    return {v.name for v in values if v.type.tensor_type.elem_type == TensorProto.FLOAT}


def _halve(graph: GraphProto, node: NodeProto) -> None:
    """A node whose constants, and whose attributes, are float16."""
    constants = {tensor.name: tensor for tensor in graph.initializer}
    for place, name in enumerate(node.input):
        constant = constants.get(name)
        if constant is None or constant.data_type != TensorProto.FLOAT:
            continue
        half = f"{name}_half"
        if half not in constants:
            array = numpy_helper.to_array(constant).astype(np.float16)
            graph.initializer.append(numpy_helper.from_array(array, half))
        node.input[place] = half
    for attribute in node.attribute:
        if attribute.name == "to" and attribute.i == TensorProto.FLOAT:
            attribute.i = TensorProto.FLOAT16


def _widened(name: str, rough: Iterable[NodeProto]) -> NodeProto:
    """Converts what leaves the float16 nodes to float32, under the same name."""
    half = f"{name}_half"
    for node in rough:
        for names in (node.input, node.output):
            for place, one in enumerate(names):
                if one == name:
                    names[place] = half
    return helper.make_node(
        "Cast", [half], [name], f"{name}_widened", to=TensorProto.FLOAT
    )


def _swept(graph: GraphProto) -> None:
    """Removes constants that nothing reads any more."""
    read = {name for node in graph.node for name in node.input}
    for tensor in [t for t in graph.initializer if t.name not in read]:
        graph.initializer.remove(tensor)


def save(model: ModelProto, path: Path) -> None:
    """Write a graph, self-contained."""
    onnx.checker.check_model(model)
    onnx.save(model, path)
