"""What the band's figures should be, by kind of music.

An aim is a pair of bounds, absolute or relative to the human's figure on the same
pieces. Aims count together: each alone is easy to meet without making better music.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from ripieno_export.judge.figure import Figure

LABELLED: Final = ("pop", "jazz", "dance")
"""Kinds whose pieces have chords."""
ALL: Final = ("pop", "jazz", "art song", "dance", "hymn")

MINUS: Final = "human "
TIMES: Final = "human × "


@dataclass(frozen=True, slots=True)
class Aim:
    """Bounds of a figure.

    Attributes:
        figure: its name.
        kinds: of which it is asked.
        low, high: its bounds; None for none.
        to: how the human's figure enters: empty, `MINUS` (bounds of the difference) or
            `TIMES` (bounds of the ratio).
    """

    figure: str
    kinds: tuple[str, ...]
    low: float | None = None
    high: float | None = None
    to: str = ""

    def is_met(self, band: Figure, human: Figure) -> bool:
        """Whether the band's mean is within the bounds."""
        value = band.mean
        if self.to == MINUS:
            value -= human.mean
        elif self.to == TIMES:
            value /= human.mean or float("nan")
        low = float("-inf") if self.low is None else self.low
        high = float("inf") if self.high is None else self.high
        return low <= value <= high

    def __str__(self) -> str:
        low, high = self.low, self.high
        sign = "+" if self.to == MINUS else ""
        if low is None or high is None:
            bound, mark = (low, "≥") if high is None else (high, "≤")
            return f"{mark} {self.to}{bound:{sign}.2f}"
        return f"{self.to}{low:{sign}.2f} … {high:{sign}.2f}"


AIMS: Final = (
    Aim("one-beat chords", ("pop",), high=0.20),
    Aim("one-beat chords", ("jazz",), high=0.15),
    Aim("one-beat chords", ("dance",), -0.10, 0.10, MINUS),
    Aim("one-beat chords", ("art song",), high=0.30),
    Aim("changes on beat 1", ("pop",), 0.55),
    Aim("changes on beat 1", ("jazz",), 0.60),
    Aim("changes on beat 1", ("dance",), 0.65),
    Aim("changes per bar", LABELLED, 0.85, 1.15, TIMES),
    Aim("root agreement", ("pop",), 0.50),
    Aim("root agreement", ("jazz",), 0.45),
    Aim("root agreement", ("dance",), 0.65),
    Aim("phrase ends V-I", LABELLED, 0.80, 1.30, TIMES),
    Aim("descending fifths", LABELLED, high=0.05, to=MINUS),
    Aim("last note on I or vi", LABELLED, -0.05, to=MINUS),
    Aim("sevenths and suspensions", ("pop",), 0.10),
    Aim("sevenths and suspensions", ("jazz",), 0.50),
    Aim("bass: root on beat 1", LABELLED, 0.95),
    Aim("bass: reference's root", LABELLED, 0.50),
    Aim("bass: off the beat", ALL, high=0.15),
    Aim("bass: shorter than 1/2 beat", ALL, high=0.15),
    Aim("bass: stepwise", ("hymn",), 0.40),
    Aim("bass: stepwise", ("pop", "art song", "dance"), -0.10, 0.10, MINUS),
    Aim("stops within 2 bars", ("dance", "hymn"), 0.90),
    Aim("stops within 4 bars", ("pop", "jazz", "art song"), 0.90),
    Aim("both, within 4 bars", ALL, 0.80),
    Aim("long rests played through", ALL, 0.90),
    Aim("filling", ("pop",), 1.10),
    Aim("memory: returning bars", ALL, 0.80),
    Aim("memory: returning - random", ALL, 0.12),
    Aim("velocity: deviation", ("pop",), 12.0),
    Aim("velocity: with soloist", ("pop",), 0.50),
    Aim("velocity: arc", ("pop",), 0.50),
    Aim("pad doubled by texture", ALL, high=0.25),
    Aim("LG", ("pop",), 0.0, to=MINUS),
    Aim("LG", ("jazz", "art song", "dance", "hymn"), 0.10),
)
"""Source: the targets and guards of the issue on musical form. LG is a lower bound, not
an aim: human chords do not have the highest."""


def aims_of(kind: str, figure: str) -> Iterator[Aim]:
    """What is asked of a figure on a kind of music."""
    return (aim for aim in AIMS if aim.figure == figure and kind in aim.kinds)
