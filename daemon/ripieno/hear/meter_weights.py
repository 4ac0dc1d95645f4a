"""The weights of `ripieno.hear.meters`.

``python -m ripieno_export.judge.metres`` learns and prints them, from development
pieces (decision 28).
"""

from typing import Final, NamedTuple


class Weights(NamedTuple):
    """A linear model with a softmax over metres.

    Attributes:
        shared: of the features; the same for all metres.
        of_meters: metre → what is added for each root of a beat that was heard, and
            what is added once.
    """

    shared: tuple[float, ...]
    of_meters: dict[str, tuple[float, float]]


LEARNED: Final = Weights(
    shared=(
        0.84, 0.18, 0.74, -1.41, 0.0,  # onsets by place
        0.07, -0.18, -0.6, -1.35, 0.0,  # lengths by place
        2.59, 2.31, 1.04,  # rhythms that return after 1, 2, 4 bars
        0.16, 1.23, 1.05,  # pitches that do
    ),
    of_meters={
        "4/4": (0.51, 0.44),
        "2/4": (-0.11, -0.29),
        "3/4": (0.19, -0.02),
        "6/8": (0.24, 0.57),
        "9/8": (0.12, -0.23),
        "12/8": (-0.97, -0.21),
        "5/4": (-0.12, 0.17),
        "7/8": (0.15, -0.21),
        "7/8=3+2+2": (-0.01, -0.22),
    },
)  # fmt: skip
