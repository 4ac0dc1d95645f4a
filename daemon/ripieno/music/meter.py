"""Time signatures: bars, and the felt beats in them.

A span is the beat that a player feels and at which an accompanist decides: a quarter
note in 4/4, a dotted quarter in 6/8. In 7/8 the spans of a bar differ in length: 2 + 2
+ 3 eighths, or as the musician says (``7/8=3+2+2``). Spans are counted from 0 at tick
0, where bar 0 begins; what lies before has negative numbers.
"""

import re
from functools import lru_cache
from itertools import accumulate
from math import gcd
from typing import Final

import msgspec

from ripieno.music.timeline import TICKS_PER_BEAT

MOST_NUMERATOR: Final = 16
DENOMINATORS: Final = (2, 4, 8, 16)
LONGEST_GROUP: Final = 4
"""A group of the musician's has at most so many units."""
_SIGNATURE: Final = re.compile(
    r"\s*([0-9]{1,3}|[0-9](?:\s*\+\s*[0-9])+)\s*/\s*([0-9]{1,3})\s*(?:=([0-9+\s]+))?"
)
_IRREGULAR: Final = {1: (1,), 5: (3, 2)}
"""The groups that are not threes, nor twos with a three at the end."""
LONGEST_TICKS: Final = 3 * TICKS_PER_BEAT // 2
"""The longest felt beat, a dotted quarter. Longer groups are felt in quarters: models
know both, and a chord may change on each."""


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
        groups: how many units of ``1 / denominator`` belong together, each 1 … 4; ()
            for the usual ones.

    Raises:
        ValueError: one is out of its bounds, with the bounds.
    """

    numerator: int = 4
    denominator: int = 4
    groups: tuple[int, ...] = ()

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
        are_fit = all(1 <= each <= LONGEST_GROUP for each in self.groups)
        if self.groups and (sum(self.groups) != self.numerator or not are_fit):
            raise ValueError(
                f"the groups of the meter {self} must add up to {self.numerator}, "
                f"with 1 to {LONGEST_GROUP} each."
            )

    @classmethod
    def parse(cls, text: str) -> "Meter":
        """Read a meter such as ``6/8``, ``7/8=3+2+2`` or ``3+2+2/8``.

        It is the inverse of `str`.

        Raises:
            ValueError: it is not a meter; the message has an example.
        """
        found = _SIGNATURE.fullmatch(text)
        if found is None or ("+" in found[1] and found[3]):
            raise ValueError(
                f"{text!r} is not a meter; write one as 4/4 or 6/8, or 7/8=2+2+3."
            )
        over = [int(each) for each in found[1].split("+")]
        if found[3]:
            try:
                groups = [int(each) for each in found[3].split("+")]
            except ValueError:
                raise ValueError(
                    f"{text!r} has no such groups; write them as 7/8=2+2+3."
                ) from None
        else:
            groups = over if len(over) > 1 else []
        meter = cls(sum(over), int(found[2]), tuple(groups))
        usual = cls(meter.numerator, meter.denominator)
        return usual if meter.groups == _groups_of(*usual.signature) else meter

    def __str__(self) -> str:
        groups = "+".join(map(str, self.groups))
        return f"{self.numerator}/{self.denominator}" + (groups and f"={groups}")

    @property
    def signature(self) -> tuple[int, int]:
        """Return numerator and denominator."""
        return self.numerator, self.denominator

    @property
    def bar_ticks(self) -> int:
        """Return the length of a bar."""
        return self.numerator * 4 * TICKS_PER_BEAT // self.denominator

    @property
    def span_ticks(self) -> int:
        """Return the longest length that divides every felt beat.

        Where the felt beats are even, it is theirs.
        """
        return _places_of(self).unit

    @property
    def is_even(self) -> bool:
        """Return whether all felt beats are equally long."""
        return len(set(_places_of(self).lengths)) == 1

    @property
    def starts(self) -> tuple[int, ...]:
        """Return the ticks of a bar on which its felt beats begin."""
        return _places_of(self).starts

    @property
    def strong(self) -> tuple[int, ...]:
        """Return the felt beats of a bar on which a group begins: in 5/4, 0 and 3."""
        return _places_of(self).strong

    @property
    def spans_in_bar(self) -> int:
        """Return the number of felt beats in a bar."""
        return len(_places_of(self).lengths)

    def start_of(self, index: int) -> int:
        """Return the tick on which a span begins."""
        starts = _places_of(self).starts
        bar, place = divmod(index, len(starts))
        return bar * self.bar_ticks + starts[place]

    def ticks_of(self, index: int) -> int:
        """Return the length of a span."""
        lengths = _places_of(self).lengths
        return lengths[index % len(lengths)]

    def index_at(self, ticks: int) -> int:
        """Return the span in which a tick lies."""
        at = self.position(ticks)
        return at.bar * self.spans_in_bar + at.span

    def position(self, ticks: int) -> Position:
        """Return the position of a tick, which may be negative."""
        starts = _places_of(self).starts
        bar, into = divmod(ticks, self.bar_ticks)
        span = sum(start <= into for start in starts) - 1
        return Position(bar, span, into - starts[span])


class _Places(msgspec.Struct, frozen=True):
    """The felt beats of a bar: see `Meter`; `lengths` and `starts` are in ticks."""

    lengths: tuple[int, ...]
    starts: tuple[int, ...]
    strong: tuple[int, ...]
    unit: int


@lru_cache(maxsize=64)
def _places_of(meter: Meter) -> _Places:
    lengths: list[int] = []
    strong: list[int] = []
    unit = 4 * TICKS_PER_BEAT // meter.denominator
    for group in meter.groups or _groups_of(*meter.signature):
        strong.append(len(lengths))
        length = group * unit
        beat = length if length <= LONGEST_TICKS else TICKS_PER_BEAT
        lengths += length // beat * [beat]
    starts = tuple(accumulate(lengths[:-1], initial=0))
    return _Places(tuple(lengths), starts, tuple(strong), gcd(*lengths))


def _groups_of(numerator: int, denominator: int) -> tuple[int, ...]:
    """Return the usual groups of a meter, in its units."""
    if denominator == 2:
        return (1,) * numerator
    if numerator % 3 == 0:
        return (3,) * (numerator // 3)
    if denominator == 16 and numerator % 4 == 0:
        return (4,) * (numerator // 4)
    if numerator in _IRREGULAR:
        return _IRREGULAR[numerator]
    is_odd = numerator % 2
    return (2,) * (numerator // 2 - is_odd) + (3,) * is_odd
