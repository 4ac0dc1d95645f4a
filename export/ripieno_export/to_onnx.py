"""A trained network → `model.onnx`, one export a process.

torch's exporter keeps state between exports of one process (a dynamic LSTM after a
static one came out static, silently), so `export` runs this module as a child. The
file is self-contained, has fixed shapes and no random nodes.
"""

import contextlib
import io
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Final

import torch

from ripieno.errors import ModelError
from ripieno_export import checkpoint
from ripieno_export.networks.recurrent import EventRecurrent
from ripieno_export.step import StepModule, example_inputs, input_names, output_names

OPSET: Final = 20
"""The oldest opset with all that the graph needs in one node each."""


def network_of(path: Path) -> EventRecurrent:
    """The network in a checkpoint, ready to be run."""
    payload = checkpoint.load(path)
    preset = payload["preset"]
    model = EventRecurrent(preset["cell"], preset["hidden"], preset["layers"])
    model.load_state_dict(payload["model"])
    return model.eval()


def export(weights: Path, graph: Path) -> None:
    """Export in a process of its own.

    Args:
        weights: a checkpoint.
        graph: the ONNX file to write.

    Raises:
        ModelError: the export failed.
    """
    command = [sys.executable, "-m", "ripieno_export.to_onnx", str(weights), str(graph)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode or not graph.is_file():
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise ModelError(
            f"Exporting {weights} failed ({last}); "
            "the network and torch's exporter disagree."
        )


def export_here(weights: Path, graph: Path) -> None:
    """Export in this process; once."""
    model = network_of(weights)
    step = StepModule(model).eval()
    chatter = io.StringIO()
    with (
        warnings.catch_warnings(),
        contextlib.redirect_stdout(chatter),
        torch.no_grad(),
    ):
        # The exporter's own deprecations; ours are errors in the tests.
        warnings.simplefilter("ignore", DeprecationWarning)
        warnings.simplefilter("ignore", FutureWarning)
        torch.onnx.export(
            step,
            example_inputs(model),
            str(graph),
            input_names=input_names(model.cell_name),
            output_names=output_names(model.cell_name),
            opset_version=OPSET,
            dynamo=True,
            external_data=False,
            verbose=False,
        )


if __name__ == "__main__":
    export_here(Path(sys.argv[1]), Path(sys.argv[2]))
