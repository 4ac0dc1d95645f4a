"""Voicings: which pitches a chord is played on, moving as little as hands would.

Total functions on values, quick enough for the playing thread. What can be known
beforehand (the positions of a chord in a register) is kept in a cache.

Every function takes `NO_CHORD`; it has no voices, no bass, and moves nothing.
"""

from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import combinations, pairwise, product
from typing import Final

from ripieno.music import chords, scales

Voices = tuple[int, ...]
"""Pitches, rising."""

WIDEST_GAP: Final = 9
"""A major sixth: the widest gap in a triad in open position (C G E)."""
SPAN: Final = 24
"""Two octaves: how far apart the outer voices of two hands' chord may be sought."""
BASS_REGISTER: Final = (36, 50)
"""C2 … D3: where a bass plays roots of its own."""
CHORD_REGISTER: Final = (50, 69)
"""D3 … A4: above the bass and below most melodies."""
SEVENTHS: Final = (10, 11)
FIFTH: Final = 7

_SCALES: Final = {
    "": "major",
    "m": "dorian",
    "7": "mixolydian",
    "maj7": "major",
    "m7": "dorian",
    "sus4": "mixolydian",
    "sus2": "major",
    "dim": "locrian",
    "m7b5": "locrian",
    "dim7": "locrian",
    "aug": "whole tone",
    "6": "major",
}
"""The scale that players put over a chord whose key they do not know.

Source: chord-scale theory, as in Levine 1995, The Jazz Theory Book; but for dim7, where
that says whole-half diminished: locrian keeps to seven degrees, as its neighbours do.
"""
_STEPS: Final = tuple(
    frozenset(scales.STEPS[_SCALES[suffix]]) | frozenset(shape)
    for suffix, shape in chords.SHAPES.items()
)


