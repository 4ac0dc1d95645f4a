"""What a musician may turn while the music plays: one frozen value, swapped whole.

Every bound stands in `BOUNDS`, read by the check, by the flags and by the README's
table. A value out of its bounds is named together with them.
"""

from typing import Final, Literal, get_args

import msgspec

from ripieno.errors import SettingsError
from ripieno.music import scales
from ripieno.music.plan import FOLLOW_HUMAN, Limits

Role = Literal["answer", "continue"]
ROLES: Final[tuple[str, ...]] = get_args(Role)

BOUNDS: Final[dict[str, tuple[float, float]]] = {
    "temperature": (0.1, 2.0),
    "top_p": (0.05, 1.0),
    "low": (0, 127),
    "high": (0, 127),
    "polyphony": (1, 16),
    "density": (0.25, 40.0),
    "channel": (1, 16),
    "seed": (0, 2**63 - 1),
    "patience": (0.25, 4.0),
    "tightness": (0.0, 1.0),
}


class Params(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How to play.

    Attributes:
        role: ``answer`` replies when a phrase is over; ``continue`` takes over and
            plays on until the human plays.
        temperature: of pitch and loudness; lower is safer, higher is wilder. Rhythm
            keeps the model's own: cooled, it runs away.
        top_p: only the likeliest pitches that make up this share are considered.
        scale: ``auto`` (what the human plays in), ``off``, or a name: ``D dorian``.
        low, high: the lowest and the highest pitch that the machine may play.
        polyphony: how many of its notes may sound at once.
        density: at most so many of its notes a second.
        channel: the MIDI channel it plays on, 1 … 16.
        seed: what chance starts from; None takes a fresh one and writes it down.
        patience: scales the silence that ends a phrase; 1 follows the rhythm heard.
        tightness: how strongly its onsets are drawn to the even grid that you play on;
            0 leaves them as the model wants them. Free playing has no grid.
        thru: whether what comes in also goes out.
    """

    role: Role = "answer"
    temperature: float = 0.9
    top_p: float = 0.95
    scale: str = "auto"
    low: int = 36
    high: int = 96
    polyphony: int = 4
    density: float = 16.0
    channel: int = 1
    seed: int | None = None
    patience: float = 1.0
    tightness: float = 0.7
    thru: bool = False

    def fixed_scale(self) -> frozenset[int] | None:
        """The pitch classes allowed, or None where they follow the human."""
        if self.scale == "auto":
            return None
        return scales.CHROMATIC if self.scale == "off" else scales.named(self.scale)

    def limits(self) -> Limits:
        """The part of it that a plan has to keep."""
        scale = self.fixed_scale()
        return Limits(
            low=self.low,
            high=self.high,
            polyphony=self.polyphony,
            density=self.density,
            scale=FOLLOW_HUMAN if scale is None else sum(1 << pc for pc in scale),
            temperature=self.temperature,
            top_p=self.top_p,
            tightness=self.tightness,
        )


def check(params: Params) -> Params:
    """Return the same value, or say which bound it breaks.

    Raises:
        SettingsError: a value is out of its bounds, with the bounds.
    """
    for name, (low, high) in BOUNDS.items():
        value = getattr(params, name)
        if value is not None and not low <= value <= high:
            raise SettingsError(
                f"{name} is {value}; it must lie between {low} and {high}."
            )
    if params.low > params.high:
        raise SettingsError(
            f"low is {params.low} and high is {params.high}; "
            "low must not be above high."
        )
    try:
        params.fixed_scale()
    except ValueError as error:
        raise SettingsError(f"scale: {error}, or auto, or off.") from error
    return params
