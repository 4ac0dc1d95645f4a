"""Bars, and the beats felt in them: a metre is a value over musical time.

A bar is what the signature says; a span is the beat that a player feels and at which
an accompanist decides: a quarter note in 4/4, a dotted quarter in 6/8, an eighth in
7/8, where nothing longer divides the bar. Bar 0 begins at tick 0; ticks before it lie
in negative bars. It knows no tempo.
"""

import re
from typing import Final

import msgspec

from ripieno.music.timeline import TICKS_PER_BEAT

MOST_NUMERATOR: Final = 16
DENOMINATORS: Final = (2, 4, 8, 16)
_SIGNATURE: Final = re.compile(r"\s*([0-9]{1,3})\s*/\s*([0-9]{1,3})\s*")


class Position(msgspec.Struct, frozen=True):
    """Where a tick lies; all count from 0, and only `bar` may be negative.

    Attributes:
        bar: which bar.
        span: which felt beat of the bar.
        tick_in_span: how far into that beat.
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
        """The meter that a musician writes as ``6/8``; the inverse of `str`.

        Raises:
            ValueError: it is not a meter, with what one looks like.
        """
        found = _SIGNATURE.fullmatch(text)
        if found is None:
            raise ValueError(f"{text!r} is not a meter; write one as 4/4 or 6/8.")
        return cls(int(found[1]), int(found[2]))

    def __str__(self) -> str:
        return f"{self.numerator}/{self.denominator}"

    @property
    def bar_ticks(self) -> int:
        """The length of a bar."""
        return self.numerator * 4 * TICKS_PER_BEAT // self.denominator

    @property
    def span_ticks(self) -> int:
        """The length of a felt beat; it divides the bar."""
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
        """How many felt beats a bar has."""
        return self.bar_ticks // self.span_ticks

    def position(self, ticks: int) -> Position:
        """Where a tick lies, before tick 0 too."""
        bar, into = divmod(ticks, self.bar_ticks)
        span, tick_in_span = divmod(into, self.span_ticks)
        return Position(bar, span, tick_in_span)
