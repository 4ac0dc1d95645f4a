"""Time signatures: bars, and the felt beats in them.

A span is the beat that a player feels and at which an accompanist decides: a quarter
note in 4/4, a dotted quarter in 6/8, an eighth in 7/8, where nothing longer divides the
bar. Bar 0 begins at tick 0; ticks before it lie in negative bars.
"""

import re
from typing import Final

import msgspec

from ripieno.music.timeline import TICKS_PER_BEAT

MOST_NUMERATOR: Final = 16
DENOMINATORS: Final = (2, 4, 8, 16)
_SIGNATURE: Final = re.compile(r"\s*([0-9]{1,3})\s*/\s*([0-9]{1,3})\s*")


class Position(msgspec.Struct, frozen=True):
    """The position of a tick: bar, felt beat of the bar, ticks since that beat.

    All count from 0. Only `bar` may be negative.
    """

    bar: int
    span: int
    tick_in_span: int


class Meter(msgspec.Struct, frozen=True):
    """A time signature.

    Attributes:
        numerator: 1 … 16.
        denominator: one of `DENOMINATORS`.

    Raises:
        ValueError: either is out of its bounds, with the bounds.
    """

    numerator: int = 4
    denominator: int = 4

    def __post_init__(self) -> None:
        if not 1 <= self.numerator <= MOST_NUMERATOR:
            raise ValueError(
                f"the meter {self} has {self.numerator} beats in a bar; "
                f"it must have 1 to {MOST_NUMERATOR}."
            )
        if self.denominator not in DENOMINATORS:
            allowed = ", ".join(map(str, DENOMINATORS))
            raise ValueError(
                f"the meter {self} counts in notes of 1/{self.denominator}; "
                f"it must count in one of {allowed}."
            )

    @classmethod
    def parse(cls, text: str) -> "Meter":
        """Read a meter such as ``6/8``; the inverse of `str`.

        Raises:
            ValueError: it is not a meter; the message has an example.
        """
        found = _SIGNATURE.fullmatch(text)
        if found is None:
            raise ValueError(f"{text!r} is not a meter; write one as 4/4 or 6/8.")
        return cls(int(found[1]), int(found[2]))

    def __str__(self) -> str:
        return f"{self.numerator}/{self.denominator}"

    @property
    def bar_ticks(self) -> int:
        """Return the length of a bar."""
        return self.numerator * 4 * TICKS_PER_BEAT // self.denominator

    @property
    def span_ticks(self) -> int:
        """Return the length of a felt beat, which divides the bar."""
        unit = 4 * TICKS_PER_BEAT // self.denominator
        if self.denominator <= 4:
            return TICKS_PER_BEAT
        if self.numerator % 3 == 0:
            return 3 * unit
        if self.denominator == 8:
            return unit
        return unit * next(n for n in (4, 2, 1) if self.numerator % n == 0)

    @property
    def spans_in_bar(self) -> int:
        """Return the number of felt beats in a bar."""
        return self.bar_ticks // self.span_ticks

    def position(self, ticks: int) -> Position:
        """Return the position of a tick, which may be negative."""
        bar, into = divmod(ticks, self.bar_ticks)
        span, tick_in_span = divmod(into, self.span_ticks)
        return Position(bar, span, tick_in_span)
