"""What the accompanist is judged on: a melody, and how humans accompanied it.

Music lies on a grid of *frames*, sixteenths: four to a beat, and a beat is a quarter
note. Each note keeps its exact onset in beats as well. A *span* is a felt beat: four
frames, or six where the beat is dotted. Values only; no files, no systems.
"""

from dataclasses import dataclass, field, replace
from typing import ClassVar, Final

import numpy as np
import numpy.typing as npt

from ripieno.music.chords import N_CHORDS, NO_CHORD, pitch_classes, transposed

FRAMES_PER_BEAT: Final = 4
SILENT: Final = -1
"""The pitch of a frame in which nobody plays."""

NOTE: Final = np.dtype(
    [
        ("start", "i4"),
        ("end", "i4"),
        ("pitch", "i2"),
        ("velocity", "i2"),
        ("at_beats", "f8"),
        ("long_beats", "f8"),
    ]
)
"""A note: onset frame, end frame, MIDI pitch, velocity 1…127; exact onset and length
in beats."""

Notes = npt.NDArray[np.void]
Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]


def _tones() -> Bools:
    table = np.zeros((N_CHORDS + 1, 12), np.bool_)
    for number in range(N_CHORDS):
        table[number, list(pitch_classes(number))] = True
    return table


TONES: Final = _tones()
"""Whether a pitch class is in a chord; the last row, `NO_CHORD`'s, is empty."""


@dataclass(frozen=True, slots=True, eq=False)
class TestPiece:
    """A melody to accompany, and how humans did.

    Attributes:
        name: what a table calls it.
        corpus: ``POP909``, ``Nottingham`` or a folder's name.
        family: equal for pieces that must share a part.
        bpm: beats (quarter notes) a minute.
        meter: numerator and denominator, of its beginning.
        frames: its length.
        melody: what the human plays; see `NOTE`; by onset, then pitch.
        accompaniment: what a human accompanist played; may be empty.
        chords: per frame; `NO_CHORD` where none is known.
        chords_from: ``markers``, ``track``, ``notes`` or ``none``.
        pickup: frames before the first bar line.
        part: ``train``, ``valid`` or ``test``.
    """

    __test__: ClassVar[bool] = False  # pytest would take it for a test

    name: str
    corpus: str
    family: str
    bpm: float
    meter: tuple[int, int]
    frames: int
    melody: Notes
    accompaniment: Notes
    chords: Ints
    chords_from: str
    pickup: int = 0
    part: str = "test"

    @property
    def bar_frames(self) -> int:
        """Frames in a bar."""
        numerator, denominator = self.meter
        return max(numerator * 4 * FRAMES_PER_BEAT // denominator, 1)

    @property
    def span_frames(self) -> int:
        """Frames in a felt beat: six where it is dotted, else four."""
        numerator, denominator = self.meter
        return 6 if denominator == 8 and numerator % 3 == 0 else 4

    @property
    def bars(self) -> float:
        """How many bars it lasts."""
        return self.frames / self.bar_frames


@dataclass(slots=True)
class Reading:
    """What was read, and what was not and why."""

    pieces: list[TestPiece] = field(default_factory=list)
    refused: list[tuple[str, str]] = field(default_factory=list)


def notes_of(
    beats: Floats, ends: Floats, pitches: npt.ArrayLike, velocities: npt.ArrayLike
) -> Notes:
    """Notes on the grid, each at least a frame long, by onset and pitch.

    Args:
        beats: exact onsets, shape (N,).
        ends: exact ends, shape (N,).
        pitches: MIDI pitches, shape (N,).
        velocities: shape (N,), or one for all.
    """
    notes = np.zeros(len(beats), NOTE)
    notes["at_beats"], notes["pitch"] = beats, pitches
    notes["velocity"] = velocities
    notes["long_beats"] = np.asarray(ends) - beats
    notes["start"] = np.rint(np.asarray(beats) * FRAMES_PER_BEAT)
    notes["end"] = np.rint(np.asarray(ends) * FRAMES_PER_BEAT)
    notes["end"] = np.maximum(notes["end"], notes["start"] + 1)
    return notes[np.lexsort((notes["pitch"], notes["start"]))]


def on_frames(
    starts: npt.ArrayLike, ends: npt.ArrayLike, pitches: npt.ArrayLike
) -> Notes:
    """Notes that begin and end exactly on frames, at a middling velocity."""
    beats = np.asarray(starts, np.float64) / FRAMES_PER_BEAT
    ends_beats = np.asarray(ends, np.float64) / FRAMES_PER_BEAT
    return notes_of(beats, ends_beats, pitches, 80)


def line(notes: Notes, frames: int) -> Ints:
    """The pitch that is heard in each frame: the latest onset's, of those the highest.

    Returns:
        Shape (frames,); `SILENT` where none sounds.
    """
    heard = np.full(frames, SILENT)
    for start, end, pitch in zip(
        notes["start"].tolist(),
        notes["end"].tolist(),
        notes["pitch"].tolist(),
        strict=True,
    ):
        heard[start:end] = pitch
    return heard


def counts(notes: Notes, frames: int) -> Floats:
    """How many notes of each pitch class sound in each frame, shape (frames, 12)."""
    edges = np.zeros((frames + 1, 12))
    classes = notes["pitch"] % 12
    np.add.at(edges, (np.minimum(notes["start"], frames), classes), 1.0)
    np.add.at(edges, (np.minimum(notes["end"], frames), classes), -1.0)
    return np.cumsum(edges, axis=0)[:frames]


def transposed_chords(chords: Ints, semitones: int) -> Ints:
    """The same chords on other roots."""
    moved = [transposed(number, semitones) for number in range(N_CHORDS)]
    return np.array([*moved, NO_CHORD])[chords]


def excerpt(piece: TestPiece, first: int, last: int) -> TestPiece:
    """The frames *first* to *last* (exclusive) of a piece, as a piece of its own.

    Notes that begin before are left out; those that end after are cut off.
    """
    return replace(
        piece,
        frames=last - first,
        melody=_cut(piece.melody, first, last),
        accompaniment=_cut(piece.accompaniment, first, last),
        chords=piece.chords[first:last],
        pickup=(piece.pickup - first) % piece.bar_frames,
    )


def from_the_melody(piece: TestPiece) -> TestPiece:
    """A piece without its introduction: it begins with the bar of the first note."""
    if not len(piece.melody):
        return piece
    bar, pickup = piece.bar_frames, piece.pickup
    onset = int(piece.melody["start"][0])
    first = (onset - pickup) // bar * bar + pickup
    return excerpt(piece, max(first, 0), piece.frames)


def _cut(notes: Notes, first: int, last: int) -> Notes:
    kept = notes[(notes["start"] >= first) & (notes["start"] < last)].copy()
    kept["end"] = np.minimum(kept["end"], last) - first
    kept["start"] -= first
    kept["at_beats"] -= first / FRAMES_PER_BEAT
    return kept
