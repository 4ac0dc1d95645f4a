"""Chords per frame: read from labels, or heard in the notes that play them.

Labels are those of the data sets; what has no name in `ripieno.music.chords` is heard
as the nearest chord that has. Notes are matched with templates, span by span.
"""

import re
from collections.abc import Iterable
from typing import Final

import numpy as np

from ripieno.music.chords import N_CHORDS, NO_CHORD, SHAPES, chord, named
from ripieno.music.scales import LETTERS
from ripieno_export.judge.pieces import FRAMES_PER_BEAT, TONES, Floats, Ints

OUTSIDE: Final = 1.0
BASS: Final = 0.2
MISSING: Final = 0.4
"""Weights of a note outside the chord, of the lowest note's being its root, and of a
chord tone that nobody plays. Source: the piano of 81 of POP909's training songs against
their labels: the chord is right in 71.2 % of the frames, its root in 82.4 %; half or
double of any weight costs at most a point, no weight for missing tones eight."""

_LABEL: Final = re.compile(r"([A-G])([#b]*):?(.*)")
_LIST: Final = re.compile(r"(?:X:)?([\d,]+)@([A-G])([#b]*)")

Labelled = tuple[float, float, str]
"""A chord label: onset and end in beats, name."""


def label_chord(label: str) -> int:
    """The chord of a data set's label; `NO_CHORD` where it names none.

    ``G:9(#5)`` is heard as its longest beginning that has a name, ``A:(0,4,10)`` and
    ``X:0,7,10@A`` as the nearest chord, a bass alone (``A:1``) as the major triad.
    """
    text = label.strip().split("/")[0]
    try:
        return named(text)
    except ValueError:
        pass
    if match := _LIST.fullmatch(text):
        return _nearest(_pitch_class(match[2], match[3]), match[1])
    if not (match := _LABEL.fullmatch(text)):
        return NO_CHORD
    root, quality = _pitch_class(match[1], match[2]), match[3]
    if quality.startswith("("):
        return _nearest(root, quality)
    if quality == "1":
        return chord(root)
    return _shortened(match[1] + match[2], quality)


def _pitch_class(letter: str, accidentals: str) -> int:
    return LETTERS[letter] + accidentals.count("#") - accidentals.count("b")


def _shortened(root: str, quality: str) -> int:
    for length in range(len(quality) - 1, 0, -1):
        try:
            return named(f"{root}:{quality[:length]}")
        except ValueError:
            continue
    return NO_CHORD


def _nearest(root: int, numbers: str) -> int:
    played = {int(number) % 12 for number in re.findall(r"\d+", numbers)}
    fits = [
        len(played & set(steps)) - 0.5 * len(set(steps) - played)
        for steps in SHAPES.values()
    ]
    return chord(root, int(np.argmax(fits)))


def chords_at(labels: Iterable[Labelled], frames: int) -> Ints:
    """Labels as chords per frame; of two at one time the later one counts."""
    chords = np.full(frames, NO_CHORD)
    for onset, end, label in labels:
        first, last = round(onset * FRAMES_PER_BEAT), round(end * FRAMES_PER_BEAT)
        if (number := label_chord(label)) != NO_CHORD:
            chords[first:last] = number
    return chords


def heard_chords(sounding: Floats, lowest: Ints, span: int, pickup: int = 0) -> Ints:
    """The chord that fits the notes of each span best.

    Args:
        sounding: notes of each pitch class in each frame, shape (frames, 12).
        lowest: the lowest pitch in each frame, `SILENT` where none, shape (frames,).
        span: frames in a span.
        pickup: frames before the first bar line.

    Returns:
        Chords per frame; `NO_CHORD` in spans without a note.
    """
    frames = len(sounding)
    number = (np.arange(frames) - pickup % span) // span
    number -= number.min(initial=0)
    votes = np.zeros((number.max(initial=0) + 1, 24))
    np.add.at(votes[:, :12], number, sounding)
    low = np.flatnonzero(lowest >= 0)
    np.add.at(votes, (number[low], 12 + lowest[low] % 12), 1.0)
    total = votes[:, :12].sum(axis=1)
    shares = votes[:, :12] / np.maximum(total, 1e-9)[:, None]
    basses = votes[:, 12:] / np.maximum(votes[:, 12:].sum(axis=1), 1e-9)[:, None]
    best = np.argmax(_fits(shares, basses), axis=1)
    return np.where(total > 0, best, NO_CHORD)[number]


def _fits(shares: Floats, basses: Floats) -> Floats:
    """How well each chord fits each span, shape (spans, chords)."""
    tones = TONES[:N_CHORDS].astype(np.float64)
    inside = shares @ tones.T
    missing = (shares < 0.02).astype(np.float64) @ tones.T
    roots = np.repeat(np.arange(12), N_CHORDS // 12)
    return inside - OUTSIDE * (1 - inside) - MISSING * missing + BASS * basses[:, roots]
