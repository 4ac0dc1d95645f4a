"""Timed channel messages in two arrays.

A file of 15 MB holds five million messages: 700 MB as Python tuples, 60 MB as arrays.
"""

from collections.abc import Iterator, Sequence
from typing import Final, Self, overload

import numpy as np
import numpy.typing as npt

Times = npt.NDArray[np.int64]
Packed = npt.NDArray[np.uint32]

Timed = tuple[int, bytes]
"""A message and its time: (nanoseconds from the start, raw bytes)."""

BLOCK: Final = 4096
"""How many messages an iteration converts to Python values at once."""


class Messages(Sequence[Timed]):
    """Channel messages with their times; an immutable sequence of `Timed`.

    Args:
        at_ns: the time of each, in nanoseconds from the start, shape (N,).
        packed: status × 65536 + first data byte × 256 + second data byte, shape (N,).
            The second data byte is 0 where the message has only one.
    """

    __slots__ = ("at_ns", "packed")

    def __init__(self, at_ns: Times, packed: Packed) -> None:
        self.at_ns = at_ns
        self.packed = packed

    @classmethod
    def merged(cls, parts: Sequence[Self]) -> Self:
        """Return the messages of all parts by time, at one time in the parts' order."""
        if len(parts) == 1:
            return parts[0]
        at_ns = np.concatenate([np.zeros(0, np.int64), *(p.at_ns for p in parts)])
        order = np.argsort(at_ns, kind="stable")
        at_ns = at_ns[order]  # before the other array is made: less memory at once
        packed = np.concatenate([np.zeros(0, np.uint32), *(p.packed for p in parts)])
        return cls(at_ns, packed[order])

    def has_note(self) -> bool:
        """Return whether any is a note-on with a velocity above 0."""
        return bool(((self.packed >> 20 == 0x9) & (self.packed & 0xFF > 0)).any())

    def __len__(self) -> int:
        return len(self.at_ns)

    @overload
    def __getitem__(self, index: int) -> Timed: ...
    @overload
    def __getitem__(self, index: slice) -> "Messages": ...
    def __getitem__(self, index: int | slice) -> "Timed | Messages":
        if isinstance(index, slice):
            return Messages(self.at_ns[index], self.packed[index])
        return int(self.at_ns[index]), _raw(int(self.packed[index]))

    def __iter__(self) -> Iterator[Timed]:
        for start in range(0, len(self), BLOCK):
            block = slice(start, start + BLOCK)
            raws = map(_raw, self.packed[block].tolist())
            yield from zip(self.at_ns[block].tolist(), raws, strict=True)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Sequence):
            return NotImplemented
        return len(self) == len(other) and all(
            one == two for one, two in zip(self, other, strict=True)
        )

    def __hash__(self) -> int:
        return hash(tuple(self))

    def __repr__(self) -> str:
        return f"Messages({list(self)!r})"


def _raw(packed: int) -> bytes:
    """Return a message's bytes; program changes and channel pressures have two."""
    raw = packed.to_bytes(3, "big")
    return raw[:2] if 0xC0 <= raw[0] < 0xE0 else raw
