"""What a Markov chain may look at: for each field, several choices of contexts.

A context is a column of small numbers beside the events; a choice orders some of them
from the nearest to the farthest. Keys are tried as they are and as intervals, which
learn in every transposition at once.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from ripieno.layouts.vocabulary import FIELDS, N_DOWN, SIZES
from ripieno_export.dataset import Batch

OUTSIDE: Final = -1
"""The value of a context before a crop's first event."""
FARTHEST: Final = 5

Column = npt.NDArray[np.int16]
"""One small number for each event; millions of them are kept."""
Choices = dict[str, tuple[Column, ...]]


@dataclass(frozen=True, slots=True)
class Problem:
    """One field to predict.

    Attributes:
        name: of the contexts, for people.
        value: what is predicted, per event, shape (N,).
        contexts: the nearest first, each shape (N,).
        size: how many values there are.
    """

    name: str
    value: Column
    contexts: tuple[Column, ...]
    size: int


class Columns:
    """The events of crops as columns, with what came before each.

    Attributes:
        is_down: 1 where a key goes down.
        step: the interval from the key before, and whether it goes down.
        coarse: delta in ten classes.
    """

    def __init__(self, batches: list[Batch]) -> None:
        small = [batch.events.astype(np.int16) for batch in batches]
        self.events = np.concatenate(small)  # [B, T + 1, 4]
        self._real = np.concatenate([batch.real for batch in batches])
        self.source, self.delta, self.key, self.level = (
            self.events[..., field] for field in range(len(FIELDS))
        )
        self.is_down = (self.key < N_DOWN).astype(np.int16)
        pitch = self.key % N_DOWN
        steps = np.diff(pitch, axis=1, prepend=pitch[:, :1])
        self.step = (2 * steps + self.is_down).astype(np.int16)
        self.coarse = (self.delta // 12).astype(np.int16)

    def now(self, column: Column) -> Column:
        """A column at each event that is predicted, shape (N,)."""
        return np.asarray(column[:, 1:][self._real])

    def past(self, column: Column, back: int) -> Column:
        """A column, as it was a number of events before."""
        shifted = np.full_like(column, OUTSIDE)
        shifted[:, back:] = column[:, :-back]
        return self.now(shifted)

    def run(self, column: Column) -> tuple[Column, ...]:
        """A column at each of the last events, the nearest first."""
        return tuple(self.past(column, back) for back in range(1, FARTHEST + 1))

    def touches(self, count: int = 3) -> list[Column]:
        """The velocities of the last downs before each event, the nearest first."""
        place = np.arange(self.events.shape[1])
        last = np.maximum.accumulate(np.where(self.is_down > 0, place, OUTSIDE), axis=1)
        earlier = np.full_like(last, OUTSIDE)
        earlier[:, 1:] = last[:, :-1]
        found, at = [], earlier
        for _ in range(count):
            there = np.take_along_axis(self.level, np.maximum(at, 0), 1)
            found.append(self.now(np.where(at >= 0, there, OUTSIDE).astype(np.int16)))
            before = np.take_along_axis(earlier, np.maximum(at, 0), 1)
            at = np.where(at >= 0, before, OUTSIDE)
        return found


def problems(batches: list[Batch]) -> dict[str, list[Problem]]:
    """Every choice of contexts for each field; ``key by interval`` is apart."""
    columns = Columns(batches)
    choices = {
        "source": _for_source(columns),
        "delta": _for_delta(columns),
        "key": _for_key(columns),
        "key by interval": _for_interval(columns),
        "velocity": _for_velocity(columns),
    }
    found: dict[str, list[Problem]] = {}
    for field, named in choices.items():
        place = FIELDS.index(field.split()[0])
        by_interval = field == "key by interval"
        column = columns.step if by_interval else columns.events[..., place]
        value = columns.now(column)
        size = 2 * SIZES[place] if by_interval else SIZES[place]
        found[field] = [Problem(n, value, c, size) for n, c in named.items()]
    return found


def _for_source(c: Columns) -> Choices:
    near = (c.past(c.source, 1), c.past(c.is_down, 1), c.past(c.coarse, 1))
    far = (c.past(c.source, 2), c.past(c.coarse, 2))
    return {"sources": c.run(c.source), "sources, ups and deltas": near + far}


def _for_delta(c: Columns) -> Choices:
    near = (c.past(c.is_down, 1), c.past(c.delta, 1))
    far = (c.past(c.is_down, 2), c.past(c.delta, 2), c.past(c.key, 1))
    who = (c.now(c.source), c.past(c.source, 1))
    return {
        "deltas": c.run(c.delta),
        "ups, deltas and keys": near + far,
        "deltas by source": (*who, *near, c.past(c.delta, 2)),
    }


def _for_key(c: Columns) -> Choices:
    keys, at_once = c.run(c.key), c.now((c.delta == 0).astype(np.int16))
    return {
        "keys": keys,
        "keys after the delta": (c.now(c.coarse), *keys),
        "keys, at once or not": (keys[0], at_once, *keys[1:]),
    }


def _for_interval(c: Columns) -> Choices:
    was_down, at_once = c.past(c.is_down, 1), c.now((c.delta == 0).astype(np.int16))
    return {
        "intervals": (was_down, *c.run(c.step)),
        "intervals, at once or not": (was_down, at_once, *c.run(c.step)),
    }


def _for_velocity(c: Columns) -> Choices:
    down, touches = c.now(c.is_down), c.touches()
    at_once = c.now((c.delta == 0).astype(np.int16))
    return {
        "last touches": (down, *touches),
        "last touches, at once or not": (down, touches[0], at_once, *touches[1:]),
    }
