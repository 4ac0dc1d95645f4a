"""Lines of play: what a step model has heard, one event after another.

``(event, controls) → event``: a line is told what just happened and says what it would
play next. A model has as many lines as are wanted, each with a memory of its own: one
follows what is really played, another is a plan in the making, which begins as a copy
of the first and may be dropped. It copies what differs, no more: a branch that is
dropped, and begun again one event later, costs one row, however long either was.

A recurrent model's memory is its state. A Transformer's is a window: caches of C
positions, beside which the next window is filled with the later half of this one: in
`idle` time, and else at the latest moment, two old events for every new one, so that no
step is ever long. It remembers C / 2 to C events.

Knows graphs by their interface only; no clock, and not ONNX Runtime.
"""

from typing import Final, Protocol, Self

import numpy as np

from ripieno.inference.controls import Controls, Floats
from ripieno.inference.graph import Graph, Twinned
from ripieno.inference.outputs import check_choice
from ripieno.layouts.vocabulary import FIELDS, N_DOWN, N_VELOCITIES, Event

MASKS: Final = tuple(f"mask_{name}" for name in FIELDS)
LOGITS: Final = tuple(f"logits_{name}" for name in FIELDS)
SAMPLED: Final = ("noise", "temperature", "top_p")
POSITION, TOTAL = "position", "total"
"""Where a cache is written next, and how much of it counts then."""
CATCH_UP: Final = 2
"""Old events for every new one at most: a window that begins three quarters through is
whole when it is needed. A step then takes as long as three."""


class Line(Protocol):
    """One line of events through a model. Thread: one."""

    def reset(self) -> None:
        """Forget everything."""
        ...

    def follow(self, other: Self) -> None:
        """Become a copy of another line of the same model."""
        ...

    def step(self, event: Event, controls: Controls) -> Event:
        """Tell what happened; get what comes next.

        Args:
            event: what just happened.
            controls: masks, temperatures and noise for the event that comes back.

        Raises:
            OutputError: the model returned what no event can be.
        """
        ...

    def idle(self) -> bool:
        """Do a step's worth of what would have to be done later; whether there was any.

        Nothing that the line says depends on it.
        """
        ...


class Scored(Line, Protocol):
    """A line that also says how likely it thought everything."""

    def logits(self) -> tuple[Floats, ...]:
        """Unmasked logits of the last step, per field, each given the sampled ones."""
        ...


def line_of(graph: Twinned, context_events: int) -> Scored:
    """A line of its own over a loaded graph; `context_events` is 0 for a state."""
    if context_events:
        return WindowLine(graph, context_events)
    return StateLine(graph)


class StateLine:
    """A line through a recurrent model."""

    def __init__(self, graph: Twinned) -> None:
        self._graph = graph.twin()

    def reset(self) -> None:
        """Forget everything."""
        self._graph.reset()

    def follow(self, other: Self) -> None:
        """Become a copy of another line."""
        self._graph.follow(other._graph)

    def step(self, event: Event, controls: Controls) -> Event:
        """Tell what happened; get what comes next."""
        return _step(self._graph, event, controls)

    def idle(self) -> bool:
        """A state is complete: there is nothing to do."""
        return False

    def logits(self) -> tuple[Floats, ...]:
        """Unmasked logits of the last step."""
        return _logits(self._graph)


class _Cache:
    """A graph with a cache of rows, and up to where they are those of another one."""

    def __init__(self, graph: Twinned) -> None:
        self.graph = graph
        self._filled = self._shared = 0
        self.life = self._source_life = 0  # a new one when what was filled changes
        self.source: _Cache | None = None

    def write(self, row: int) -> None:
        """A row is about to be filled; those after it are void."""
        self.life += row < self._filled
        self._shared = min(self._shared, row)
        self._filled = row + 1

    def follow(self, other: "_Cache", rows: int) -> None:
        """Take over the first rows. Cost: of those that are not the same already."""
        is_known = self.source is other and self._source_life == other.life
        first = min(self._shared, rows) if is_known else 0
        if first < rows:
            self.graph.follow(other.graph, rows, first)
        self.source, self._source_life, self._shared = other, other.life, rows
        self.life += 1
        self._filled = rows


