"""What each step of an event model has to respect: masks, temperatures and noise."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from ripieno.layouts.vocabulary import SIZES

Floats = npt.NDArray[np.float32]
Bools = npt.NDArray[np.bool_]
Masks = tuple[Bools, ...]
"""True where a value is allowed, one a field; shapes (2,), (121,), (260,), (33,)."""

State = tuple[Floats, ...]
"""A copy of a recurrent state, one array per state tensor."""


def everything() -> Masks:
    """Return masks that allow all."""
    return tuple(np.ones(size, np.bool_) for size in SIZES)


@dataclass(slots=True)
class Controls:
    """The controls of one step, one entry per event field.

    Attributes:
        masks: what is allowed; each must allow something.
        temperature: divides the logits, 1e-4 at least.
        top_p: keeps the smallest set of likeliest choices that holds this share.
        noise: uniform numbers in [0, 1).
    """

    masks: Masks = field(default_factory=everything)
    temperature: Sequence[float] = (1.0, 1.0, 1.0, 1.0)
    top_p: Sequence[float] = (1.0, 1.0, 1.0, 1.0)
    noise: Sequence[float] = (0.5, 0.5, 0.5, 0.5)
