"""The interface of a loaded graph; `ripieno.inference.bound.Graph` implements it."""

from typing import Any, Protocol, Self

import numpy.typing as npt

from ripieno.inference.controls import State


class Graph(Protocol):
    """Named buffers, and a run. Thread: one.

    Attributes:
        put: the inputs by name, to be written in place.
        out: the outputs of the last run by name.
    """

    put: dict[str, npt.NDArray[Any]]
    out: dict[str, npt.NDArray[Any]]

    def run(self) -> None:
        """Compute the outputs from the inputs, and advance the state."""
        ...

    def reset(self) -> None:
        """Set the state to zero."""
        ...

    def state(self) -> State:
        """Return a copy of the state."""
        ...

    def restore(self, state: State) -> None:
        """Go back to a state that `state` returned."""
        ...


class Twinned(Graph, Protocol):
    """A graph that can be copied; each copy has buffers and a state of its own."""

    def twin(self) -> Self:
        """Return the same graph with buffers of its own."""
        ...

    def follow(self, other: Self, rows: int | None = None, first: int = 0) -> None:
        """Copy a twin's state; of caches, the rows ``first:rows`` (None: all)."""
        ...
