"""Lines of play: what a step model has heard, one event after another.

``(event, controls) → event``: a line is told what just happened and says what it would
play next. A model has as many lines as are wanted, each with a memory of its own: one
follows what is really played, another is a plan in the making, which begins as a copy
of the first and may be dropped.

A recurrent model's memory is its state. A Transformer's is a window: caches of C
positions, of which the last ones are filled anew in the background, two old events for
every new one, so that no step is ever long; it remembers C / 2 to C events.

Knows graphs by their interface only; no clock, and not ONNX Runtime.
"""

from typing import Final, Protocol, Self

import numpy as np

from ripieno.music.vocabulary import FIELDS, Event
from ripieno.think.controls import Controls, Floats
from ripieno.think.graph import Graph, Twinned

MASKS: Final = tuple(f"mask_{name}" for name in FIELDS)
LOGITS: Final = tuple(f"logits_{name}" for name in FIELDS)
SAMPLED: Final = ("noise", "temperature", "top_p")
POSITION, TOTAL = "position", "total"
"""Where a cache is written next, and how much of it counts then."""
CATCH_UP: Final = 2
"""Old events for every new one: a window that begins three quarters through is whole
when it is needed."""


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

    def logits(self) -> tuple[Floats, ...]:
        """Unmasked logits of the last step."""
        return _logits(self._graph)


class WindowLine:
    """A line through a model with caches of C positions.

    Attributes:
        position: how many events of the window are filled; writing a smaller one goes
            back, at no cost.
    """

    def __init__(self, graph: Twinned, context_events: int) -> None:
        self._front, self._back = graph.twin(), graph.twin()
        self._size, self._half = context_events, context_events // 2
        self._heard = np.zeros((context_events, len(FIELDS)), np.int64)
        self.position = self._caught_up = 0

    def reset(self) -> None:
        """Forget everything."""
        self.position = self._caught_up = 0

    def follow(self, other: Self) -> None:
        """Become a copy of another line. Cost: a copy of what the caches hold."""
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
        if self.position > self._half + self._half // 2:
            self._catch_up()
        return said

    def logits(self) -> tuple[Floats, ...]:
        """Unmasked logits of the last step."""
        return _logits(self._front)

    def _catch_up(self) -> None:
        """Feed the next window with the later half of this one."""
        wanted = self.position - self._half
        for _ in range(min(CATCH_UP, wanted - self._caught_up)):
            event = Event(*self._heard[self._half + self._caught_up].tolist())
            self._at(self._back, self._caught_up, event, _FREE)
            self._caught_up += 1

    def _slide(self) -> None:
        """Go on in the next window, which has heard the later half of this one."""
        while self._caught_up < self.position - self._half:  # only after a rewind
            self._catch_up()
        self._front, self._back = self._back, self._front
        self.position, self._caught_up = self._caught_up, 0
        self._heard[: self.position] = self._heard[self._half :]

    def _at(
        self, graph: Graph, position: int, event: Event, controls: Controls
    ) -> Event:
        graph.put[POSITION][0], graph.put[TOTAL][0] = position, position + 1
        return _step(graph, event, controls)


_FREE: Final = Controls()


def _step(graph: Graph, event: Event, controls: Controls) -> Event:
    put = graph.put
    put["event"][0] = event
    put["noise"][0] = controls.noise
    put["temperature"][0] = controls.temperature
    put["top_p"][0] = controls.top_p
    for name, mask in zip(MASKS, controls.masks, strict=True):
        put[name][0] = mask
    graph.run()
    return Event(*graph.out["next_event"][0].tolist())


def _logits(graph: Graph) -> tuple[Floats, ...]:
    return tuple(graph.out[name][0].copy() for name in LOGITS)
