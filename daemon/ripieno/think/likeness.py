"""The *likeness* interface: windows of music → embeddings, and how alike pieces are.

The graph maps a fixed batch of rolls (`ripieno.music.likeness`) to embeddings of unit
length; the cosine of two says how alike two windows are. Two pieces are as alike as
the windows of the one find their likes in the other, together with what both are on
the whole; the windows that are nearest say where.

It knows no file and no library of them.
"""

from typing import Final

import msgspec
import numpy as np
import numpy.typing as npt

from ripieno.music.likeness import Rolls
from ripieno.think.graph import Graph

Embeddings = npt.NDArray[np.float32]
"""Unit vectors, [W, D]; one a window."""

WHOLE: Final = 0.5
"""How much of a likeness is the pieces' means', the rest being the windows'."""


class Likeness(msgspec.Struct, frozen=True):
    """How alike two pieces are.

    Attributes:
        likeness: -1 … 1; a piece and its copy have 1.
        here: the first piece's window that is most like one of the second's.
        there: that window of the second.
        cosine: how alike those two are, -1 … 1.
    """

    likeness: float
    here: int
    there: int
    cosine: float


class Encoder:
    """Embeds windows by a loaded graph. Thread: one."""

    def __init__(self, graph: Graph) -> None:
        """Take a graph of the *likeness* interface."""
        self._graph = graph
        self._batch = len(graph.put["roll"])

    def embed(self, rolls: Rolls) -> Embeddings:
        """The embeddings of windows: [W, 2, 32, 72] → [W, D]."""
        into, out = self._graph.put["roll"], self._graph.out["embedding"]
        found = np.zeros((len(rolls), out.shape[1]), np.float32)
        for first in range(0, len(rolls), self._batch):
            part = rolls[first : first + self._batch]
            into[: len(part)] = part
            self._graph.run()
            found[first : first + len(part)] = out[: len(part)]
        return found


def style_of(windows: Embeddings) -> Embeddings:
    """A piece's own embedding: the mean of its windows', of unit length again; [D]."""
    mean = windows.mean(0)
    return np.asarray(mean / max(float(np.linalg.norm(mean)), 1e-9), np.float32)


def compare(first: Embeddings, second: Embeddings) -> Likeness:
    """How alike two pieces are, and where most.

    Args:
        first: the windows of one piece, [W, D], at least one.
        second: the windows of another, [V, D], at least one.
    """
    alike = first @ second.T  # [W, V]
    here, there = np.unravel_index(int(alike.argmax()), alike.shape)
    found = float(alike.max(1).mean() + alike.max(0).mean()) / 2
    whole = float(style_of(first) @ style_of(second))
    return Likeness(
        WHOLE * whole + (1 - WHOLE) * found,
        int(here),
        int(there),
        float(alike[here, there]),
    )
