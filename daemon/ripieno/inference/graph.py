"""What a mind asks of a loaded graph; `ripieno.inference.bound.Graph` is one."""

from collections.abc import Mapping
from typing import Any, Protocol, Self

import numpy.typing as npt

from ripieno.inference.controls import State


class Graph(Protocol):
    """Named buffers, and a run. Thread: one."""

    @property
    def put(self) -> Mapping[str, npt.NDArray[Any]]:
        """The inputs, written in place."""
        ...

    @property
    def out(self) -> Mapping[str, npt.NDArray[Any]]:
        """The outputs of the last run."""
        ...

    def run(self) -> None:
        """Outputs from inputs; the state goes on."""
        ...

    def reset(self) -> None:
        """Forget everything."""
        ...

    def state(self) -> State:
        """A copy of the state."""
        ...

    def restore(self, state: State) -> None:
        """Go back to a state."""
        ...


class Twinned(Graph, Protocol):
    """A graph of which there may be several, each with a memory of its own."""

    def twin(self) -> Self:
        """The same graph with buffers of its own."""
        ...

    def follow(self, other: Self, rows: int | None = None, first: int = 0) -> None:
        """Take over a twin's state; of caches, the rows ``first:rows`` (None: all)."""
        ...
