"""A latent → two bars, with the graphs of the phrase model.

One run of *conduct* moves the latent and gives a cue for every step and a first state
for every bar. One run of *model* a sixteenth gives the scores of its token. Sampling is
`ripieno.inference.sampling.sample`. One rule is fixed: a hold needs a note that sounds.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from ripieno.inference.controls import Floats
from ripieno.inference.graph import Graph
from ripieno.inference.sampling import sample
from ripieno.layouts.phrase import FIRST_PITCH, HOLD, PLACES, REST, STEPS, Ints, used

FORBIDDEN: Final = -1e9
"""A bias larger than any logit; an infinity would give NaN in a sum."""
CLOSED: Final = FORBIDDEN / 2
"""A bias below this is a mask."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What is to be written.

    Attributes:
        latent: shape (Z,).
        toward: normal random numbers, shape (Z,): the phrase to move towards.
        distance: how far, 0 … 1.
        turns: how far along each of `ripieno.layouts.phrase.ATTRIBUTES`, −1 … 1.
        meter: index into `ripieno.layouts.phrase.METERS`.
        bias: added to the scores of every step, shape (STEPS, VOCABULARY).
        temperature, top_p: see `ripieno.inference.sampling.sample`.
    """

    latent: Floats
    toward: Floats
    distance: float
    turns: Sequence[float]
    meter: int
    bias: Floats
    temperature: float
    top_p: float


class Writer:
    """Reads and writes segments. Thread: one."""

    def __init__(self, graphs: Mapping[str, Graph]) -> None:
        """Drive ``encode``, ``conduct`` and ``model``, loaded and warm."""
        self._encode, self._conduct = graphs["encode"], graphs["conduct"]
        self._step = graphs["model"]
        self.latent_size = int(self._conduct.put["latent"].shape[1])  # Z

    def read(self, tokens: Ints, meter: int) -> Floats:
        """Return the mean of a segment's latent distribution. Cost: one run."""
        self._encode.put["tokens"][0] = tokens
        self._encode.put["meter"][0] = meter
        self._encode.run()
        return np.array(self._encode.out["mean"][0], np.float32)

    def write(
        self, wish: Wish, before: tuple[int, int], noise: Sequence[float]
    ) -> Ints:
        """Write a segment; return its tokens, shape (STEPS,).

        Args:
            wish: what is to be written.
            before: the token before it, and the token of the last note.
            noise: uniform numbers in [0, 1), one a step.

        Cost: 25 to 33 runs.
        """
        conduct, step = self._conduct, self._step
        conduct.put["latent"][0] = wish.latent
        conduct.put["noise"][0] = wish.toward
        conduct.put["distance"][0] = wish.distance
        conduct.put["moves"][0] = wish.turns
        conduct.put["meter"][0] = wish.meter
        conduct.run()
        found = np.full(STEPS, REST, np.int64)
        token, last = before
        for at in np.flatnonzero(used(wish.meter)).tolist():
            if at % PLACES == 0:
                step.put["state"][0] = conduct.out["begun"][0, at // PLACES]
            step.put["cue"][0] = conduct.out["cues"][0, at]
            step.put["before"][0] = token, last
            step.run()
            scores = step.out["logits"][0] + wish.bias[at]
            is_open = wish.bias[at] > CLOSED
            is_open[HOLD] &= token != REST
            found[at] = token = sample(
                scores, is_open, wish.temperature, wish.top_p, noise[at]
            )
            last = token if token >= FIRST_PITCH else last
        return found
