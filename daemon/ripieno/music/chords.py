"""Chords as integers, and their names.

A chord is ``root * QUALITIES + quality``, 0 … 143, in models, plans and tables.
`NO_CHORD` (-1) is silence. Names are those of lead sheets: ``Bb``, ``F#m7``, ``Gsus4``.
Labels of data sets (``Bb:min7/F``) are read as well. A bass (``/F``) is read and
ignored: the voicing chooses the lowest note.
"""

import re
from typing import Final

from ripieno.music.scales import LETTERS, NAMES

NO_CHORD: Final = -1

SHAPES: Final[dict[str, tuple[int, ...]]] = {
    "": (0, 4, 7),
    "m": (0, 3, 7),
    "7": (0, 4, 7, 10),
    "maj7": (0, 4, 7, 11),
    "m7": (0, 3, 7, 10),
    "sus4": (0, 5, 7),
    "sus2": (0, 2, 7),
    "dim": (0, 3, 6),
    "m7b5": (0, 3, 6, 10),
    "dim7": (0, 3, 6, 9),
    "aug": (0, 4, 8),
    "6": (0, 4, 7, 9),
}
"""Suffix → intervals above the root. Order matters: models are trained on it."""

COLOURED: Final = ("7", "maj7", "m7", "m7b5", "dim7", "sus4", "sus2")
"""The suffixes of sevenths and suspensions."""
SUFFIXES: Final = tuple(SHAPES)
INTERVALS: Final = tuple(SHAPES.values())
QUALITIES: Final = len(SHAPES)
N_CHORDS: Final = 12 * QUALITIES

_COLOURS: Final = {
    "": ("7", "maj7", "sus4"),
    "m": ("m7",),
    "dim": ("m7b5", "dim7"),
}
_SPELLINGS: Final = {
    "": ("maj", "M", "5", "maj(4)"),
    "m": ("min", "-", "mi", "min6", "m6", "minmaj7", "mM7", "minor-major"),
    "7": ("9", "11", "13", "dom7", "7b5", "7(b5)", "7b9", "7(b9)", "7#9"),
    "maj7": ("M7", "maj9", "j7"),
    "m7": ("min7", "min9", "m9", "-7", "min11", "m11"),
    "sus4": ("sus", "7sus4", "sus4(7)", "7sus"),
    "sus2": (),
    "dim": ("o", "mb5"),
    "m7b5": ("hdim7", "min7b5", "ø", "ø7"),
    "dim7": ("o7",),
    "aug": ("+", "aug7", "7#5", "+7"),
    "6": ("maj6", "69", "maj69", "6/9"),
}
_QUALITY_OF: Final = {suffix: i for i, suffix in enumerate(SUFFIXES)} | {
    spelling: SUFFIXES.index(suffix)
    for suffix, spellings in _SPELLINGS.items()
    for spelling in spellings
}
_NAME: Final = re.compile(r"([A-G])([#b]*):?([^/]*?)(?:/(?:[A-G][#b]*|[#b]?\d+))?")


def chord(root: int, quality: int = 0) -> int:
    """Return the chord on a root, a pitch class, with the quality of an index."""
    return root % 12 * QUALITIES + quality


def root_of(number: int) -> int:
    """Return the pitch class of a chord's root."""
    return number // QUALITIES


def quality_of(number: int) -> int:
    """Return the index of a chord's quality in `SUFFIXES`."""
    return number % QUALITIES


def coloured(number: int) -> tuple[int, ...]:
    """Return the chords that add a seventh to a triad, or hold back its third."""
    suffixes = _COLOURS.get(SUFFIXES[quality_of(number)], ())
    return tuple(chord(root_of(number), SUFFIXES.index(s)) for s in suffixes)


def pitch_classes(number: int) -> tuple[int, ...]:
    """Return a chord's pitch classes, from the root upward; none for `NO_CHORD`."""
    if number == NO_CHORD:
        return ()
    root = root_of(number)
    return tuple((root + step) % 12 for step in INTERVALS[quality_of(number)])


def name_of(number: int) -> str:
    """Return a chord's name on a lead sheet; ``-`` for `NO_CHORD`."""
    if number == NO_CHORD:
        return "-"
    return NAMES[root_of(number)] + SUFFIXES[quality_of(number)]


def named(name: str) -> int:
    """Return the chord of a name such as ``Bbmaj7``, ``F#m7/E`` or ``Bb:min7``.

    ``N``, ``N.C.`` and ``-`` are `NO_CHORD`. An unknown extension is read as the
    nearest known one: a ninth as a seventh.

    Raises:
        ValueError: it is no chord; the message lists examples.
    """
    text = name.strip()
    if text in ("N", "N.C.", "NC", "X", "-"):
        return NO_CHORD
    match = _NAME.fullmatch(text)
    quality = _QUALITY_OF.get(match[3].strip()) if match else None
    if match is None or quality is None:
        known = ", ".join(f"C{suffix}" for suffix in SUFFIXES)
        raise ValueError(f"{name!r} is not a chord; write a root and one of: {known}")
    accidentals = match[2].count("#") - match[2].count("b")
    return chord(LETTERS[match[1]] + accidentals, quality)


def transposed(number: int, semitones: int) -> int:
    """Return the same quality on a root that is so many semitones higher."""
    if number == NO_CHORD:
        return NO_CHORD
    return chord(root_of(number) + semitones, quality_of(number))
