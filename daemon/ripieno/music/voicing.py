"""Voicings: the pitches on which a chord is played, with little motion between chords.

The functions are fast enough for the playing thread. The positions of a chord in a
register are cached. Every function accepts `NO_CHORD`: it has no voices, and moves
nothing.
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
"""Two octaves: the largest distance between the outer voices."""
BASS_REGISTER: Final = (36, 50)
"""C2 … D3, for bass notes."""
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
"""The usual scale over a chord whose key is unknown.

Source: chord-scale theory, as in Levine 1995, The Jazz Theory Book. For dim7 that has
whole-half diminished; locrian has seven degrees, as the other scales here."""
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
    """Return a chord in close or open position, as near to the last one as possible.

    Root and third come first, then the seventh, then the fifth. A further voice doubles
    root or fifth, never the third. If they do not fit, there are fewer voices.

    Args:
        chord: what to play.
        before: the pitches that sounded before; none at the beginning.
        low: the lowest pitch allowed.
        high: the highest pitch allowed.
        voices: at most so many.
        avoid: pitch classes that are neither doubled nor used as fifth or seventh, as
            they are dissonant with the melody.

    Returns:
        Rising pitches. Of equally near positions, the one nearest to the middle of the
        register.

    Thread: any. Cost: 15 µs; 35 µs if the positions are not cached.
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
    """Return the sum of the voices' motions in semitones; both chords rise.

    Chords of equal size move voice by voice. Otherwise each voice of the larger chord
    moves from the nearest one of the smaller.
    """
    if len(before) == len(after):
        return sum(abs(a - b) for a, b in zip(before, after, strict=True))
    few, many = sorted((before, after), key=len)
    return sum(min((abs(a - b) for b in few), default=0) for a in many)


def bass_of(chord: int, before: int | None, low: int, high: int) -> int:
    """Return the root nearest to the last bass, or at first to the register's middle.

    If the register has no root, it is another note of the chord. If it has none, or
    there is no chord, it is the pitch nearest to the last bass.

    Thread: any. Cost: microseconds.
    """
    aim = (low + high) // 2 if before is None else before
    for pitch_class in chords.pitch_classes(chord):
        roots = range(low + (pitch_class - low) % 12, high + 1, 12)
        if roots:
            return min(roots, key=lambda pitch: (abs(pitch - aim), pitch))
    return max(low, min(aim, high))


def moved(pitch: int, from_chord: int, to_chord: int) -> int:
    """Return a note planned over one chord at the same place over another.

    A chord tone becomes the nearest corresponding one: third to third, fifth to fifth,
    seventh to seventh or, if there is none, root; at most a tritone away. Another note
    keeps its distance from the nearest chord tone. If it was in the old chord's scale,
    it stays in that of the new chord.

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
    """Return the pitch moved by octaves into a register.

    In a register narrower than an octave the result may be below `low`.
    """
    while pitch < low:
        pitch += 12
    while pitch > high:
        pitch -= 12
    return min(max(pitch, 0), 127)


def common_register(wanted: tuple[int, int], low: int, high: int) -> tuple[int, int]:
    """Return the part of a wanted register within ``low … high``.

    If that is less than an octave, return ``low … high``.
    """
    bottom, top = max(wanted[0], low), min(wanted[1], high)
    return (bottom, top) if top - bottom >= 11 else (low, high)


@lru_cache(maxsize=4096)
def _positions(
    chord: int, low: int, high: int, voices: int, avoid: frozenset[int]
) -> tuple[Voices, ...]:
    """Return all close and open positions with the most voices possible."""
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
    """Return root, third, and the rest; a perfect fifth comes after the seventh."""
    root, third, *rest = chords.pitch_classes(chord)
    shape = chords.INTERVALS[chords.quality_of(chord)]
    if shape[-1] in SEVENTHS and shape[2] == FIFTH:
        rest.reverse()
    return root, third, *(pc for pc in rest if pc not in avoid)


def _doubled(
    chord: int, tones: Voices, count: int, avoid: frozenset[int]
) -> Iterator[Voices]:
    """Return the ways to double `count` of root and perfect fifth."""
    root = chords.root_of(chord)
    good = [pc for pc in (root, (root + FIFTH) % 12) if pc in tones and pc not in avoid]
    return combinations(good, count)


def _spread(once: Voices, twice: Voices, at: dict[int, range]) -> Iterator[Voices]:
    """Yield the positions of pitch classes without a gap above `WIDEST_GAP`."""
    places = [combinations(at[pc], 2 if pc in twice else 1) for pc in once]
    for chosen in product(*places):
        position = tuple(sorted(pitch for pitches in chosen for pitch in pitches))
        if all(b - a <= WIDEST_GAP for a, b in pairwise(position)):
            yield position


def _nearest(pitch: int, pitch_class: int) -> int:
    """Return the nearest pitch of a class; of two a tritone away, the lower."""
    return pitch - 6 + (pitch_class - pitch + 6) % 12


def _beside(
    target: int, distance: int, pitch: int, from_chord: int, to_chord: int
) -> int:
    """Return `target` + `distance`, in the new scale if `pitch` was in the old one."""
    wanted = target + distance
    if not is_in_scale(pitch, from_chord) or is_in_scale(wanted, to_chord):
        return wanted
    return min(
        (p for p in range(wanted - 2, wanted + 3) if is_in_scale(p, to_chord)),
        key=lambda p: (p % 12 in chords.pitch_classes(to_chord), abs(p - wanted), p),
    )


def is_in_scale(pitch: int, chord: int) -> bool:
    """Return whether a pitch is in the usual scale over a chord."""
    return (pitch - chords.root_of(chord)) % 12 in _STEPS[chords.quality_of(chord)]


def _in_range(pitch: int) -> int:
    """Return the pitch, moved by an octave if MIDI has no such pitch."""
    return pitch + 12 * (pitch < 0) - 12 * (pitch > 127)
