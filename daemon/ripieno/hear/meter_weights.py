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
        0.59, 0.21, 0.69, -1.28, 0.0,  # onsets by place
        0.03, -0.31, -0.8, -1.99, 0.0,  # lengths by place
        2.59, 1.88, 0.92,  # rhythms that return after 1, 2, 4 bars
        0.27, 1.47, 1.19,  # pitches that do
    ),
    of_meters={
        "4/4": (0.56, 0.26),
        "2/4": (-0.09, -0.46),
        "3/4": (0.06, 0.16),
        "6/8": (0.11, 0.8),
        "9/8": (-0.02, -0.08),
        "12/8": (-0.54, -0.32),
        "5/4": (0.24, -0.27),
        "7/8": (-0.12, 0.08),
        "7/8=3+2+2": (-0.2, -0.15),
    },
)  # fmt: skip