class WindowLine:
    """A line through a model with caches of C positions.

    Attributes:
        position: how many events of the window are filled; `rewind` goes back.
    """

    def __init__(self, graph: Twinned, context_events: int) -> None:
        self._front, self._back = _Cache(graph.twin()), _Cache(graph.twin())
        self._size, self._half = context_events, context_events // 2
        self._heard = np.zeros((context_events, len(FIELDS)), np.int64)
        self.position = self._caught_up = 0

    def reset(self) -> None:
        """Forget everything."""
        self.position = self._caught_up = 0

    def follow(self, other: Self) -> None:
        """Become a copy of another line. Cost: of the rows that differ."""
        if self._back.source is other._front:  # one of the two has slid since
            self._front, self._back = self._back, self._front
        self.position, self._caught_up = other.position, other._caught_up
        self._heard[: self.position] = other._heard[: self.position]
        self._front.follow(other._front, self.position)
        self._back.follow(other._back, self._caught_up)

    def rewind(self, position: int) -> None:
        """Forget the events from a position of the window on. Cost: O(1)."""
        if not 0 <= position <= self.position:
            raise ValueError(f"position is {position}; it is at {self.position}")
        self.position = position
        self._caught_up = min(self._caught_up, max(0, position - self._half))

    def step(self, event: Event, controls: Controls) -> Event:
        """Tell what happened; get what comes next."""
        if self.position == self._size:
            self._slide()
        self._heard[self.position] = event
        said = self._at(self._front, self.position, event, controls)
        self.position += 1
        steps_left = self._size - self.position + 1  # and the one that slides
        for _ in range(self._half - self._caught_up - CATCH_UP * steps_left):
            self._catch_up()
        return said

    def idle(self) -> bool:
        """Feed the next window with an old event, if it has not heard all of them."""
        if self._caught_up >= self.position - self._half:
            return False
        self._catch_up()
        return True

    def logits(self) -> tuple[Floats, ...]:
        """Unmasked logits of the last step."""
        return _logits(self._front.graph)

    def _catch_up(self) -> None:
        """The next window hears one event of the later half of this one."""
        event = Event(*self._heard[self._half + self._caught_up].tolist())
        self._at(self._back, self._caught_up, event, _FREE)
        self._caught_up += 1

    def _slide(self) -> None:
        """Go on in the next window, which has heard the later half of this one."""
        while self.idle():
            pass
        self._front, self._back = self._back, self._front
        self.position, self._caught_up = self._caught_up, 0
        self._heard[: self.position] = self._heard[self._half :]

    def _at(
        self, cache: _Cache, position: int, event: Event, controls: Controls
    ) -> Event:
        cache.write(position)
        put = cache.graph.put
        put[POSITION][0], put[TOTAL][0] = position, position + 1
        return _step(cache.graph, event, controls)


_FREE: Final = Controls()
_VELOCITIES: Final = np.arange(N_VELOCITIES) == 0, np.arange(N_VELOCITIES) > 0
"""The levels of a key that comes up, and of one that goes down. Graphs choose among
these, whatever the mask says."""


def _step(graph: Graph, event: Event, controls: Controls) -> Event:
    put = graph.put
    put["event"][0] = event
    put["noise"][0] = controls.noise
    put["temperature"][0] = controls.temperature
    put["top_p"][0] = controls.top_p
    for name, mask in zip(MASKS, controls.masks, strict=True):
        put[name][0] = mask
    graph.run()
    said = Event(*graph.out["next_event"][0].tolist())
    source, delta, key, _ = controls.masks
    check_choice("source", said.source, source)
    check_choice("delta", said.delta, delta)
    check_choice("key", said.key, key)
    check_choice("velocity", said.velocity, _VELOCITIES[said.key < N_DOWN])
    return said


def _logits(graph: Graph) -> tuple[Floats, ...]:
    return tuple(graph.out[name][0].copy() for name in LOGITS)
