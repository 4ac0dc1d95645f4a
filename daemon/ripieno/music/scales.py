"""Scales, and the key of what was heard.

A scale is a `frozenset` of pitch classes 0 … 11 (C is 0).
"""

import math
import re
from collections.abc import Iterable, Sequence
from typing import Final

CHROMATIC: Final = frozenset(range(12))

STEPS: Final[dict[str, tuple[int, ...]]] = {
    "major": (0, 2, 4, 5, 7, 9, 11),
    "minor": (0, 2, 3, 5, 7, 8, 10),
    "harmonic minor": (0, 2, 3, 5, 7, 8, 11),
    "melodic minor": (0, 2, 3, 5, 7, 9, 11),
    "dorian": (0, 2, 3, 5, 7, 9, 10),
    "phrygian": (0, 1, 3, 5, 7, 8, 10),
    "lydian": (0, 2, 4, 6, 7, 9, 11),
    "mixolydian": (0, 2, 4, 5, 7, 9, 10),
    "locrian": (0, 1, 3, 5, 6, 8, 10),
    "major pentatonic": (0, 2, 4, 7, 9),
    "minor pentatonic": (0, 3, 5, 7, 10),
    "blues": (0, 3, 5, 6, 7, 10),
    "whole tone": (0, 2, 4, 6, 8, 10),
}

LETTERS: Final = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
NAMES: Final = ("C", "Db", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B")

# Krumhansl & Kessler 1982, probe-tone profiles.
MAJOR_PROFILE: Final = (
    6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88,
)  # fmt: skip
MINOR_PROFILE: Final = (
    6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17,
)  # fmt: skip


def named(name: str) -> frozenset[int]:
    """Return the pitch classes of a scale such as ``F# dorian`` or ``Bb major``.

    Raises:
        ValueError: there is no such scale; the message lists all.
    """
    match = re.fullmatch(r"\s*([A-Ga-g])([#b]?)\s+(.+?)\s*", name)
    steps = STEPS.get(match[3].lower()) if match else None
    if match is None or steps is None:
        raise ValueError(
            f"{name!r} is not a scale; write a tonic and one of: {', '.join(STEPS)}"
        )
    tonic = LETTERS[match[1].upper()] + {"#": 1, "b": -1, "": 0}[match[2]]
    return frozenset((tonic + step) % 12 for step in steps)


def key_of(weights: Sequence[float]) -> tuple[int, str] | None:
    """Return the key that fits what was heard best, or None for silence.

    Args:
        weights: how much of each pitch class was heard, 12 numbers.

    Returns:
        The tonic's pitch class, and ``major`` or ``minor``.

    Source: the Krumhansl-Schmuckler algorithm (correlation with probe tones).
    """
    if not any(weights):
        return None
    fits = [
        (_correlation([*weights[tonic:], *weights[:tonic]], profile), tonic, mode)
        for mode, profile in (("major", MAJOR_PROFILE), ("minor", MINOR_PROFILE))
        for tonic in range(12)
    ]
    _, tonic, mode = max(fits)
    return tonic, mode


def heard(pitches: Iterable[int]) -> frozenset[int]:
    """Return the scale of some pitches: their key's notes, and those played often.

    Minor keys have both sevenths. For fewer than five notes it is `CHROMATIC`.
    """
    classes = [pitch % 12 for pitch in pitches]
    weights = [float(classes.count(pc)) for pc in range(12)]
    key = key_of(weights)
    if key is None or len(classes) < 5:
        return CHROMATIC
    tonic, mode = key
    steps = STEPS[mode] if mode == "major" else (*STEPS["minor"], 11)
    often = {pc for pc in range(12) if weights[pc] >= max(2.0, 0.06 * len(classes))}
    return frozenset((tonic + step) % 12 for step in steps) | often


def _correlation(xs: Sequence[float], ys: Sequence[float]) -> float:
    mx, my = math.fsum(xs) / 12, math.fsum(ys) / 12
    dx, dy = [x - mx for x in xs], [y - my for y in ys]
    norm = math.sqrt(math.fsum(x * x for x in dx) * math.fsum(y * y for y in dy))
    dot = math.fsum(x * y for x, y in zip(dx, dy, strict=True))
    return dot / norm if norm else 0.0
