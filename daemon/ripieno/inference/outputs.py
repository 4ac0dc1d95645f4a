"""Checks of every output of a model, after each run.

A graph that is damaged or badly trained returns NaN, infinity, or an event that its
masks forbid. Each is an `OutputError`. The caller makes a sentence of it with
`unusable`, and plays without the model.
"""

import contextlib
from collections.abc import Iterator, Mapping
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from ripieno.errors import ModelError, OutputError

LARGEST: Final = 1e15
"""A larger number counts as infinite; a graph's own masks add 1e9."""
_LARGEST_SQUARE: Final = LARGEST**2


class Finite:
    """A check that all numbers of some arrays are finite.

    Cost of `check`: one dot product an array, 0.4 µs for 300 numbers. `np.isfinite` and
    `all` take 3 µs.
    """

    def __init__(self, arrays: Mapping[str, npt.NDArray[Any]]) -> None:
        """Keep the float arrays among these.

        Args:
            arrays: by name; contiguous, and written in place between two checks.
        """
        self._flat = [
            (name, array.reshape(-1))
            for name, array in arrays.items()
            if array.dtype.kind == "f"
        ]

    def check(self) -> None:
        """Check the arrays as they are now.

        Raises:
            OutputError: a number is NaN, infinite, or beyond `LARGEST`.
        """
        for name, flat in self._flat:
            if flat.dtype == np.float16:  # whose squares overflow from 256 on
                flat = flat.astype(np.float32)  # noqa: PLW2901
            if not np.vdot(flat, flat) < _LARGEST_SQUARE:
                raise OutputError(f"its output {name!r} is not finite")


def check_choice(what: str, value: int, allowed: npt.NDArray[np.bool_]) -> None:
    """Check an index that a model has chosen.

    Args:
        what: its name, for the message.
        value: the index.
        allowed: True where an index may be chosen, shape (n,).

    Raises:
        OutputError: it is out of range, or was not allowed.

    Cost: 0.15 µs.
    """
    if not (0 <= value < len(allowed) and allowed[value]):
        raise OutputError(f"it chose {value} as {what}, which was not allowed")


def unusable(model: str, error: OutputError) -> ModelError:
    """Return an error that names the model and says what to do."""
    return ModelError(
        f"The model {model} does not work ({error}): choose another one, which "
        "`ripieno models` lists, or publish it again."
    )


@contextlib.contextmanager
def naming(model: str) -> Iterator[None]:
    """Turn an `OutputError` of this model into its `unusable` sentence."""
    try:
        yield
    except OutputError as error:
        raise unusable(model, error) from error
