"""Lines: what a step model has heard, one event after another.

``(event, controls) → event``: a line receives what just happened and returns what it
would play next. A model has several lines, each with a memory of its own. One follows
what is really played. Another is a plan in the making: it begins as a copy of the first
and may be dropped. Only what differs is copied: a plan that is begun again one event
later costs one row.

The memory of a recurrent model is its state. That of a Transformer is a window: caches
of C positions. Beside it the next window is filled with the later half of this one: in
`idle` time, else at the latest moment, two old events for every new one. So no step is
long, and it remembers C / 2 to C events.
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
"""The inputs that say which row of a cache is written, and how many rows then count."""
CATCH_UP: Final = 2
"""Old events that are fed with each new one, at most. A step then takes as long as
three; a next window begun at three quarters of this one is complete when it is
needed."""


class Line(Protocol):
    """One line of events through a model. Thread: one."""

    def reset(self) -> None:
        """Forget everything."""
        ...

    def follow(self, other: Self) -> None:
        """Become a copy of another line of the same model."""
        ...

    def step(self, event: Event, controls: Controls) -> Event:
        """Feed what happened; return what comes next.

        Args:
            event: what just happened.
            controls: masks, temperatures and noise for the event that is returned.

        Raises:
            OutputError: the model returned what no event can be.
        """
        ...

    def idle(self) -> bool:
        """Do one step of background work; return whether there was any.

        It changes no result.
        """
        ...


class Scored(Line, Protocol):
    """A line that also gives logits."""

    def logits(self) -> tuple[Floats, ...]:
        """Return unmasked logits per field, each given the fields sampled before."""
        ...


def line_of(graph: Twinned, context_events: int) -> Scored:
    """Return a new line over a loaded graph; `context_events` is 0 for a state."""
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
        """Feed what happened; return what comes next."""
        return _step(self._graph, event, controls)

    def idle(self) -> bool:
        """Return False: a state needs no background work."""
        return False

    def logits(self) -> tuple[Floats, ...]:
        """Return unmasked logits of the last step."""
        return _logits(self._graph)


class _Cache:
    """A graph with a cache, and how many of its rows equal those of another one."""

    def __init__(self, graph: Twinned) -> None:
        self.graph = graph
        self._filled = self._shared = 0
        self.life = self._source_life = 0  # changes when filled rows change
        self.source: _Cache | None = None

    def write(self, row: int) -> None:
        """Prepare to fill a row; the rows after it are void."""
        self.life += row < self._filled
        self._shared = min(self._shared, row)
        self._filled = row + 1

    def follow(self, other: "_Cache", rows: int) -> None:
        """Copy the first rows. Cost: O(rows that differ)."""
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
        """Become a copy of another line. Cost: O(rows that differ)."""
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
        """Feed what happened; return what comes next."""
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
        """Feed an old event to the next window; return whether one was left."""
        if self._caught_up >= self.position - self._half:
            return False
        self._catch_up()
        return True

    def logits(self) -> tuple[Floats, ...]:
        """Return unmasked logits of the last step."""
        return _logits(self._front.graph)

    def _catch_up(self) -> None:
        """Feed the next window with one event of the later half of this one."""
        event = Event(*self._heard[self._half + self._caught_up].tolist())
        self._at(self._back, self._caught_up, event, _FREE)
        self._caught_up += 1

    def _slide(self) -> None:
        """Go on in the next window, which holds the later half of this one."""
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
"""The levels of a note-off, and of a note-on. Graphs choose among these, whatever the
mask says."""


def _step(graph: Graph, event: Event, controls: Controls) -> Event:
    put = graph.put
    put["event"][0] = event
    for name in SAMPLED:
        put[name][0] = getattr(controls, name)
    for name, mask in zip(MASKS, controls.masks, strict=True):
        put[name][0] = mask
    graph.run()
    said = Event(*graph.out["next_event"][0].tolist())
    allowed = (*controls.masks[:3], _VELOCITIES[said.key < N_DOWN])
    for name, value, mask in zip(FIELDS, said, allowed, strict=True):
        check_choice(name, value, mask)
    return said


def _logits(graph: Graph) -> tuple[Floats, ...]:
    return tuple(graph.out[name][0].copy() for name in LOGITS)
