"""Weights stored in half precision: the same numbers in half the bytes.

The network is rounded to float16 before anything is measured or recorded, so storing it
as float16 loses nothing. The graph widens its constants when it is loaded, and
computes in float32: half precision is slower on a CPU.

Source: `onnx`'s own Cast, which ONNX Runtime folds into constants.
"""

import itertools
from pathlib import Path
from typing import Final, TypeVar

import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import nn

SMALLEST: Final = 1024
"""Numbers; smaller constants stay as they are."""

Module = TypeVar("Module", bound=nn.Module)


@torch.no_grad()
def rounded(module: Module) -> Module:
    """The same module, each weight moved to the nearest float16; in place."""
    for tensor in itertools.chain(module.parameters(), module.buffers()):
        if tensor.is_floating_point():
            tensor.copy_(tensor.half().float())
    return module


def store(path: Path) -> None:
    """Rewrite a graph's large constants as float16, widened by a Cast each."""
    model = onnx.load(path)
    graph, casts = model.graph, []
    for tensor in list(graph.initializer):
        values = numpy_helper.to_array(tensor)
        if tensor.data_type != TensorProto.FLOAT or values.size < SMALLEST:
            continue
        short = f"{tensor.name}_half"
        graph.initializer.remove(tensor)
        graph.initializer.append(numpy_helper.from_array(values.astype("f2"), short))
        casts.append(
            helper.make_node("Cast", [short], [tensor.name], to=TensorProto.FLOAT)
        )
    nodes = [*casts, *graph.node]
    del graph.node[:]
    graph.node.extend(nodes)
    onnx.save(model, path)
