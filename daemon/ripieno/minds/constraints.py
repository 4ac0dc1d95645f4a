"""What the machine may play next, as hard masks over the vocabulary.

Scale, register, polyphony, density and the end of the phrase decide which keys may go
down; only keys that the machine holds may come up. All of it is known before anything
is sampled, so one model step gives an event that is allowed. Pedals are the human's.
"""

from collections import deque
from typing import Final

import numpy as np

from ripieno.inference.controls import Bools, Masks
from ripieno.layouts.vocabulary import (
    DELTA_EDGES_S,
    N_DELTAS,
    N_KEYS,
    N_PITCHES,
    N_SOURCES,
    N_VELOCITIES,
    SIMULTANEOUS_S,
    delta_of,
    up,
)
from ripieno.music.sources import MACHINE
from ripieno.protocol import Limits

LONGEST_REST_S: Final = 1.6
"""The longest gap inside a reply; a longer one sounds like its end."""


class Constraints:
    """The limits of one plan. Cost of `masks`: O(vocabulary).

    Attributes:
        pitches: those that are allowed, rising.
        quotable: those that may be quoted: where no scale is set, what was played.
    """

    def __init__(self, limits: Limits, scale: frozenset[int]) -> None:
        self._limits = limits
        self._allowed = np.zeros(N_PITCHES, np.bool_)
        for pitch in range(limits.low, limits.high + 1):
            self._allowed[pitch] = pitch % 12 in scale
        if not self._allowed.any():  # a register narrower than the scale's steps
            self._allowed[limits.low : limits.high + 1] = True
        self.pitches: list[int] = np.flatnonzero(self._allowed).tolist()
        register = range(limits.low, limits.high + 1)
        self.quotable = list(register) if limits.scale is None else self.pitches
        self._onsets: deque[float] = deque()
        self._source = np.zeros(N_SOURCES, np.bool_)
        self._source[MACHINE] = True
        self._velocity = np.ones(N_VELOCITIES, np.bool_)

    def started(self, at_s: float) -> None:
        """Count an onset of the plan; onsets within 10 ms count as one."""
        if not self._onsets or at_s - self._onsets[-1] >= SIMULTANEOUS_S:
            self._onsets.append(at_s)

    def next_onset_s(self, now_s: float) -> float:
        """Return the earliest time at which the density allows another onset."""
        density = self._limits.density
        window_s = max(1.0, 1.0 / density)
        room = max(1, int(density * window_s))
        while self._onsets and self._onsets[0] <= now_s - window_s:
            self._onsets.popleft()
        if len(self._onsets) < room:
            return now_s
        return self._onsets[-room] + window_s

    def masks(
        self, now_s: float, deadlines: dict[int, float], *, may_start: bool
    ) -> Masks | None:
        """Return masks for the event after `now_s`, or None if nothing is allowed.

        Args:
            now_s: the time of the plan's last event.
            deadlines: pitch → latest end, of the machine's notes that sound.
            may_start: whether a new note may start.
        """
        keys = np.zeros(N_KEYS, np.bool_)
        delta = np.ones(N_DELTAS, np.bool_)
        delta[delta_of(LONGEST_REST_S) + 1 :] = False
        overdue = [p for p, at_s in deadlines.items() if at_s <= now_s + SIMULTANEOUS_S]
        for pitch in overdue or deadlines:
            keys[up(pitch)] = True
        if overdue:
            delta[1:] = False
        else:
            if deadlines:
                delta[delta_of(min(deadlines.values()) - now_s) + 1 :] = False
            if may_start:
                self._let_start(now_s, deadlines, keys, delta)
        return (self._source, delta, keys, self._velocity) if keys.any() else None

    def _let_start(
        self, now_s: float, deadlines: dict[int, float], keys: Bools, delta: Bools
    ) -> None:
        """Allow keys to go down if polyphony and density do."""
        next_s = self.next_onset_s(now_s)
        is_late_enough = next_s <= now_s or not deadlines
        if len(deadlines) >= self._limits.polyphony or not is_late_enough:
            return
        keys[:N_PITCHES] = self._allowed
        keys[list(deadlines)] = False
        soonest = int(np.searchsorted(DELTA_EDGES_S, next_s - now_s))
        delta[:soonest] = False
        delta[min(soonest, N_DELTAS - 1)] |= not delta.any()

    def first(self, wait_s: float) -> Masks:
        """Return masks for a plan's first event: a note `wait_s` after the last."""
        delta = np.zeros(N_DELTAS, np.bool_)
        delta[delta_of(wait_s)] = True
        keys = np.zeros(N_KEYS, np.bool_)
        keys[:N_PITCHES] = self._allowed
        return self._source, delta, keys, self._velocity
