"""A trained network → an ONNX file, one export a process.

torch's exporter keeps state between exports of one process (a dynamic LSTM after a
static one came out static, silently), so `export` runs this module as a child, which
is told what builds the graph's module, by name. The file is self-contained, has fixed
shapes and no random nodes.

This module knows no network.
"""

import contextlib
import io
import subprocess
import sys
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, Protocol

import onnx
import torch
from torch import Tensor, nn

from ripieno.errors import ModelError

OPSET: Final = 20
"""The oldest opset with all that a recurrent graph needs in one node each."""


class Exportable(Protocol):
    """What a `torch.nn.Module` offers besides `forward`, to become a graph."""

    @property
    def opset(self) -> int:
        """Of ONNX, that its nodes need."""
        ...

    @property
    def input_names(self) -> Sequence[str]:
        """The graph's inputs in order."""
        ...

    @property
    def output_names(self) -> Sequence[str]:
        """The graph's outputs in order."""
        ...

    def example_inputs(self) -> tuple[Tensor, ...]:
        """Inputs of the right shapes, all distinct: else the exporter merges them."""
        ...


CHILD: Final = """
import sys
from pathlib import Path
from ripieno_export.to_onnx import export_here
from {module} import {name} as build
weights, graph, *options = sys.argv[1:]
export_here(build(Path(weights), *map(float, options)), Path(graph))
"""
"""What the child runs."""

Build = Callable[..., Exportable]
"""A module's function that makes a module of a checkpoint, and of what else it asks."""


def export(build: Build, weights: Path, graph: Path, *options: float) -> None:
    """Export in a process of its own.

    Args:
        build: makes what is exported; the child imports it by its name.
        weights: a checkpoint.
        graph: the ONNX file to write.
        options: what `build` is given after the checkpoint.

    Raises:
        ModelError: the export failed.
    """
    code = CHILD.format(module=build.__module__, name=build.__qualname__)
    command = [sys.executable, "-c", code, str(weights), str(graph)]
    command += map(repr, options)
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode or not graph.is_file():
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise ModelError(
            f"Exporting {weights} failed ({last}); "
            "the network and torch's exporter disagree."
        )


def export_here(built: Exportable, graph: Path) -> None:
    """Export in this process; once."""
    assert isinstance(built, nn.Module), "what is exported is a torch module"
    with (
        warnings.catch_warnings(),
        contextlib.redirect_stdout(io.StringIO()),
        torch.no_grad(),
    ):
        # The exporter's own deprecations; ours are errors in the tests.
        warnings.simplefilter("ignore", DeprecationWarning)
        warnings.simplefilter("ignore", FutureWarning)
        torch.onnx.export(
            built.eval(),
            built.example_inputs(),
            str(graph),
            input_names=list(built.input_names),
            output_names=list(built.output_names),
            opset_version=built.opset,
            dynamo=True,
            external_data=False,
            verbose=False,
        )
    forget_the_way_here(graph)


def forget_the_way_here(path: Path) -> None:
    """Take the exporter's remarks out of a file: where each node's code lay, and such.

    They are of no use to whoever runs it, and name the folders of whoever made it.
    """
    model = onnx.load(path)
    for graph in (model.graph, *model.functions):
        values = (*graph.input, *graph.output) if graph is model.graph else ()
        for told in (graph, *graph.node, *graph.value_info, *values):
            told.doc_string = ""
            del told.metadata_props[:]
    onnx.save(model, path)