def voiced(
    chord: int,
    before: Sequence[int],
    low: int,
    high: int,
    voices: int = 4,
    *,
    avoid: frozenset[int] = frozenset(),
) -> Voices:
    """A chord in close or open position, as near to the last one as can be.

    Root and third come first, then the seventh, then the fifth. A fourth voice doubles
    root or fifth, never the third. Where they do not fit there are fewer voices.

    Args:
        chord: what to play.
        before: the pitches that sounded before; none at the beginning.
        low: the lowest pitch allowed.
        high: the highest pitch allowed.
        voices: at most so many.
        avoid: pitch classes that rub against the melody; neither fifth nor seventh,
            nor what is doubled, is one of them.

    Returns:
        Rising pitches. Of equally near ones those nearest to the middle of the
        register.

    Thread: any. Cost: 15 µs; 35 µs when the cache has no positions.
    """
    if chord == chords.NO_CHORD:
        return ()
    centre = sum(before) // len(before) if before else (low + high) // 2
    bottom = max(low, min(centre - SPAN // 2, high - SPAN))
    top = min(high, bottom + SPAN)
    candidates = _positions(chord, bottom, top, voices, avoid)

    def effort(candidate: Voices) -> tuple[int, int, Voices]:
        off_centre = sum(abs(2 * pitch - low - high) for pitch in candidate)
        return motion(before, candidate), off_centre, candidate

    return min(candidates, key=effort, default=())


def motion(before: Sequence[int], after: Sequence[int]) -> int:
    """How many semitones the voices move in all; both rising.

    As many voices move in order; where voices part or join, each of the larger chord
    counts its way from the nearest of the other.
    """
    if len(before) == len(after):
        return sum(abs(a - b) for a, b in zip(before, after, strict=True))
    few, many = sorted((before, after), key=len)
    return sum(min((abs(a - b) for b in few), default=0) for a in many)


def bass_of(chord: int, before: int | None, low: int, high: int) -> int:
    """The root nearest to the last bass; at the beginning, to the register's middle.

    Where the register has no root it is another note of the chord, and where it has
    none, or there is no chord, the pitch nearest to the last bass.

    Thread: any. Cost: microseconds.
    """
    aim = (low + high) // 2 if before is None else before
    for pitch_class in chords.pitch_classes(chord):
        roots = range(low + (pitch_class - low) % 12, high + 1, 12)
        if roots:
            return min(roots, key=lambda pitch: (abs(pitch - aim), pitch))
    return max(low, min(aim, high))


def moved(pitch: int, from_chord: int, to_chord: int) -> int:
    """A note planned over one chord, at the same place over another.

    A chord's note becomes the nearest corresponding one: third to third, fifth to
    fifth, seventh to seventh or, where there is none, root; by a tritone at most. A
    note between them keeps its distance to the nearest of them, and stays in the
    chord's scale if it was in the other's.

    Thread: any. Cost: 10 µs.
    """
    if from_chord == to_chord or chords.NO_CHORD in (from_chord, to_chord):
        return pitch
    tones = chords.pitch_classes(from_chord)
    anchor = min(
        (p for p in range(pitch - 6, pitch + 7) if p % 12 in tones),
        key=lambda p: (abs(p - pitch), p),
    )
    role = tones.index(anchor % 12)
    targets = chords.pitch_classes(to_chord)
    target = _nearest(anchor, targets[role if role < len(targets) else 0])
    if anchor == pitch:
        return _in_range(target)
    return _in_range(_beside(target, pitch - anchor, pitch, from_chord, to_chord))


def within(pitch: int, low: int, high: int) -> int:
    """The pitch moved by octaves into a register.

    In a register narrower than an octave it may end up below `low`.
    """
    while pitch < low:
        pitch += 12
    while pitch > high:
        pitch -= 12
    return min(max(pitch, 0), 127)


def common_register(wanted: tuple[int, int], low: int, high: int) -> tuple[int, int]:
    """The part of a wanted register within ``low … high``, if it spans an octave.

    Otherwise ``low … high``.
    """
    bottom, top = max(wanted[0], low), min(wanted[1], high)
    return (bottom, top) if top - bottom >= 11 else (low, high)


@lru_cache(maxsize=4096)
def _positions(
    chord: int, low: int, high: int, voices: int, avoid: frozenset[int]
) -> tuple[Voices, ...]:
    """All close and open positions, of as many voices as there can be."""
    tones = _by_importance(chord, avoid)
    at = {pc: range(low + (pc - low) % 12, high + 1, 12) for pc in tones}
    tones = tuple(pc for pc in tones if at[pc])
    for count in range(min(voices, 2 * len(tones)), 0, -1):
        once = tones[:count]
        found = tuple(
            position
            for twice in _doubled(chord, once, count - len(once), avoid)
            for position in _spread(once, twice, at)
        )
        if found:
            return found
    return ()


def _by_importance(chord: int, avoid: frozenset[int]) -> Voices:
    """Root, third, then what may be left out: the plain fifth first."""
    root, third, *rest = chords.pitch_classes(chord)
    shape = chords.INTERVALS[chords.quality_of(chord)]
    if shape[-1] in SEVENTHS and shape[2] == FIFTH:
        rest.reverse()
    return root, third, *(pc for pc in rest if pc not in avoid)


def _doubled(
    chord: int, tones: Voices, count: int, avoid: frozenset[int]
) -> Iterator[Voices]:
    """Which of root and perfect fifth sound twice."""
    root = chords.root_of(chord)
    good = [pc for pc in (root, (root + FIFTH) % 12) if pc in tones and pc not in avoid]
    return combinations(good, count)


def _spread(once: Voices, twice: Voices, at: dict[int, range]) -> Iterator[Voices]:
    """The ways to lay out pitch classes with no gap wider than a hand's."""
    places = [combinations(at[pc], 2 if pc in twice else 1) for pc in once]
    for chosen in product(*places):
        position = tuple(sorted(pitch for pitches in chosen for pitch in pitches))
        if all(b - a <= WIDEST_GAP for a, b in pairwise(position)):
            yield position


def _nearest(pitch: int, pitch_class: int) -> int:
    """The pitch of a class that is nearest; of two tritones away the lower."""
    return pitch - 6 + (pitch_class - pitch + 6) % 12


def _beside(
    target: int, distance: int, pitch: int, from_chord: int, to_chord: int
) -> int:
    """A note at a distance from a chord's, in its scale if it was in the other's."""
    wanted = target + distance
    if not _in_scale(pitch, from_chord) or _in_scale(wanted, to_chord):
        return wanted
    return min(
        (p for p in range(wanted - 2, wanted + 3) if _in_scale(p, to_chord)),
        key=lambda p: (p % 12 in chords.pitch_classes(to_chord), abs(p - wanted), p),
    )


def _in_scale(pitch: int, chord: int) -> bool:
    return (pitch - chords.root_of(chord)) % 12 in _STEPS[chords.quality_of(chord)]


def _in_range(pitch: int) -> int:
    """The same note in another octave, where MIDI has no such pitch."""
    return pitch + 12 * (pitch < 0) - 12 * (pitch > 127)
