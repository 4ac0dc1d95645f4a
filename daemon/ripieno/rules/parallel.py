"""Harmony without a model: the same interval below every note, kept in a scale.

What sounds while the harmonizer's model is not there. It remembers nothing, so it
answers in microseconds and cannot wander. Thirds and sixths are doubled at the octave
rather than stacked: stacked thirds are parallel fifths. ``fauxbourdon`` gives whole
triads in first inversion, a fourth, a sixth and an octave below.

Source: fauxbourdon, 15th century, for triads in parallel without parallel fifths.
Pure functions on pitches; knows no model and no time.
"""

from typing import Final

from ripieno.music.scales import CHROMATIC

KINDS: Final[dict[str, tuple[tuple[int, ...], ...]]] = {
    "thirds": ((3, 4), (12,), (15, 16)),
    "sixths": ((9, 8), (12,), (21, 20)),
    "fauxbourdon": ((5, 6), (9, 8), (12,)),
    "octave": ((12,), (24,), (36,)),
}
"""Semitones below the melody, for each voice from the top, the first choice first."""


def parallel(
    melody: int,
    scale: frozenset[int] = CHROMATIC,
    kind: str = "thirds",
    *,
    voices: int = 1,
    low: int = 0,
    high: int = 127,
) -> tuple[int, ...]:
    """The voices below a melody note, from the top; fewer where there is no room.

    Args:
        melody: its pitch.
        scale: the pitch classes that are wanted; octaves follow the melody out of it.
        kind: one of `KINDS`.
        voices: how many, 1 … 3.
        low: the lowest pitch; a voice below is lifted by octaves, and left out where
            that lifts it to the melody or above.
        high: the highest.

    Raises:
        ValueError: there is no such kind.

    Cost: O(voices); some 8 µs on a busy core.
    """
    if kind not in KINDS:
        raise ValueError(f"{kind!r} is not a kind of parallel: {', '.join(KINDS)}")
    found: list[int] = []
    for steps in KINDS[kind][:voices]:
        pitch = _within(_below(melody, steps, scale), low, high)
        if pitch is not None and pitch < melody and pitch not in found:
            found.append(pitch)
    return tuple(sorted(found, reverse=True))


def _below(melody: int, steps: tuple[int, ...], scale: frozenset[int]) -> int:
    """The melody less the first of the steps that the scale holds.

    A scale that holds none (a pentatonic one) takes the nearest that it does.
    """
    if steps[0] % 12 == 0:
        return melody - steps[0]
    nearby = sorted(range(-2, 4), key=lambda away: (abs(away), away))
    for step in (*steps, *(steps[0] + away for away in nearby)):
        if (melody - step) % 12 in scale:
            return melody - step
    return melody - steps[0]


def _within(pitch: int, low: int, high: int) -> int | None:
    while pitch < low:
        pitch += 12
    while pitch > high:
        pitch -= 12
    return pitch if pitch >= low else None
