"""A loaded model: all graphs of its folder on one provider."""

import copy
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from ripieno.errors import ModelError
from ripieno.inference import checks, tuning
from ripieno.inference import manifest as manifests
from ripieno.inference.bound import (
    CPU,
    CUDA,
    Graph,
    open_graph,
    runtime_version,
    why_no_cuda,
)
from ripieno.inference.controls import Controls, everything
from ripieno.inference.interfaces import INTERFACES
from ripieno.inference.lines import Scored, line_of
from ripieno.inference.manifest import Model
from ripieno.inference.tuning import Threads
from ripieno.layouts.vocabulary import Event

__all__ = ["Choice", "Graph", "Loaded", "choose_provider", "runtime_version"]

WARM_STEPS: Final = 16


@dataclass(frozen=True, slots=True)
class Choice:
    """The provider that was chosen, and why, in one line."""

    provider: str
    why: str


class Loaded:
    """A model: its manifest, and all of its graphs on one provider.

    Attributes:
        folder: the model's.
        manifest: what it says of itself.
        choice: the provider that runs, and why.
        threads: on the CPU.
        graphs: ``model`` and the names in the manifest's `more`; none for tables.
    """

    def __init__(
        self,
        model: Model | Path,
        provider: str = "auto",
        threads: Threads | None = None,
    ) -> None:
        """Load, check and bind every graph.

        Args:
            model: a model, or a folder, which is read and checked first.
            provider: see `choose_provider`.
            threads: on the CPU; None for what `ripieno doctor --tune` found.

        Raises:
            ModelError: the folder, its manifest or a graph is not as it should be, or
                the provider that was asked for cannot be used.
        """
        model = manifests.read(model)
        self.folder, self.manifest = model.folder, model.manifest
        self.choice = choose_provider(provider)
        self.graphs: dict[str, Graph] = {}
        self.threads = threads or tuning.threads_for(
            self.manifest.sha256, self.choice.provider, tuning.here(runtime_version())
        )
        for name, part in self.manifest.parts.items():
            wanted, path = self.choice.provider, self.folder / f"{name}.onnx"
            graph = open_graph(path, part, wanted, self.manifest.name, self.threads)
            if graph.provider != wanted:
                self.choice = _settle_for(graph.provider, wanted=provider)
            self.graphs[name] = graph
        checks.check(self.manifest)

    def twin(self) -> Self:
        """Return the same model with buffers and a state of its own."""
        other = copy.copy(self)
        other.graphs = {name: graph.twin() for name, graph in self.graphs.items()}
        return other

    @property
    def provider(self) -> str:
        """The provider that ONNX Runtime really uses, as it names it."""
        graphs = self.graphs.values()
        return next((graph.provider for graph in graphs), self.choice.provider)

    def line(self) -> Scored:
        """Return a line that has heard nothing yet; for stepped interfaces only."""
        return line_of(self.graphs["model"], self.manifest.context_events)

    def warm_up(self) -> None:
        """Run every graph, as the first runs allocate and are slow; keep no state.

        For a stepped model no mask allows a zero, so that a graph which always returns
        zeros is found.

        Raises:
            OutputError: the model returns what cannot be used.
        """
        if INTERFACES[self.manifest.interface].is_stepped:
            line, masks = self.line(), everything()
            for mask in masks:
                mask[0] = False
            for _ in range(WARM_STEPS):
                line.step(Event(0, 0, 60, 16), Controls(masks))
            return
        for graph in self.graphs.values():
            graph.warm_up()


def choose_provider(wanted: str) -> Choice:
    """Choose between CUDA and the CPU.

    ONNX Runtime lists the providers that it was built with, and prints errors when one
    does not work. So the driver is tried first.

    Args:
        wanted: ``auto``, ``cpu`` or ``cuda``.

    Raises:
        ModelError: ``cuda`` was asked for and does not work.
    """
    if wanted == "cpu":
        return Choice(CPU, "CPU, as asked")
    missing = why_no_cuda()
    if missing is None:
        return Choice(CUDA, "CUDA: a driver and its libraries work")
    if wanted == "cuda":
        raise ModelError(
            f"CUDA was asked for, but {missing}. "
            "Use --provider auto, or install the driver and ripieno[cuda]."
        )
    return Choice(CPU, f"CPU, because {missing}")


def _settle_for(provider: str, *, wanted: str) -> Choice:
    """Return the choice for a graph that CUDA loaded but could not run."""
    why = "CUDA could not run this graph; recurrent ones need cuDNN: ripieno[cudnn]"
    if wanted == "cuda":
        raise ModelError(f"CUDA was asked for, but {why}.")
    return Choice(provider, f"CPU, because {why}")
